/** Everything that makes an installed agent, as text: its unit, its user, its folders, and the commands that run it without systemd. */
import { SERVICE_NAME, SYSTEM_FOLDERS, systemdUnit, type AgentService } from './service-unit.ts';

export interface InstalledFile {
  /** Absolute. */
  readonly path: string;
  readonly content: string;
}

export interface ServiceFiles {
  readonly files: readonly InstalledFile[];
  /** What to run once the files are there, with systemd. */
  readonly withSystemd: readonly string[];
  /** What to run instead where there is no systemd. */
  readonly withoutSystemd: readonly string[];
}

/** Of a service with a user of its own; root writes these. */
export function systemServiceFiles(
  service: AgentService & { readonly user: string },
): ServiceFiles {
  const { user, command } = service;
  const { agent: home, secret, runtime } = service.folders ?? SYSTEM_FOLDERS;
  return {
    files: [
      { path: `/etc/systemd/system/${SERVICE_NAME}.service`, content: systemdUnit(service) },
      {
        path: `/etc/sysusers.d/${SERVICE_NAME}.conf`,
        content: `u ${user} - "keycask agent" ${home} /usr/sbin/nologin\n`,
      },
      {
        path: `/etc/tmpfiles.d/${SERVICE_NAME}.conf`,
        content: [`d ${runtime} 0755`, `d ${home} 0700`, `d ${secret} 0700`]
          .map((line) => `${line} ${user} ${user} -\n`)
          .join(''),
      },
    ],
    withSystemd: [
      `systemd-sysusers ${SERVICE_NAME}.conf`,
      'systemctl daemon-reload',
      `systemctl enable --now ${SERVICE_NAME}.service`,
    ],
    withoutSystemd: [
      `useradd --system --user-group --home-dir ${home} --shell /usr/sbin/nologin ${user}`,
      `install -d -m 0755 -o ${user} -g ${user} ${runtime}`,
      `install -d -m 0700 -o ${user} -g ${user} ${home} ${secret}`,
      setprivCommand(user, command, service.environment),
    ],
  };
}

/** Of a service of the user who installs it. */
export function userServiceFiles(service: AgentService, configurationFolder: string): ServiceFiles {
  const { command } = service;
  return {
    files: [
      {
        path: `${configurationFolder}/systemd/user/${SERVICE_NAME}.service`,
        content: systemdUnit(service),
      },
    ],
    withSystemd: [
      'systemctl --user daemon-reload',
      `systemctl --user enable --now ${SERVICE_NAME}.service`,
    ],
    withoutSystemd: [[...assignments(service.environment), ...command.map(forShell)].join(' ')],
  };
}

/**
 * Runs the agent as its user, with no rights, no groups and no variables of whoever starts it (setpriv of util-linux 2.34 or later).
 */
function setprivCommand(
  user: string,
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): string {
  return [
    'setpriv',
    `--reuid=${user} --regid=${user} --clear-groups`,
    '--inh-caps=-all --bounding-set=-all --no-new-privs --reset-env',
    ...(Object.keys(environment).length > 0 ? ['env', ...assignments(environment)] : []),
    ...command.map(forShell),
  ].join(' ');
}

function assignments(environment: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(environment).map(([name, value]) => `${name}=${forShell(value)}`);
}

function forShell(argument: string): string {
  return /^[\w@%+=:,./-]+$/u.test(argument)
    ? argument
    : `'${argument.replaceAll("'", String.raw`'\''`)}'`;
}
