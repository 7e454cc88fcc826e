"""Runs a command at a terminal of its own, and types what a test says.

Standard input: JSON {"command": [...], "steps": [["what to wait for", "what to type then"], ...]}.
Standard output: JSON {"screen": "all that the terminal showed", "exitCode": n}.
"""
import json
import os
import pty
import select
import sys
import time

PATIENCE = 150

request = json.load(sys.stdin)
child, terminal = pty.fork()
if child == 0:
    os.execvp(request["command"][0], request["command"])

screen, seen = b"", 0
steps = [[part.encode() for part in step] for step in request["steps"]]
end = time.monotonic() + PATIENCE
while time.monotonic() < end:
    if steps and steps[0][0] in screen[seen:]:
        wait, typed = steps.pop(0)
        seen += screen[seen:].index(wait) + len(wait)
        os.write(terminal, typed)
        continue
    ready, _, _ = select.select([terminal], [], [], 0.2)
    if ready:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux's way to say that the other side is closed
            break
        if not chunk:
            break
        screen += chunk
else:
    os.kill(child, 9)
_, status = os.waitpid(child, 0)
json.dump({"screen": screen.decode("utf-8", "replace"), "exitCode": os.waitstatus_to_exitcode(status)}, sys.stdout)
