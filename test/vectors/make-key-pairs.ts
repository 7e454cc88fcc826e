/**
 * Makes key-pairs.json: keys in every format that the openssl command writes. `npx tsx test/vectors/make-key-pairs.ts`, with OpenSSL 3.
 *
 * Each run makes other keys: the file changes as a whole.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpensslKey } from '../support/key-pairs.ts';

const folder = mkdtempSync(join(tmpdir(), 'key-pairs-'));

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
}

function outputOf(...args: readonly string[]): string {
  openssl(...args, '-out', 'out');
  return readFileSync(join(folder, 'out')).toString('base64');
}

/** What `openssl genpkey` is told, by the name of the key. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    [512, 1023, 1024, 2048, 3072, 4096].map((bits) => [
      `rsa-${bits}`,
      ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${bits}`],
    ]),
  ),
  'rsa-1024-e3': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024', '-pkeyopt', 'rsa_keygen_pubexp:3'],
  'ec-p256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'ec-p384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'ec-p521': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
  x25519: ['-algorithm', 'X25519'],
  'dsa-1024': dsa(1024, 160),
  'dsa-2048-224': dsa(2048, 224),
  'dsa-2048-256': dsa(2048, 256),
  'dh-2048': ['-algorithm', 'DH', '-pkeyopt', 'group:ffdhe2048'],
  'dhx-2048': ['-algorithm', 'DHX', '-pkeyopt', 'dh_rfc5114:3'],
};

function dsa(bits: number, q: number): string[] {
  const size = ['-pkeyopt', `dsa_paramgen_bits:${bits}`, '-pkeyopt', `dsa_paramgen_q_bits:${q}`];
  openssl('genpkey', '-genparam', '-algorithm', 'DSA', ...size, '-out', `dsa-${bits}-${q}`);
  return ['-paramfile', `dsa-${bits}-${q}`];
}

/** The command of OpenSSL's for a key's older formats, and which of these the blobs of Windows have. */
function older(name: string): { command?: string; label?: keyof OpensslKey; hasBlobs: boolean } {
  if (name.startsWith('rsa')) return { command: 'rsa', label: 'RSAPrivateKey', hasBlobs: true };
  if (name.startsWith('ec')) return { command: 'ec', label: 'ECPrivateKey', hasBlobs: false };
  if (name.startsWith('dsa'))
    return { command: 'dsa', label: 'DSAPrivateKey', hasBlobs: name === 'dsa-1024' };
  return { hasBlobs: false };
}

try {
  const keys: Record<string, OpensslKey> = {};
  for (const [name, options] of Object.entries(KEYS)) {
    openssl('genpkey', ...options, '-out', 'key.pem');
    const input = ['-in', 'key.pem'];
    const { command, label, hasBlobs } = older(name);
    keys[name] = {
      PKCS8: outputOf('pkcs8', ...input, '-topk8', '-nocrypt', '-outform', 'DER'),
      SPKI: outputOf('pkey', ...input, '-pubout', '-outform', 'DER'),
      ...(command && label && { [label]: outputOf('pkey', ...input, '-traditional', '-outform', 'DER') }),
      ...(command === 'rsa' && {
        RSAPublicKey: outputOf('rsa', ...input, '-RSAPublicKey_out', '-outform', 'DER'),
      }),
      ...(hasBlobs && {
        PRIVATEKEYBLOB: outputOf(command!, ...input, '-outform', 'MSBLOB'),
        PUBLICKEYBLOB: outputOf(command!, ...input, '-pubout', '-outform', 'MSBLOB'),
        PVK: outputOf(command!, ...input, '-outform', 'PVK', '-pvk-none'),
      }),
    };
  }
  const text = {
    source: 'OpenSSL 3.0.19, the commands of make-key-pairs.ts',
    license: 'made for keycask; the keys protect nothing',
    keys,
  };
  writeFileSync(new URL('key-pairs.json', import.meta.url), `${JSON.stringify(text, null, 1)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}
