/** OpenSSL's legacy provider: what it makes, and that no failure of it reaches node:crypto, TLS or the memory of the process. */
import {
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  getCiphers,
  getHashes,
  sign,
  verify,
} from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { toHex } from '../../../lib/bytes/octets.ts';
import { loadKoffi } from '../../../native-bindings/koffi.ts';
import {
  loadOpenSslLegacy,
  type LegacyCipherName,
  type LegacyCipherOptions,
  type OpenSslLegacy,
} from '../../../native-bindings/openssl-legacy.ts';
import { openOpenSsl } from '../../../native-bindings/openssl.ts';
import { hex } from '../../support/bytes.ts';
import { bundleChild, Child } from '../../support/child-process.ts';
import { codeOf } from '../../support/errors.ts';
import { pemOf } from '../../support/openssl.ts';
import { testIdentity } from '../../support/signing-identity.ts';

/** What node:crypto can and cannot do, which the bindings must not change. */
function nodeCrypto() {
  const refusal = (act: () => unknown): string => {
    try {
      act();
    } catch (error) {
      return (error as Error).message;
    }
    return 'none';
  };
  return {
    ciphers: getCiphers(),
    hashes: getHashes(),
    rc4: refusal(() => createDecipheriv('rc4', new Uint8Array(16), null)),
    rc2: refusal(() => createDecipheriv('rc2-cbc', new Uint8Array(16), new Uint8Array(8))),
    des: refusal(() => createDecipheriv('des-cbc', new Uint8Array(8), new Uint8Array(8))),
    md4: refusal(() => createHash('md4')),
  };
}

const before = nodeCrypto();
let openssl: OpenSslLegacy;
let errorInQueue: () => number;

beforeAll(async () => {
  openssl = await loadOpenSslLegacy();
  // Not by the bindings, which would empty the queue.
  const peek = (await loadKoffi()).load(null).func('ERR_peek_error', 'ulong', []);
  errorInQueue = () => Number(peek());
});

/** Decrypts one message. */
function decrypt(name: LegacyCipherName, data: Uint8Array, options: DecryptOptions): Uint8Array {
  using cipher = openssl.openCipher(name, { ...options, encrypt: false });
  const output = new Uint8Array(data.length + 8);
  const length = cipher.update(data, output);
  cipher.final();
  return output.subarray(0, length);
}
type DecryptOptions = Omit<LegacyCipherOptions, 'encrypt'>;

const KEY_8 = hex('0123456789abcdef');

describe('what it makes', () => {
  test('DES of FIPS 81, RC2 of RFC 2268, RC4 of RFC 6229, MD4 of RFC 1320', () => {
    const des = hex('3fa40e8a984d4815');
    expect(toHex(decrypt('DES-ECB', des, { key: KEY_8 }))).toBe(
      Buffer.from('Now is t').toString('hex'),
    );
    const rc2 = { key: hex('88bca90e90875a'), rc2EffectiveBits: 64 };
    expect(toHex(decrypt('RC2-ECB', hex('6ccf4308974c267f'), rc2))).toBe('0000000000000000');
    const rc4 = decrypt('RC4', new Uint8Array(8), { key: hex('0102030405') });
    expect(toHex(rc4)).toBe('b2396305f03dc027');
    const md4 = openssl.digest('MD4', [Buffer.from('a'), Buffer.from('bc')]);
    expect(toHex(md4)).toBe('a448017aaf21d8525fc10ae87aa6729d');
  });

  test('is loaded once', async () => {
    expect(await loadOpenSslLegacy()).toBe(openssl);
  });
});

/** Each way in which a binding fails, and the code that it fails with. */
const FAILURES: readonly (readonly [what: string, code: string, act: () => unknown])[] = [
  [
    'a key of a wrong length',
    'PARAMETER_INVALID',
    () => decrypt('DES-CBC', KEY_8, { key: hex('00'), iv: KEY_8 }),
  ],
  ['no key', 'PARAMETER_INVALID', () => decrypt('RC4', KEY_8, { key: hex('') })],
  ['no IV', 'PARAMETER_INVALID', () => decrypt('DES-CBC', KEY_8, { key: KEY_8 })],
  ['a long IV', 'PARAMETER_INVALID', () => decrypt('RC4', KEY_8, { key: KEY_8, iv: KEY_8 })],
  ['no key of RC2', 'PARAMETER_INVALID', () => decrypt('RC2-ECB', KEY_8, { key: hex('') })],
  [
    'a cipher that is nowhere',
    'ALGORITHM_UNSUPPORTED',
    () => decrypt('RC9' as LegacyCipherName, KEY_8, { key: KEY_8 }),
  ],
  [
    'a cipher of the default provider',
    'ALGORITHM_UNSUPPORTED',
    () => decrypt('AES-128-ECB' as LegacyCipherName, KEY_8, { key: KEY_8 }),
  ],
  [
    'a hash that is nowhere',
    'ALGORITHM_UNSUPPORTED',
    () => openssl.digest('MD9' as 'MD4', [KEY_8]),
  ],
  [
    'a part of a block at the end',
    'PARAMETER_INVALID',
    () => decrypt('DES-ECB', hex('001122'), { key: KEY_8 }),
  ],
  [
    'an output without room',
    'PARAMETER_INVALID',
    () => {
      using cipher = openssl.openCipher('RC4', { key: KEY_8, encrypt: false });
      cipher.update(KEY_8, new Uint8Array(8));
    },
  ],
  [
    'a cipher that was disposed of',
    'HANDLE_INVALID',
    () => {
      const cipher = openssl.openCipher('DES-ECB', { key: KEY_8, encrypt: false });
      cipher[Symbol.dispose]();
      cipher[Symbol.dispose]();
      cipher.update(KEY_8, new Uint8Array(16));
    },
  ],
];

describe.each(FAILURES)('after %s', (_what, code, act) => {
  test('the error queue is empty, and node:crypto signs, reads keys and speaks TLS', async () => {
    const { privateKey, publicKey, certificate } = await testIdentity();
    expect(codeOf(act)).toBe(code);
    expect(errorInQueue()).toBe(0);

    expect(codeOf(act)).toBe(code);
    const signature = sign('sha256', KEY_8, privateKey);
    const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    expect(verify('sha256', KEY_8, key, signature)).toBe(true);

    expect(codeOf(act)).toBe(code);
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    expect(createPrivateKey(pem).equals(privateKey)).toBe(true);

    const server = createServer({ key: pem, cert: pemOf('CERTIFICATE', certificate) });
    server.on('secureConnection', (socket) => {
      expect(codeOf(act)).toBe(code);
      socket.end('hello');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const client = connect({
        host: '127.0.0.1',
        port: (server.address() as AddressInfo).port,
        ca: pemOf('CERTIFICATE', certificate),
        checkServerIdentity: () => undefined,
      });
      expect(codeOf(act)).toBe(code);
      client.setEncoding('utf8');
      const [hello] = (await once(client, 'data')) as [string];
      expect(hello).toBe('hello');
      expect(client.authorized).toBe(true);
      client.destroy();
    } finally {
      server.close();
    }
    expect(nodeCrypto()).toEqual(before);
  });
});

test('a function that this OpenSSL does not have is PROVIDER_UNAVAILABLE, with a hint', async () => {
  const functions = await openOpenSsl();
  let error: unknown;
  try {
    functions.plain('EVP_no_such_function', 'int', []);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({
    code: 'PROVIDER_UNAVAILABLE',
    message: 'this runtime has no OpenSSL with EVP_no_such_function to call',
    hint: 'Run it with Node itself: Electron, Bun and Deno carry other cryptography.',
  });
});

test('10,000 ciphers and hashes, half of which fail, leave the memory as it was', async () => {
  const bundle = await bundleChild('unit/native-bindings/children/openssl-memory.ts');
  try {
    const child = Child.start(bundle.path, []);
    const told = await child.next<{ grownBytes: number; leakedBytes: number }>();
    expect(await child.ended).toMatchObject({ code: 0, stderr: '' });
    // The control, which leaves as many open, shows that a leak would be seen.
    expect(told.leakedBytes).toBeGreaterThan(8 << 20);
    expect(told.grownBytes).toBeLessThan(2 << 20);
  } finally {
    bundle.remove();
  }
});
