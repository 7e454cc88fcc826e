/** systemd reads the units that `agent install` writes, and finds little that a service of theirs could still do. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemServiceFiles, userServiceFiles } from '../../lib/agent/service-files.ts';
import type { AgentService } from '../../lib/agent/service-unit.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const isHere = process.env['KEYCASK_HAVE_SYSTEMD'] === '1' || process.env['CI'] === 'true';
const analyze = process.env['KEYCASK_SYSTEMD_ANALYZE'] ?? 'systemd-analyze';

const SERVICE: AgentService & { readonly user: string } = {
  command: [
    process.execPath,
    '--secure-heap=1048576',
    '/opt/key cask/cli.js',
    'agent',
    'start',
    '50%',
    '$HOME',
    'a"b',
  ],
  user: 'root',
  environment: { XDG_STATE_HOME: '/var/lib/keycask-agent-secret' },
  hasToken: false,
  isInHome: false,
};

describe.skipIf(!isHere)('systemd', () => {
  test.each([
    ['of its own user', SERVICE],
    ['with a token', { ...SERVICE, hasToken: true, isInHome: true }],
    [
      'with other folders',
      {
        ...SERVICE,
        folders: { agent: '/srv/a b', secret: '/srv/a b-secret', runtime: '/srv/run' },
      },
    ],
  ])('reads the unit %s without a word', async (_, service) => {
    const [unit] = systemServiceFiles(service).files;
    expect(await verified('--system', unit!.content)).toBe('');
  });

  test('reads the unit of the same user without a word', async () => {
    const { user: _, ...service } = SERVICE;
    const [unit] = userServiceFiles(service, '/home/ann/.config').files;
    expect(await verified('--user', unit!.content)).toBe('');
  });

  test('calls a service with a user of its own safe', async () => {
    const [unit] = systemServiceFiles(SERVICE).files;
    const path = await written(unit!.content);
    const { stdout } = await run(analyze, ['security', '--offline=true', '--no-pager', path]);
    const exposure = /exposure level for \S+: (\d+\.\d+)/u.exec(stdout)?.[1];
    // Of ten; a service that says nothing has 9.6. root as its user would count, so it has another here.
    expect(Number(exposure)).toBeLessThan(2);
  });
});

/** What systemd says of it. */
async function verified(kind: '--system' | '--user', unit: string): Promise<string> {
  const path = await written(unit);
  const env = { ...process.env, XDG_RUNTIME_DIR: dirname(path) };
  const { stdout, stderr } = await run(analyze, ['verify', kind, '--man=no', path], { env });
  return stdout + stderr;
}

async function written(unit: string): Promise<string> {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  await chmod(folder.path, 0o700);
  const path = join(folder.path, 'units', 'keycask-agent.service');
  await mkdir(dirname(path));
  await writeFile(path, unit);
  return path;
}
