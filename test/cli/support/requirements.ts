/** What some command-line tests need of the machine. A missing program fails under CI=true; a missing privilege is only said. */
import { spawnSync } from 'node:child_process';

interface Requirement {
  readonly because: string;
  readonly isThere: () => boolean;
  /** Can be installed, so a CI without it is set up wrongly. */
  readonly isProgram: boolean;
}

const REQUIREMENTS: Record<string, Requirement> = {
  root: {
    because: 'this user cannot become another one',
    isThere: () => process.getuid?.() === 0 && works('setpriv', ['--version']),
    isProgram: false,
  },
  mount: {
    because: 'this user cannot mount a small disk',
    isThere: () =>
      process.getuid?.() === 0 &&
      works('unshare', ['-m', 'mount', '-t', 'tmpfs', 'keycask-test', '/mnt']),
    isProgram: false,
  },
  python: {
    because: 'there is no python3',
    isThere: () => works('python3', ['-c', 'import pty']),
    isProgram: true,
  },
  openssl: {
    because: 'there is no openssl',
    isThere: () => works('openssl', ['version']),
    isProgram: true,
  },
};

/** Why a test cannot run here, or undefined. Throws where it would have to under CI=true. */
export function whyNot(needs: readonly string[]): string | undefined {
  if (process.platform === 'win32') return 'the scripts are for a POSIX shell';
  for (const name of needs) {
    const requirement = REQUIREMENTS[name];
    if (!requirement) throw new Error(`nobody knows what "% ${name}" means`);
    if (requirement.isThere()) continue;
    if (requirement.isProgram && process.env['CI'] === 'true')
      throw new Error(`${requirement.because}, and CI=true`);
    return requirement.because;
  }
  return undefined;
}

function works(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore', timeout: 10_000 }).status === 0;
}
