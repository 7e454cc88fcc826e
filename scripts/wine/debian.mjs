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

/** Own mounts and own processes; these end with it. */
const UNSHARE = ['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL'];

/** First arguments: the Debian, the folder that it shall see (or ''), then the command. */
const ENTER = `
set -e
debian=$1; shared=$2; shift 2
mount -t proc proc "$debian/proc"
mount --rbind /dev "$debian/dev"
mount --rbind /sys "$debian/sys"
if [ -n "$shared" ]; then
  mkdir -p "$debian$shared"
  mount --bind "$shared" "$debian$shared"
fi
set +e
chroot "$debian" "$@"
exit $?
`;

/** Why the Debian can neither be made nor entered here; undefined when it can. */
export function whyNoDebian() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'this is no Linux on x64';
  if (process.getuid?.() !== 0) return 'only root can make and enter a Debian in a folder';
  if (!isDebian()) return 'this is no Debian';
  return undefined;
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
    await must([...UNSHARE, ...debootstrap, SUITE, debian, mirror], mirror);
    // A proxy or another way to the mirror that this machine's apt knows.
    await cp('/etc/apt/apt.conf.d', path.join(debian, 'etc/apt/apt.conf.d'), { recursive: true });
    for (const file of ['/etc/resolv.conf', '/etc/hosts']) {
      await cp(file, path.join(debian, file), { dereference: true });
    }
    const inside = { debian, shared: '' };
    await must(insideDebian(['apt-get', 'update'], inside), mirror);
    const install = ['apt-get', 'install', '--yes', '--no-install-recommends', 'wine', 'wine64'];
    await must(insideDebian(install, inside), mirror);
    await must(insideDebian(['apt-get', 'clean'], inside), mirror);
  });
}

/** @param {readonly string[]} packages - Debian packages to install on this machine. */
export async function installPackages(packages) {
  await must(['apt-get', 'update', '--quiet=2']);
  await must(['apt-get', 'install', '--yes', '--no-install-recommends', ...packages]);
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

/** The mirror that this machine's apt gets `main` from. It may name a private host: it is not to be printed. */
async function findMirror() {
  const { output } = await run(
    'apt-get',
    ['indextargets', '--format', '$(COMPONENT) $(RELEASE) $(REPO_URI)', 'Created-By: Packages'],
    { quiet: true },
  );
  const lines = output.split('\n').map((line) => line.split(' '));
  // bookworm, and not bookworm-updates or bookworm-security.
  const found = lines.find(([component, release = '-']) => {
    return component === 'main' && !release.includes('-');
  });
  return found?.[2] ?? DEFAULT_MIRROR;
}

/**
 * Runs a command that has to succeed.
 *
 * @param {readonly string[]} command - Program and arguments.
 * @param {string} [mirror] - What its output must not tell.
 */
async function must([program = '', ...args], mirror) {
  const { status, output } = await run(program, args, { env: NO_QUESTIONS, quiet: true });
  if (status === 0) return;
  const told = mirror === undefined ? output : withoutMirror(output, mirror);
  throw new Error(`${program} failed:\n${told.split('\n').slice(-40).join('\n')}`);
}

/**
 * @param {string} output - What apt or debootstrap wrote.
 * @param {string} mirror - An address in it.
 */
function withoutMirror(output, mirror) {
  const host = /\/\/([^/]+)/u.exec(mirror)?.[1] ?? mirror;
  return output.replaceAll(mirror, '<mirror>').replaceAll(host, '<mirror>');
}
