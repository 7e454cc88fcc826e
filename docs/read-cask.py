#!/usr/bin/env python3
"""Opens a .cask file without keycask. Needs python3-cryptography only; docs/formats/cask.md explains each line.

read-cask.py record FILE.cask > record.cms      the key record, for the `openssl cms` commands of docs/formats/cask.md
read-cask.py open FILE.cask KEY > plaintext     KEY: a file with the session key as 64 hex digits, or - for standard input
"""
import hashlib, sys
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

METADATA = bytes.fromhex("06222a864886f71401be40937a833db06a81da0781863882b67d8699ad4a82e099780101")
number = lambda field: int.from_bytes(field, "big")
derive = lambda key, salt, info: HKDF(hashes.SHA256(), 32, salt, info).derive(key)

def main(mode, path, key_file="-"):
    file = open(path, "rb")
    fixed = file.read(36)                                   # magic 8, version 4, file id 16, header length 4, record length 4
    if fixed[:12] != b"\xcaCASK\r\n\x1a\0\0\0\1": sys.exit("this is not a .cask file of version 1")
    rest = file.read(number(fixed[28:32]) - 36)             # record, context length 4, context, zero padding
    record, after = rest[: number(fixed[32:36])], rest[number(fixed[32:36]) :]
    context = after[4 : 4 + number(after[:4])]
    if mode == "record": return sys.stdout.buffer.write(record)
    key = bytes.fromhex((sys.stdin if key_file == "-" else open(key_file)).read())
    at = record.index(b"\2\1\1\4\x10", record.index(METADATA)) + 5
    record_id = record[at : at + 16]                        # keycask-metadata begins: version INTEGER 1, recordId OCTET STRING (16)
    commitment = derive(key, record_id, b"keycask commitment v1")
    info = hashlib.sha256(b"keycask file v1" + fixed[8:28] + record_id + commitment + context).digest()
    head, segment, index, last = file.read(40), file.read((1 << 20) - 40), 0, False
    gcm = AESGCM(derive(key, head[1:33], info))             # head: 0x28, salt 32, nonce prefix 7
    while not last:
        following = file.read(1 << 20)
        last = not following
        sys.stdout.buffer.write(gcm.decrypt(head[33:] + index.to_bytes(4, "big") + bytes([last]), segment, None))
        segment, index = following, index + 1

if len(sys.argv) not in (3, 4) or sys.argv[1] not in ("record", "open"): sys.exit(__doc__)
try: main(*sys.argv[1:])
except InvalidTag: sys.exit("damaged, cut short, or encrypted with another key: do not use what was written")
