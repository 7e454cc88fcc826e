/** The unit and the command of an installed agent, as text. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { systemServiceFiles, userServiceFiles } from '../../../lib/agent/service-files.ts';
import { systemdUnit, type AgentService } from '../../../lib/agent/service-unit.ts';

const SERVICE: AgentService & { readonly user: string } = {
  command: ['/usr/bin/node', '/opt/keycask/cli.js', 'agent', 'start', '--foreground'],
  user: 'keycask-agent',
  hasToken: false,
  isInHome: false,
};

describe('the unit of an agent', () => {
  test('with a user of its own runs as that user, without rights, core files or swap', () => {
    const lines = systemdUnit(SERVICE).split('\n');
    for (const line of [
      'ExecStart=/usr/bin/node /opt/keycask/cli.js agent start --foreground',
      'User=keycask-agent',
      'NoNewPrivileges=yes',
      'CapabilityBoundingSet=',
      'LimitCORE=0',
      'MemorySwapMax=0',
      'MemoryMax=2G',
      'ProtectSystem=strict',
      'ProtectHome=yes',
      'PrivateNetwork=yes',
      'RuntimeDirectory=keycask',
    ])
      expect(lines).toContain(line);
  });

  test('of the same user has neither user nor sandbox, for which his systemd has no right', () => {
    const { user: _, ...service } = SERVICE;
    const unit = systemdUnit(service);
    expect(unit).not.toMatch(/^(User|ProtectSystem|CapabilityBoundingSet|MemorySwapMax)=/mu);
    expect(unit).toContain('WantedBy=default.target');
  });

  test('with a token lets it at a TPM and the network, which tokens can be behind', () => {
    const unit = systemdUnit({ ...SERVICE, hasToken: true });
    expect(unit).toContain('DeviceAllow=/dev/tpmrm0 rw');
    expect(unit).not.toContain('PrivateNetwork');
  });

  test('may write to other folders, where these are not the usual ones', () => {
    const folders = { agent: '/srv/agent', secret: '/srv/agent-secret', runtime: '/srv/run' };
    const unit = systemdUnit({ ...SERVICE, folders });
    expect(unit).toContain('ReadWritePaths=/srv/agent /srv/agent-secret /srv/run');
    expect(unit).not.toMatch(/^(State|Runtime)Directory=/mu);
  });

  test('shows homes, to read, only where the program lies in one', () => {
    expect(systemdUnit({ ...SERVICE, isInHome: true })).toContain('ProtectHome=read-only');
  });

  test('holds arguments whatever is in them, but no line break', () => {
    const command = ['/opt/a b/node', '50%', '$HOME', String.raw`a"b\c`];
    expect(systemdUnit({ ...SERVICE, command })).toContain(
      String.raw`ExecStart="/opt/a b/node" 50%% "$$HOME" "a\"b\\c"`,
    );
    expect(() => systemdUnit({ ...SERVICE, command: ['/bin/true', 'a\nUser=root'] })).toThrow(
      RangeError,
    );
  });
});

describe('the files of an installed agent', () => {
  test('are its unit, its user and its folders', () => {
    const { files, withSystemd } = systemServiceFiles(SERVICE);
    expect(files.map(({ path }) => path)).toEqual([
      '/etc/systemd/system/keycask-agent.service',
      '/etc/sysusers.d/keycask-agent.conf',
      '/etc/tmpfiles.d/keycask-agent.conf',
    ]);
    expect(files[1]?.content).toContain('u keycask-agent - "keycask agent" /var/lib/keycask-agent');
    expect(withSystemd).toContain('systemctl enable --now keycask-agent.service');
  });

  test('come with a command for a system without systemd, which a shell reads as it was meant', () => {
    const command = ['/usr/bin/printf', '%s|', 'a b', "it's", '$HOME'];
    const { withoutSystemd } = userServiceFiles({ ...SERVICE, command }, '/home/ann/.config');
    const shown = execFileSync('/bin/sh', ['-c', withoutSystemd.at(-1)!], { encoding: 'utf8' });
    expect(shown).toBe("a b|it's|$HOME|");
    const { withoutSystemd: asUser } = systemServiceFiles(SERVICE);
    expect(asUser.at(-1)).toMatch(
      /^setpriv --reuid=keycask-agent .*--no-new-privs --reset-env \/usr\/bin\/node/u,
    );
  });
});
