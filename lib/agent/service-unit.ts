/** The systemd unit that runs an agent: as a user of its own where root installs it, else as a service of the user. */

/** What an installed agent is made of. */
export interface AgentService {
  /** The program with all its arguments: `node … agent start --foreground …`. */
  readonly command: readonly string[];
  /** User of its own; undefined: the service of the user who installs it. */
  readonly user?: string;
  /** Environment that it needs, such as a PKCS#11 module's. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Does it use a token: devices, sockets of other daemons, libraries of somebody else? */
  readonly hasToken: boolean;
  /** Does the program lie where ProtectHome would hide it? */
  readonly isInHome: boolean;
  /** Of an agent with a user of its own. Default: {@link SYSTEM_FOLDERS}. */
  readonly folders?: AgentFolders;
}

export interface AgentFolders {
  /** What the agent keeps. */
  readonly agent: string;
  /** XDG_STATE_HOME of the service: the machine secret, apart from what is sealed under it. */
  readonly secret: string;
  /** Of the socket. */
  readonly runtime: string;
}

/** Name of the service, of its user and of its folder below /var/lib. */
export const SERVICE_NAME = 'keycask-agent';
const SECRET_NAME = 'keycask-agent-secret';
const RUNTIME_NAME = 'keycask';
export const SYSTEM_FOLDERS: AgentFolders = {
  agent: `/var/lib/${SERVICE_NAME}`,
  secret: `/var/lib/${SECRET_NAME}`,
  runtime: `/run/${RUNTIME_NAME}`,
};

/** @throws RangeError for an argument with a line break: no unit can hold it. */
export function systemdUnit(service: AgentService): string {
  const { command, user } = service;
  return [
    '# Written by `keycask agent install`.',
    '[Unit]',
    'Description=keycask agent: holds private keys, and lets them be used, not read',
    ...(user ? ['After=local-fs.target systemd-sysusers.service'] : []),
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${command.map(quoted).join(' ')}`,
    'Restart=on-failure',
    'RestartSec=1',
    ...Object.entries(service.environment ?? {}).map(
      ([name, value]) => `Environment=${quoted(`${name}=${value}`)}`,
    ),
    ...(user ? ofSystem(user, service.folders) : []),
    '',
    '# No image of its memory, and no swap.',
    'LimitCORE=0',
    'LimitMEMLOCK=64M',
    // A user who opens one key with large properties again and again ends the agent, which starts again, and not the machine.
    ...(user ? ['MemorySwapMax=0', 'MemoryMax=2G'] : []),
    'UMask=0077',
    'NoNewPrivileges=yes',
    ...(user ? sandboxOf(service) : []),
    '',
    '[Install]',
    `WantedBy=${user ? 'multi-user.target' : 'default.target'}`,
    '',
  ].join('\n');
}

function ofSystem(user: string, folders: AgentFolders = SYSTEM_FOLDERS): string[] {
  const isUsual = JSON.stringify(folders) === JSON.stringify(SYSTEM_FOLDERS);
  return [
    `User=${user}`,
    `Group=${user}`,
    ...(isUsual
      ? [
          '# Clients may enter the folder of the socket; the agent asks the kernel who they are.',
          `RuntimeDirectory=${RUNTIME_NAME}`,
          'RuntimeDirectoryMode=0755',
          `StateDirectory=${SERVICE_NAME} ${SECRET_NAME}`,
          'StateDirectoryMode=0700',
        ]
      : [`ReadWritePaths=${Object.values(folders).map(quoted).join(' ')}`]),
  ];
}

/**
 * What systemd can take from a process. Not MemoryDenyWriteExecute: V8 compiles. A user's own systemd has no right to most of these.
 */
function sandboxOf({ hasToken, isInHome }: AgentService): string[] {
  return [
    'CapabilityBoundingSet=',
    'AmbientCapabilities=',
    'ProtectSystem=strict',
    ...(isInHome
      ? [
          '# keycask itself lies in a home: install it below /usr or /opt to hide homes.',
          'ProtectHome=read-only',
        ]
      : ['ProtectHome=yes']),
    'PrivateTmp=yes',
    ...(hasToken
      ? [
          '# A TPM and its group; a module may speak to a daemon, or over the network to its token.',
          'DevicePolicy=closed',
          'DeviceAllow=/dev/tpmrm0 rw',
          'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
        ]
      : [
          'PrivateDevices=yes',
          'PrivateNetwork=yes',
          'IPAddressDeny=any',
          'RestrictAddressFamilies=AF_UNIX',
        ]),
    'PrivateIPC=yes',
    'ProtectClock=yes',
    'ProtectControlGroups=yes',
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'ProtectProc=invisible',
    'LockPersonality=yes',
    'RemoveIPC=yes',
    'RestrictNamespaces=yes',
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'SystemCallArchitectures=native',
    'SystemCallFilter=@system-service',
    'SystemCallFilter=~@privileged',
    'SystemCallErrorNumber=EPERM',
  ];
}

/** systemd.syntax(7) and systemd.service(5): quotes and backslashes are escaped, `%` and `$` are doubled. */
function quoted(argument: string): string {
  // oxlint-disable-next-line no-control-regex -- what a unit cannot hold
  if (/[\u0000-\u001f]/u.test(argument))
    throw new RangeError(`a unit cannot hold ${JSON.stringify(argument)}`);
  const escaped = argument
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$')
    .replaceAll(/["\\]/gu, String.raw`\$&`);
  return /^[\w@%+=:,./-]+$/u.test(escaped) ? escaped : `"${escaped}"`;
}
