/**
 * Looks for the programs of other people that the interop suites compare keycask with.
 *
 * The result is a set of environment variables, so that a suite leaves itself out by a fact and not
 * by a guess: of each peer below, `have` is '1' or '0', and `program` is the program to start when it
 * is '1'.
 */
import { spawnSync } from 'node:child_process';
import process from 'node:process';

/**
 * A program that some suites need.
 *
 * @typedef {object} Peer
 * @property {string} name - What people call it.
 * @property {string} have - Environment variable that says whether it is here.
 * @property {string} program - Environment variable that holds the program.
 * @property {string[]} candidates - Programs to try, first that works wins.
 * @property {string[]} probe - Arguments with which a usable one exits 0.
 * @property {string[]} debianPackages - What brings it on Debian.
 * @property {string} usedBy - The tests that need it.
 */

/** @type {readonly Peer[]} */
export const PEERS = [
  {
    name: 'OpenSSL with cms',
    have: 'KEYCASK_HAVE_OPENSSL',
    program: 'KEYCASK_OPENSSL',
    candidates: ['openssl'],
    probe: ['version'],
    debianPackages: ['openssl'],
    usedBy: 'interop tests that open records with `openssl cms`',
  },
  {
    name: 'Python 3 with cryptography',
    have: 'KEYCASK_HAVE_PYTHON',
    program: 'KEYCASK_PYTHON',
    candidates: ['python3', '/usr/bin/python3', 'python'],
    probe: ['-c', 'from cryptography.hazmat.primitives.ciphers.aead import AESGCM'],
    debianPackages: ['python3', 'python3-cryptography'],
    usedBy: 'interop tests that open files with a short Python program',
  },
  {
    name: 'SoftHSM 2',
    have: 'KEYCASK_HAVE_SOFTHSM',
    program: 'KEYCASK_SOFTHSM',
    candidates: ['softhsm2-util'],
    probe: ['--version'],
    debianPackages: ['softhsm2'],
    usedBy: 'conformance tests of the provider pkcs11 on a token of software',
  },
  {
    name: 'a software TPM with its resource manager, and tpm2-pkcs11',
    have: 'KEYCASK_HAVE_TPM',
    program: 'KEYCASK_TPM_SHELL',
    candidates: ['sh'],
    probe: [
      '-c',
      'command -v swtpm && command -v swtpm_setup && command -v dbus-daemon && command -v tpm2_dictionarylockout && command -v pkcs11-tool && PATH=$PATH:/usr/sbin command -v tpm2-abrmd && ls /usr/lib/*/libtpm2_pkcs11.so.1',
    ],
    debianPackages: [
      'swtpm',
      'swtpm-tools',
      'dbus',
      'opensc',
      'tpm2-abrmd',
      'tpm2-tools',
      'libtpm2-pkcs11-1',
      'libtss2-tcti-swtpm0',
      'libtss2-tcti-tabrmd0',
    ],
    usedBy: 'conformance tests of the provider pkcs11 on a TPM 2.0',
  },
  {
    name: 'PostgreSQL 14 or later',
    have: 'KEYCASK_HAVE_POSTGRES',
    program: 'KEYCASK_INITDB',
    // Debian has its server's programs in a folder for each version.
    candidates: [
      'initdb',
      ...[18, 17, 16, 15, 14].map((n) => `/usr/lib/postgresql/${n}/bin/initdb`),
    ],
    probe: ['--version'],
    debianPackages: ['postgresql'],
    usedBy: 'tests of the postgres store, which start a server of their own',
  },
  {
    name: 'PgBouncer',
    have: 'KEYCASK_HAVE_PGBOUNCER',
    program: 'KEYCASK_PGBOUNCER',
    candidates: ['pgbouncer', '/usr/sbin/pgbouncer'],
    probe: ['--version'],
    debianPackages: ['pgbouncer'],
    usedBy: 'tests of the postgres store behind a pooler',
  },
  {
    name: 'systemd-analyze',
    have: 'KEYCASK_HAVE_SYSTEMD',
    program: 'KEYCASK_SYSTEMD_ANALYZE',
    candidates: ['systemd-analyze'],
    probe: ['--version'],
    debianPackages: ['systemd'],
    usedBy: 'interop tests of the units that `agent install` writes',
  },
];

/**
 * The first candidate of a peer that works here.
 *
 * @param {Peer} peer - What to look for.
 * @returns {string | undefined} The program, or undefined when none works.
 */
export function findPeer(peer) {
  return peer.candidates.find((program) => {
    const run = spawnSync(program, peer.probe, { encoding: 'utf8', timeout: 30_000 });
    // macOS calls LibreSSL openssl; it lacks AuthEnvelopedData.
    return run.status === 0 && !run.stdout.startsWith('LibreSSL');
  });
}

/**
 * Facts about all peers; those that the environment already states are not looked for again.
 *
 * @returns {Record<string, string>} Environment variables.
 */
export function peerFacts() {
  /** @type {Record<string, string>} */
  const facts = {};
  for (const peer of PEERS) {
    const stated = process.env[peer.have];
    const program = stated === undefined ? findPeer(peer) : process.env[peer.program];
    facts[peer.have] = stated ?? (program === undefined ? '0' : '1');
    if (program !== undefined) facts[peer.program] = program;
  }
  return facts;
}
