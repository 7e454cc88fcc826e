/** Which environment variables a process that holds keys keeps. */
import process from 'node:process';
import type { HardeningMeasure } from './hardening-report.ts';

/**
 * Removes every variable that is not on the list: what this process starts, and the modules that it loads, never see it.
 *
 * What the loader or node did at the start because of a variable is done; such a variable is told, so that whoever relies on the process
 * can start it anew without.
 *
 * @param environment - Changed in place.
 * @param keep - Names that stay beside those of the list.
 */
export function cleanEnvironment(
  environment: NodeJS.ProcessEnv,
  keep: readonly string[] = [],
): HardeningMeasure[] {
  const kept = new Set([
    ...KEPT,
    ...(process.platform === 'win32' ? KEPT_ON_WINDOWS : []),
    ...keep,
  ]);
  const names = Object.keys(environment);
  const removed = names.filter((name) => !kept.has(name) && !KEPT_KINDS.test(name));
  const effective = removed.filter((name) => TAKES_EFFECT_AT_START.test(name)).toSorted();
  for (const name of removed) delete environment[name];
  const left = names.length - removed.length;
  return [
    {
      name: 'clean-environment',
      isInForce: true,
      detail: `variables removed: ${removed.length}, kept: ${left}`,
    },
    {
      name: 'clean-start',
      isInForce: effective.length === 0,
      detail:
        effective.length === 0
          ? 'no variable had node or the loader load something of somebody else'
          : `${effective.join(', ')} was set at the start, and has taken effect: start it without, for example with env -i`,
    },
  ];
}

const KEPT = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'TZ',
  'TMPDIR',
  // PKCS#11 modules find their tokens by these.
  'SOFTHSM2_CONF',
  'UV_THREADPOOL_SIZE',
  // systemd's side of a service.
  'NOTIFY_SOCKET',
  'LISTEN_FDS',
  'LISTEN_PID',
  'STATE_DIRECTORY',
  'RUNTIME_DIRECTORY',
  'CREDENTIALS_DIRECTORY',
];
const KEPT_KINDS = /^(LC_|XDG_|KEYCASK_|TPM2_PKCS11_)[A-Z0-9_]+$/u;
/** Without these Windows' own libraries do not load. */
const KEPT_ON_WINDOWS = [
  'Path',
  'SystemRoot',
  'SYSTEMROOT',
  'windir',
  'SystemDrive',
  'APPDATA',
  'LOCALAPPDATA',
  'ProgramData',
  'USERPROFILE',
  'USERNAME',
  'TEMP',
  'TMP',
];
/** ld.so(8), dyld(1), node(1), OpenSSL's configuration: they load code, open doors, or change what is trusted. */
const TAKES_EFFECT_AT_START =
  /^(LD_.*|DYLD_.*|GCONV_PATH|GLIBC_TUNABLES|NODE_OPTIONS|NODE_PATH|NODE_REPL_EXTERNAL_MODULE|NODE_V8_COVERAGE|NODE_EXTRA_CA_CERTS|OPENSSL_CONF|OPENSSL_MODULES|OPENSSL_ENGINES)$/u;
