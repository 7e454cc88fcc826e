/**
 * Makes openssl-legacy.json: PVK files and MSBLOBs of the openssl command, from the keys of key-pairs.json.
 * `npx tsx test/vectors/make-openssl-legacy.ts`, with OpenSSL 3 and its legacy provider, which has RC4.
 *
 * Each run makes other PVK files where they are encrypted: their salt is random.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toHex } from '../../lib/bytes/octets.ts';
import { opensslKey } from '../support/key-pairs.ts';

const KEYS = ['rsa-512', 'rsa-1023', 'rsa-1024', 'rsa-1024-e3', 'rsa-2048', 'dsa-1024'];
const PASSWORDS = ['p@ssw0rd', ' two words ', 'x'];
const LEGACY = ['-provider', 'legacy', '-provider', 'default'];

const folder = mkdtempSync(join(tmpdir(), 'openssl-legacy-'));
const tests: { id: number; kind: string; input: object; expect: object }[] = [];

/** What a command of openssl writes, in hex. */
function outputOf(command: string, ...args: readonly string[]): string {
  const all = [command, '-inform', 'DER', '-in', 'key', ...args, '-out', 'out'];
  execFileSync('openssl', all, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  return toHex(readFileSync(join(folder, 'out')));
}

function add(kind: string, input: object, expect: object): void {
  tests.push({ id: tests.length + 1, kind, input, expect });
}

function addKey(name: string): void {
  const pkcs8 = toHex(opensslKey(name, 'PKCS8'));
  const spki = toHex(opensslKey(name, 'SPKI'));
  writeFileSync(join(folder, 'key'), opensslKey(name, 'PKCS8'));
  const command = name.startsWith('dsa') ? 'dsa' : 'rsa';
  add('privateBlob', { blob: outputOf(command, '-outform', 'MSBLOB') }, { pkcs8 });
  add('publicBlob', { blob: outputOf(command, '-outform', 'MSBLOB', '-pubout') }, { spki });
  add('pvk', { pvk: outputOf(command, '-outform', 'PVK', '-pvk-none') }, { protection: 'none', pkcs8 });
  for (const protection of ['weak', 'strong'])
    for (const password of PASSWORDS) {
      const passphrase = ['-passout', `pass:${password}`];
      const pvk = outputOf(command, '-outform', 'PVK', `-pvk-${protection}`, ...passphrase, ...LEGACY);
      add('pvk', { pvk, password }, { protection, pkcs8 });
    }
}

try {
  for (const name of KEYS) addKey(name);
  const version = execFileSync('openssl', ['version'], { encoding: 'utf8' }).split(' (', 1)[0]!;
  const text = `{
"source": "${version.trim()}",
"license": "made for keycask; the keys protect nothing",
"howMade": "npx tsx test/vectors/make-openssl-legacy.ts",
"tests": [
${tests.map((test) => JSON.stringify(test)).join(',\n')}
]
}
`;
  writeFileSync(new URL('openssl-legacy.json', import.meta.url), text);
} finally {
  rmSync(folder, { recursive: true });
}
