/**
 * Makes the Debian that Wine 10 comes from, in a folder: only root on a Debian can.
 *
 * Mounts live in a mount namespace of the command that needs them and vanish with it, so there is nothing to
 * unmount and no mount that a removal could reach through. Its processes are in a process namespace: when the
 * command ends or is killed, so is every process of Wine's that it left behind.
 */
import { existsSync, readFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { run } from '../run.mjs';
import { debianFolder, makeOnce, workFolder } from './folder.mjs';

/** Debian 13: Wine 10.0, on which vitest's native parts load; Debian 12 has 8.0, where they do not. */
const SUITE = 'trixie';

/** Used when apt names no mirror that has `main`. */
const DEFAULT_MIRROR = 'http://deb.debian.org/debian';

const NO_QUESTIONS = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };

/** What brings Wine into it. */
const APT_IN_DEBIAN = [
  ['update'],
  ['install', '--yes', '--no-install-recommends', 'wine', 'wine64'],
  ['clean'],
];

/** Own mounts and own processes; these end with it. */
const UNSHARE = ['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL'];

/** First arguments: the Debian, the folder that it shall see (or ''), then the command. */
const ENTER = `
set -e
debian=$1; shared=$2; shift 2
mount -t proc proc "$debian/proc"
mount --rbind /dev "$debian/dev"
mount --rbind /sys "$debian/sys"
mount -t tmpfs tmpfs "$debian/tmp"
if [ -n "$shared" ]; then
  mkdir -p "$debian$shared"
  mount --bind "$shared" "$debian$shared"
fi
set +e
chroot "$debian" "$@"
exit $?
`;

/** Why the Debian can neither be made nor entered here; undefined when it can. */
export async function whyNoDebian() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'this is no Linux on x64';
  if (process.getuid?.() !== 0) return 'only root can make and enter a Debian in a folder';
  if (!isDebian()) return 'this is no Debian';
  const { status } = await run('unshare', [...UNSHARE.slice(1), 'true'], { quiet: true });
  return status === 0 ? undefined : 'this container may not mount';
}

/**
 * The command line that runs a command inside.
 *
 * @param {readonly string[]} command - Program and arguments, paths as inside.
 * @param {{ debian?: string, shared?: string }} [where] - Folders; the usual ones when absent.
 * @returns {string[]} Program and arguments to start here.
 */
export function insideDebian(command, { debian = debianFolder, shared = workFolder } = {}) {
  // Should this process die, unshare dies with it, and then everything inside.
  const ours = ['setpriv', '--pdeathsig', 'KILL', ...UNSHARE];
  return [...ours, 'sh', '-c', ENTER, 'enter', debian, shared, ...command];
}

/** Makes it with Wine in it, when it is not there. */
export async function provideDebian() {
  await makeOnce(debianFolder, async (debian) => {
    await installDebootstrap();
    const mirror = await findMirror();
    const debootstrap = ['debootstrap', '--variant=minbase', '--include=ca-certificates'];
    await must('debootstrap', [...UNSHARE, ...debootstrap, SUITE, debian, mirror]);
    // A proxy or another way to the mirror that this machine's apt knows.
    await cp('/etc/apt/apt.conf.d', path.join(debian, 'etc/apt/apt.conf.d'), { recursive: true });
    for (const file of ['/etc/resolv.conf', '/etc/hosts']) {
      await cp(file, path.join(debian, file), { dereference: true });
    }
    for (const args of APT_IN_DEBIAN) {
      const command = insideDebian(['apt-get', ...args], { debian, shared: '' });
      await must(`apt-get ${args.join(' ')}`, command);
    }
  });
}

/** @param {readonly string[]} packages - Debian packages to install on this machine. */
export async function installPackages(packages) {
  await must('apt-get update', ['apt-get', 'update']);
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...packages];
  await must(`installing ${packages.join(' ')}`, install);
}

/** Whether this is a Debian itself: another system's mirror has no trixie. */
function isDebian() {
  const file = '/etc/os-release';
  return existsSync(file) && /^ID=debian$/mu.test(readFileSync(file, 'utf8'));
}

async function installDebootstrap() {
  const { status } = await run('debootstrap', ['--version'], { quiet: true });
  if (status !== 0) await installPackages(['debootstrap']);
}

/** The mirror that this machine's apt gets Debian's `main` from. */
async function findMirror() {
  const targets = await aptTargets();
  // bookworm, and not bookworm-updates or bookworm-security; apt knows the origin once it has been updated.
  const found = targets.find(({ component, release, origin, address }) => {
    const isDebians = origin === 'Debian' || /\/debian\/?$/u.test(address);
    return isDebians && component === 'main' && !release.includes('-');
  });
  return found?.address ?? DEFAULT_MIRROR;
}

/** What this machine's apt is configured to read. */
async function aptTargets() {
  const format = '$(COMPONENT) $(RELEASE) $(REPO_URI) $(ORIGIN)';
  const args = ['indextargets', '--format', format, 'Created-By: Packages'];
  const { output } = await run('apt-get', args, { quiet: true });
  return output
    .split('\n')
    .map((line) => line.split(' '))
    .map(([component = '', release = '', address = '', origin = '']) => {
      return { component, release, address, origin };
    });
}

/**
 * Runs a command that has to succeed.
 *
 * @param {string} name - What the error calls it.
 * @param {readonly string[]} command - Program and arguments.
 */
async function must(name, [program = '', ...args]) {
  const { status, output } = await run(program, args, { env: NO_QUESTIONS, quiet: true });
  if (status === 0) return;
  const told = await withoutMirrors(output.split('\n').slice(-40).join('\n'));
  throw new Error(`${name} failed:\n${told}`);
}

/**
 * Hides addresses that apt is configured with: they may name private hosts.
 *
 * @param {string} output - What apt or debootstrap wrote.
 */
async function withoutMirrors(output) {
  const hosts = (await aptTargets()).flatMap(({ address }) => {
    return /\/\/([^/:]+)/u.exec(address)?.[1] ?? [];
  });
  return hosts.reduce(
    (told, host) => told.replaceAll(host, '<mirror>'),
    output.replaceAll(/\w+:\/\/\S+/gu, '<mirror>'),
  );
}
