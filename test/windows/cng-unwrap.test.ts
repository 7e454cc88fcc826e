/** What a CNG key unwraps: known answers of the library's own wrapping and of node:crypto's, and one answer to everything else. */
import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadKernel32 } from '../../native-bindings/kernel32.ts';
import { loadNCrypt } from '../../native-bindings/ncrypt.ts';
import { MS_KEY_STORAGE_PROVIDER } from '../../native-bindings/ncrypt-constants.ts';
import { concatBytes, plainBytes, toHex } from '../../lib/bytes/octets.ts';
import { decodeSpki } from '../../lib/cms/spki.ts';
import type { ProviderCapabilities } from '../../lib/contracts/provider.ts';
import type { WrappedKey } from '../../lib/contracts/wrapped-key.ts';
import { wrapEcdh, type EcdhPublicKey } from '../../lib/keys/ecdh.ts';
import type { KeyAlgorithm } from '../../lib/keys/key-algorithms.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { CngKeys } from '../../lib/providers/cng/cng-keys.ts';
import { CngStorage } from '../../lib/providers/cng/cng-storage.ts';
import { openCngProvider } from '../../lib/providers/cng/index.ts';
import { defaultProperties } from '../../lib/providers/rules/key-properties.ts';
import type { StoredKey } from '../../lib/providers/rules/key-storage.ts';
import { keepsKeys } from '../support/cng.ts';
import { codeOfAsync } from '../support/errors.ts';

let storage: CngStorage;
beforeAll(async () => {
  const ncrypt = await loadNCrypt();
  const storageProvider = MS_KEY_STORAGE_PROVIDER;
  const provider = ncrypt.openStorageProvider(storageProvider);
  const options = { ncrypt, kernel32: await loadKernel32(), provider };
  const keys = new CngKeys({ ...options, keepsKeys: true, isHardware: false });
  let capabilities: ProviderCapabilities;
  {
    await using own = await openCngProvider();
    ({ capabilities } = own);
  }
  storage = new CngStorage({ keys, storageProvider, capabilities, clock: () => new Date() });
});
afterAll(() => storage.close());

/** A key of CNG's, with the private half of node's. Ephemeral: what it unwraps is not only what a verified record holds. */
function bring(algorithm: KeyAlgorithm, imported: KeyObject): Promise<StoredKey> {
  const kind = { algorithm, legacyKeySpec: 'AT_KEYEXCHANGE' } as const;
  return storage.make({
    ...kind,
    imported,
    name: null,
    scope: 'user',
    silent: true,
    overwrite: false,
    isolation: 'none',
    perBoot: false,
    rsaLength: 0,
    properties: defaultProperties(kind, 'none', new Date(0)),
    writeToLegacyStore: false,
  });
}

async function opened(key: StoredKey, wrapped: WrappedKey): Promise<string> {
  // The record is CryptoAPI's to look at.
  using secret = await key.unwrap(wrapped, undefined as never);
  return toHex(secret.bytes);
}

/** The one thing that is told, whatever does not fit. */
async function refused(key: StoredKey, wrapped: WrappedKey): Promise<string> {
  return codeOfAsync(opened(key, wrapped));
}

describe.skipIf(!keepsKeys).each([
  ['P-256', 'ECDH_P256', 'sha256'],
  ['P-384', 'ECDH_P384', 'sha384'],
] as const)('with a key of %s', (curve, algorithm, hash) => {
  const pair = generateKeyPairSync('ec', { namedCurve: curve });
  const spki = decodeSpki(plainBytes(pair.publicKey.export({ type: 'spki', format: 'der' })));
  const sharedInfo = plainBytes(randomBytes(24));
  let key: StoredKey;
  beforeAll(async () => {
    key = await bring(algorithm, pair.privateKey);
  });
  afterAll(() => key.close());

  function wrap(length: number) {
    using secret = SecretBytes.random(length);
    const wrapped = wrapEcdh(spki as EcdhPublicKey, secret, sharedInfo);
    const all = { type: 'ecdh-x963', hash, sharedInfo, wrap: 'aes-256-kw', ...wrapped } as const;
    return { wrapped: all, digits: toHex(secret.bytes) };
  }

  it('opens what the library wraps for it', async () => {
    for (const length of [16, 24, 32, 40, 64]) {
      const { wrapped, digits } = wrap(length);
      expect(await opened(key, wrapped)).toBe(digits);
    }
  });

  it('says one thing of a point that is none of the curve, or in another form', async () => {
    const { wrapped } = wrap(32);
    const point = wrapped.ephemeralPublicKey;
    const size = (point.length - 1) / 2;
    const off = Uint8Array.from(point);
    off[off.length - 1]! ^= 1;
    const other = generateKeyPairSync('ec', { namedCurve: curve === 'P-256' ? 'P-384' : 'P-256' });
    const elsewhere = decodeSpki(
      plainBytes(other.publicKey.export({ type: 'spki', format: 'der' })),
    ) as EcdhPublicKey;
    const points = [
      off,
      elsewhere.point,
      new Uint8Array(point.length),
      concatBytes(Uint8Array.of(4), new Uint8Array(2 * size)),
      concatBytes(Uint8Array.of(4), new Uint8Array(2 * size).fill(0xff)),
      concatBytes(Uint8Array.of(2), point.subarray(1, 1 + size)),
      concatBytes(Uint8Array.of(6), point.subarray(1)),
      point.subarray(0, -1),
      concatBytes(point, Uint8Array.of(0)),
      new Uint8Array(0),
      Uint8Array.of(0),
    ];
    for (const ephemeralPublicKey of points)
      expect(await refused(key, { ...wrapped, ephemeralPublicKey })).toBe('KEY_UNWRAP_FAILED');
  });

  it('says one thing of a wrapped key that was cut, continued or changed, and of another shared info', async () => {
    const { wrapped } = wrap(32);
    const { encryptedKey } = wrapped;
    const changed = Uint8Array.from(encryptedKey, (byte, at) => (at === 9 ? byte ^ 1 : byte));
    const lengths = [0, 1, 8, 16, 24, encryptedKey.length - 1].map((end) =>
      encryptedKey.subarray(0, end),
    );
    for (const wrong of [changed, ...lengths, concatBytes(encryptedKey, new Uint8Array(8))])
      expect(await refused(key, { ...wrapped, encryptedKey: wrong })).toBe('KEY_UNWRAP_FAILED');
    const others = [new Uint8Array(0), concatBytes(sharedInfo, Uint8Array.of(0))];
    for (const info of others)
      expect(await refused(key, { ...wrapped, sharedInfo: info })).toBe('KEY_UNWRAP_FAILED');
    const otherHash = hash === 'sha256' ? 'sha384' : 'sha256';
    expect(await refused(key, { ...wrapped, hash: otherHash })).toBe('KEY_UNWRAP_FAILED');
  });
});

describe.skipIf(!keepsKeys).each([1024, 2048])('with an RSA key of %i bits', (bits) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const secret = randomBytes(32);
  const size = bits / 8;
  let key: StoredKey;
  beforeAll(async () => {
    key = await bring('RSA', privateKey);
  });
  afterAll(() => key.close());

  const oaep = (hash: 'sha1' | 'sha256', data = secret) =>
    ({
      type: 'rsa-oaep',
      hash,
      encryptedKey: plainBytes(publicEncrypt({ key: publicKey, oaepHash: hash }, data)),
    }) as const;
  const pkcs1 = (data: Buffer, plausibleLengths = [32]) => {
    const padding = constants.RSA_PKCS1_PADDING;
    const encryptedKey = plainBytes(publicEncrypt({ key: publicKey, padding }, data));
    return { type: 'rsa-pkcs1', encryptedKey, plausibleLengths } as const;
  };

  it('opens what node wraps for it: OAEP with either hash, PKCS #1 v1.5', async () => {
    for (const wrapped of [oaep('sha1'), oaep('sha256'), pkcs1(secret)])
      expect(await opened(key, wrapped)).toBe(secret.toString('hex'));
    for (const length of [5, 16, 24])
      expect(await opened(key, pkcs1(secret.subarray(0, length), [5, 16, 24]))).toBe(
        secret.toString('hex', 0, length),
      );
    expect(await opened(key, oaep('sha256', secret.subarray(0, 1)))).toHaveLength(2);
  });

  it('says one thing of the other hash or padding, an implausible length, and another key', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: bits }).publicKey;
    const foreign = publicEncrypt({ key: other, oaepHash: 'sha256' }, secret);
    const wrong: WrappedKey[] = [
      { ...oaep('sha1'), hash: 'sha256' },
      { ...oaep('sha256'), hash: 'sha1' },
      { ...pkcs1(secret), type: 'rsa-oaep', hash: 'sha1' },
      { ...oaep('sha1'), type: 'rsa-pkcs1', plausibleLengths: [32] },
      pkcs1(secret.subarray(0, 31)),
      pkcs1(Buffer.alloc(0), [16, 32]),
      { ...oaep('sha256'), encryptedKey: plainBytes(foreign) },
    ];
    for (const wrapped of wrong) expect(await refused(key, wrapped)).toBe('KEY_UNWRAP_FAILED');
  });

  it('says one thing of a ciphertext that is too short, too long, or no number below the modulus', async () => {
    const { encryptedKey } = oaep('sha256');
    const wrong = [
      new Uint8Array(0),
      encryptedKey.subarray(1),
      encryptedKey.subarray(0, -1),
      concatBytes(Uint8Array.of(0), encryptedKey),
      concatBytes(encryptedKey, Uint8Array.of(0)),
      new Uint8Array(size),
      new Uint8Array(size).fill(0xff),
      Uint8Array.from(encryptedKey, (byte, at) => (at === size - 1 ? byte ^ 1 : byte)),
    ];
    for (const bytes of wrong)
      for (const wrapped of [oaep('sha256'), pkcs1(secret)])
        expect(await refused(key, { ...wrapped, encryptedKey: bytes })).toBe('KEY_UNWRAP_FAILED');
  });

  it('is the key that it was: its public half is node’s', () => {
    const own = createPublicKey({ key: Buffer.from(key.publicKey), format: 'der', type: 'spki' });
    expect(own.equals(publicKey)).toBe(true);
  });
});
