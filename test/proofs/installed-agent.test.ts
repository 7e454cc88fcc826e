/** An agent with a user of its own, as `agent install` says how to run it, and three users who ask it: one who may, one who may a little, one who may not. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, onTestFinished } from 'vitest';
import { testAsRoot } from '../support/permissions.ts';
import {
  publicFolder,
  throwAwayUser,
  type PublicFolder,
  type ThrowAwayUser,
} from '../support/throw-away-user.ts';

const run = promisify(execFile);
const STARTS_WITHIN_MS = 60_000;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface ServiceFiles {
  readonly files: readonly { readonly path: string; readonly content: string }[];
  readonly withoutSystemd: readonly string[];
}

testAsRoot('an installed agent serves whom its lists name, and nobody reads its keys', async () => {
  const folder = publicFolder();
  const [agent, ann, bob, eve] = [
    await throwAwayUser(),
    await throwAwayUser(),
    await throwAwayUser(),
    await throwAwayUser(),
  ];
  onTestFinished(async () => {
    folder.remove();
    for (const user of [agent, ann, bob, eve]) await user.remove();
  });
  const cli = await folder.bundle('../lib/cli/main.ts');
  const place = { agent: join(folder.path, 'var'), socket: join(folder.path, 'run/agent.sock') };
  const keycask = (user: ThrowAwayUser | undefined, ...args: string[]) =>
    outcomeOf(folder, user, [folder.node, cli, ...args]);

  // The command that `install` prints, run as it stands: the user is there already.
  const settings = ['--folder', place.agent, '--socket', place.socket, '--user', agent.name];
  const printed = await keycask(
    undefined,
    'agent',
    'install',
    '--dry-run',
    '--json',
    ...settings,
    '--allow',
    ann.name,
  );
  expect(printed).toMatchObject({ code: 0 });
  const { withoutSystemd } = JSON.parse(printed.stdout) as ServiceFiles;
  const [, ...preparations] = withoutSystemd;
  const start = preparations.pop()!;
  for (const line of preparations) await run('/bin/sh', ['-c', line]);
  const first = await startAgent(start, place.socket);

  // Ann, who may.
  const own = ['--home', join(folder.path, ann.name, 'home')];
  const reach = [
    '--provider',
    'isolated',
    '--agent-socket',
    place.socket,
    '--agent-user',
    agent.name,
  ];
  expect(await keycask(ann, 'init', ...own, ...reach, '--quiet')).toMatchObject({ code: 0 });
  expect(
    await keycask(ann, 'trust', 'policy', 'set', 'minimum-protection', 'agent-other-user', ...own),
  ).toMatchObject({ code: 0 });
  writeFileSync(join(folder.path, ann.name, 'letter'), 'for nobody else');
  const letter = join(folder.path, ann.name, 'letter');
  expect(await keycask(ann, 'encrypt', letter, ...own)).toMatchObject({ code: 0 });
  const opened = await keycask(ann, 'decrypt', `${letter}.cask`, '-o', '-', ...own);
  expect(opened).toMatchObject({ code: 0, stdout: 'for nobody else' });
  expect(await keycask(ann, 'container', 'rotate', '--quiet', ...own)).toMatchObject({ code: 0 });
  const shown = await keycask(ann, 'container', 'show', '--json', ...own);
  expect(JSON.parse(shown.stdout)).toMatchObject({
    exchange: {
      posture: {
        inMemory: 'agent, other user',
        level: 'agent, other user',
        couldRead: { inMemory: 'root', onDisk: 'root' },
        exportable: false,
      },
    },
  });
  const status = await keycask(
    ann,
    'agent',
    'status',
    '--json',
    '--socket',
    place.socket,
    '--agent-user',
    agent.name,
  );
  expect(JSON.parse(status.stdout)).toMatchObject({
    user: agent.name,
    uid: agent.uid,
    level: 'agent, other user',
    words: 'in an agent of another user',
  });

  // Nor can she read its memory, its key files, or end it.
  const pid = (JSON.parse(status.stdout) as { pid: number }).pid;
  expect(await outcomeOf(folder, ann, ['cat', `/proc/${pid}/environ`])).toMatchObject({
    code: 1,
  });
  expect(await outcomeOf(folder, ann, ['ls', join(place.agent, 'keys')])).not.toMatchObject({
    code: 0,
  });
  const stopped = await keycask(
    ann,
    'agent',
    'stop',
    '--socket',
    place.socket,
    '--agent-user',
    agent.name,
  );
  expect(stopped.stderr).toContain('PERMISSION_DENIED');

  // Eve may not connect. Who does not say whose the agent is, does not believe its socket.
  const reachEve = ['--home', join(folder.path, eve.name, 'home'), ...reach];
  expect((await keycask(eve, 'init', ...reachEve)).stderr).toContain('AGENT_ACCESS_DENIED');
  const unsaid = await keycask(ann, 'agent', 'status', '--socket', place.socket);
  expect(unsaid.stderr).toContain('AGENT_NOT_TRUSTED');

  // Bob may list, and nothing else, from the next start on; Ann keeps what she had.
  const allowed = await keycask(
    undefined,
    'agent',
    'access',
    'allow',
    bob.name,
    '--right',
    'list',
    '--folder',
    place.agent,
    '--quiet',
  );
  expect(allowed).toMatchObject({ code: 0 });
  await end(first);
  await startAgent(start, place.socket);
  const reachBob = ['--home', join(folder.path, bob.name, 'home'), ...reach];
  expect((await keycask(bob, 'init', ...reachBob)).stderr).toContain('AGENT_ACCESS_DENIED');
  const again = await keycask(ann, 'decrypt', `${letter}.cask`, '-o', '-', ...own);
  expect(again).toMatchObject({ code: 0, stdout: 'for nobody else' });

  // The audit log says who did what, by the kernel's word.
  const audit = readFileSync(join(place.agent, 'audit.log'), 'utf8');
  expect(audit).toMatch(new RegExp(`"op":"unwrap","uid":${ann.uid},.*"outcome":"ok"`));
  expect(audit).toMatch(new RegExp(`"uid":${eve.uid}`));

  // The same keys in Ann's own process are below what her home demands: with the key files, the machine secret and an edited keycask.json.
  await run('cp', ['-r', join(place.agent, 'keys'), join(folder.path, ann.name, 'home')]);
  await run('cp', ['-r', `${place.agent}-secret`, join(folder.path, ann.name, 'state')]);
  writeFileSync(
    join(folder.path, ann.name, 'home/keycask.json'),
    JSON.stringify({ version: 1, provider: 'software', protector: 'machine-secret' }),
  );
  await run('chown', ['-R', `${ann.uid}:${ann.gid}`, join(folder.path, ann.name)]);
  const below = await keycask(ann, 'decrypt', `${letter}.cask`, '-o', '-', ...own);
  expect(below).toMatchObject({ code: 3, stdout: '' });
  expect(below.stderr).toContain('in an agent of another user ("agent, other user")');
  expect(below.stderr).toContain('are in this process ("this process") [POLICY_REFUSED');
});

/** Runs a program as a user, in a folder of his own. */
async function outcomeOf(
  { path }: PublicFolder,
  user: ThrowAwayUser | undefined,
  command: readonly string[],
): Promise<Outcome> {
  const own = join(path, user?.name ?? 'root');
  if (!existsSync(own)) {
    mkdirSync(own);
    if (user) chownSync(own, user.uid, user.gid);
    chmodSync(own, 0o700);
  }
  const [program, ...args] = [...(user?.through ?? []), ...command];
  const env = { PATH: process.env['PATH'], HOME: own, XDG_STATE_HOME: join(own, 'state') };
  try {
    const { stdout, stderr } = await run(program!, args, { cwd: own, env });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

async function startAgent(command: string, socket: string): Promise<ChildProcess> {
  // Ends with the shell's word for it: `exec` leaves one process.
  const child = spawn('/bin/sh', ['-c', `exec ${command}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => end(child));
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => (said += String(text)));
  const until = performance.now() + STARTS_WITHIN_MS;
  while (!said.includes(socket)) {
    expect(child.exitCode, said).toBe(null);
    expect(performance.now(), said).toBeLessThan(until);
    await sleep(50);
  }
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
