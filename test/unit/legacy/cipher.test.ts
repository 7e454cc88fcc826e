/** capiDecrypt, openCapiDecryptor and importCapiKey: what Wine encrypted, every cut, and each refusal. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import {
  importCapiKey,
  type CapiKey,
  type ImportCapiKeyOptions,
} from '../../../lib/legacy/capi-key.ts';
import {
  capiDecrypt,
  capiEncrypt,
  openCapiDecryptor,
  type CapiMode,
} from '../../../lib/legacy/cipher.ts';
import * as legacy from '../../../lib/legacy/index.ts';
import type { CapiProvider } from '../../../lib/legacy/provider-algorithms.ts';
import { countingRandom, hex } from '../../support/bytes.ts';
import { CIPHER_ALG_ID } from '../../support/capi-names.ts';
import { codeOf, codeOfAsync, nteOf, thrownBy } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';

interface CipherVector {
  readonly alg: string;
  readonly key: string;
  readonly mode: CapiMode | 'stream';
  readonly iv?: string;
  readonly salt?: string;
  readonly plaintext: string;
  readonly ciphertext: string;
}

interface Rc2Vector extends CipherVector {
  readonly kind: 'rc2_effective' | 'salt';
  readonly provider: CapiProvider;
  readonly import_flag: string;
  readonly effective_bits: number;
  readonly set_error: number;
  readonly effective_bits_after: number;
  readonly how: string;
  readonly salt_set?: string;
  readonly salt_get: string;
  readonly ciphertext_second_message: string;
}

const VECTORS = 'vectors/wine-capi-rc2-effective-salt.json';

describeShared('Ciphers of Wine (wine-capi-ciphers.json)', () => {
  const { vectors } = sharedJson('vectors/wine-capi-ciphers.json') as { vectors: CipherVector[] };

  test('each ciphertext decrypts, whole and byte by byte, and is made again', async () => {
    expect(vectors.length).toBeGreaterThanOrEqual(274);
    for (const vector of vectors) {
      using key = importCapiKey(CIPHER_ALG_ID[vector.alg]!, hex(vector.key));
      expect(toHex(key.salt)).toBe(vector.salt ?? '');
      const iv = /^[0-9a-f]+$/u.test(vector.iv ?? '') ? hex(vector.iv!) : undefined;
      const mode = vector.mode === 'stream' ? undefined : vector.mode;
      const options = { ...(mode && { mode }), ...(iv && { iv }) };
      const where = JSON.stringify(vector);
      const ciphertext = hex(vector.ciphertext);
      expect(toHex(await capiDecrypt(key, ciphertext, options)), where).toBe(vector.plaintext);
      expect(toHex(await capiEncrypt(key, hex(vector.plaintext), options)), where).toBe(
        vector.ciphertext,
      );
      using decryptor = await openCapiDecryptor(key, options);
      const pieces = Array.from(ciphertext, (byte) => decryptor.update(Uint8Array.of(byte)));
      expect(toHex(concatBytes(...pieces, decryptor.final())), where).toBe(vector.plaintext);
    }
  });
});

describeShared('Effective lengths and salts of Wine (wine-capi-rc2-effective-salt.json)', () => {
  const { vectors } = sharedJson(VECTORS) as { vectors: Rc2Vector[] };

  test('RC2 with each effective length', async () => {
    const effective = vectors.filter(({ kind }) => kind === 'rc2_effective');
    expect(effective.length).toBeGreaterThanOrEqual(173);
    for (const vector of effective) {
      // On import Wine does not look at CRYPT_NO_SALT; what it did is what it answers to KP_SALT.
      const salt = hex(vector.salt!);
      const { provider, effective_bits: effectiveBits } = vector;
      const wanted = { provider, salt, effectiveBits };
      expect(nteOf(() => importCapiKey(ALG_ID.CALG_RC2, hex(vector.key), wanted))).toBe(
        vector.set_error,
      );
      // After a refusal the key is as it was.
      const options = vector.set_error === 0 ? wanted : { provider, salt };
      using key = importCapiKey(ALG_ID.CALG_RC2, hex(vector.key), options);
      expect(key.effectiveBits).toBe(vector.effective_bits_after);
      const plaintext = await capiDecrypt(key, hex(vector.ciphertext));
      expect(toHex(plaintext), JSON.stringify(vector)).toBe(vector.plaintext);
    }
  });

  test('RC2 and RC4 with each salt', async () => {
    const salted = vectors.filter(({ kind }) => kind === 'salt');
    expect(salted.length).toBeGreaterThanOrEqual(90);
    for (const vector of salted) {
      expect(vector.set_error).toBe(0);
      const algId = CIPHER_ALG_ID[vector.alg]!;
      using first = importCapiKey(algId, hex(vector.key), {
        salt: hex(vector.salt_set ?? vector.salt_get),
      });
      expect(toHex(await capiDecrypt(first, hex(vector.ciphertext)))).toBe(vector.plaintext);
      // With some providers KP_SALT holds for one message only; KP_SALT_EX holds.
      using second = importCapiKey(algId, hex(vector.key), { salt: hex(vector.salt_get) });
      const again = await capiDecrypt(second, hex(vector.ciphertext_second_message));
      expect(toHex(again), JSON.stringify(vector)).toBe(vector.plaintext);
    }
  });

  test('a key that is imported without a flag has the salt of the vectors by default', () => {
    for (const vector of vectors.filter(({ import_flag }) => import_flag === 'none')) {
      using key = importCapiKey(ALG_ID.CALG_RC2, hex(vector.key));
      expect(toHex(key.salt)).toBe(vector.salt);
    }
  });
});

/** Key, effective bits, plaintext, ciphertext: RFC 2268 section 5. */
const RFC_2268 = [
  ['0000000000000000', 63, '0000000000000000', 'ebb773f993278eff'],
  ['ffffffffffffffff', 64, 'ffffffffffffffff', '278b27e42e2f0d49'],
  ['3000000000000000', 64, '1000000000000001', '30649edf9be7d2c2'],
  ['88bca90e90875a', 64, '0000000000000000', '6ccf4308974c267f'],
  ['88bca90e90875a7f0f79c384627bafb2', 64, '0000000000000000', '1a807d272bbe5db1'],
  ['88bca90e90875a7f0f79c384627bafb2', 128, '0000000000000000', '2269552ab0f85ca6'],
  [
    '88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e',
    129,
    '0000000000000000',
    '5b78d3a43dfff1f1',
  ],
] as const;

test.each(RFC_2268)(
  'RFC 2268: key %s with %i bits',
  async (digits, effectiveBits, plain, cipher) => {
    using key = importCapiKey(ALG_ID.CALG_RC2, hex(digits), { effectiveBits, salt: 'none' });
    const options = { mode: 'ecb', padding: 'none' } as const;
    expect(toHex(await capiDecrypt(key, hex(cipher), options))).toBe(plain);
    expect(toHex(await capiEncrypt(key, hex(plain), options))).toBe(cipher);
  },
);

/** Key, first 16 bytes of the key stream: RFC 6229 section 2. */
const RFC_6229 = [
  ['0102030405', 'b2396305f03dc027ccc3524a0a1118a8'],
  ['01020304050607', '293f02d47f37c9b633f2af5285feb46b'],
  ['0102030405060708', '97ab8a1bf0afb96132f2f67258da15a8'],
  ['0102030405060708090a', 'ede3b04643e586cc907dc21851709902'],
  ['0102030405060708090a0b0c0d0e0f10', '9ac7cc9a609d1ef7b2932899cde41b97'],
] as const;

test.each(RFC_6229)('RFC 6229: key %s without salt', async (digits, keyStream) => {
  using key = importCapiKey(ALG_ID.CALG_RC4, hex(digits), { salt: 'none' });
  expect(toHex(await capiDecrypt(key, new Uint8Array(16)))).toBe(keyStream);
});

test('an RC4 key of 40 bits is by default one of 16 bytes that ends in 11 zeros', async () => {
  using short = importCapiKey(ALG_ID.CALG_RC4, hex('0102030405'));
  using long = importCapiKey(ALG_ID.CALG_RC4, hex(`0102030405${'00'.repeat(11)}`));
  const message = new Uint8Array(100);
  expect(await capiDecrypt(short, message)).toEqual(await capiDecrypt(long, message));
});

interface SampleKey {
  readonly name: string;
  readonly length: number;
  readonly options?: ImportCapiKeyOptions;
}

/** Every cipher, with a key of 01 02 03 ... */
const KEYS: readonly SampleKey[] = [
  { name: 'rc2', length: 5 },
  { name: 'rc2', length: 16, options: { effectiveBits: 1024 } },
  { name: 'rc4', length: 5 },
  { name: 'rc4', length: 16 },
  { name: 'des', length: 8 },
  { name: '3des_112', length: 16 },
  { name: '3des', length: 24 },
  { name: 'aes128', length: 16 },
  { name: 'aes192', length: 24 },
  { name: 'aes256', length: 32 },
];
const MODES: readonly CapiMode[] = ['cbc', 'ecb', 'cfb'];

function makeKey({ name, length, options }: SampleKey): CapiKey {
  const bytes = new Uint8Array(length);
  countingRandom(1)(bytes);
  return importCapiKey(CIPHER_ALG_ID[name]!, bytes, options);
}

describe.each(KEYS)('$name with a key of $length bytes', (sample) => {
  const { name } = sample;
  const isStream = name === 'rc4';
  const block = name.startsWith('aes') ? 16 : 8;

  test('what was encrypted decrypts, in each mode, each length to five blocks, each cut', async () => {
    using key = makeKey(sample);
    const plaintext = new Uint8Array(5 * block);
    countingRandom(7)(plaintext);
    for (const mode of MODES) {
      const iv = new Uint8Array(block).fill(0x5a);
      using decryptor = await openCapiDecryptor(key, { mode, iv });
      for (let count = 0; count <= plaintext.length; count++) {
        const expected = plaintext.subarray(0, count);
        const ciphertext = await capiEncrypt(key, expected, { mode, iv });
        expect(ciphertext).toHaveLength(isStream ? count : count + block - (count % block));
        expect(await capiDecrypt(key, ciphertext, { mode, iv })).toEqual(expected);
        // One decryptor for all: after final it is at the IV again.
        for (let cut = 0; cut <= ciphertext.length; cut += 3) {
          const first = decryptor.update(ciphertext.subarray(0, cut));
          const second = decryptor.update(ciphertext.subarray(cut));
          expect(concatBytes(first, second, decryptor.final())).toEqual(expected);
        }
      }
    }
  });

  test('writes into an array of the caller, and more than a piece at once', async () => {
    using key = makeKey(sample);
    const plaintext = new Uint8Array((name === 'rc2' ? 20_000 : 1 << 20) + 123).fill(9);
    const mode = name === 'rc2' ? 'cfb' : 'cbc';
    const ciphertext = await capiEncrypt(key, plaintext, { mode });
    using decryptor = await openCapiDecryptor(key, { mode });
    const output = new Uint8Array(ciphertext.length + 32);
    const first = decryptor.update(ciphertext, output);
    expect(first.buffer).toBe(output.buffer);
    const rest = decryptor.final();
    expect(Buffer.compare(concatBytes(first, rest), plaintext)).toBe(0);
    expect(codeOf(() => decryptor.update(ciphertext, output.subarray(1)))).toBe(
      'PARAMETER_INVALID',
    );
  });

  test('after dispose it says HANDLE_INVALID', async () => {
    const key = makeKey(sample);
    const decryptor = await openCapiDecryptor(key);
    // The decryptor has what it needs.
    key[Symbol.dispose]();
    decryptor.update(new Uint8Array(block));
    decryptor[Symbol.dispose]();
    expect(codeOf(() => decryptor.update(new Uint8Array(block)))).toBe('HANDLE_INVALID');
    expect(codeOf(() => decryptor.final())).toBe('HANDLE_INVALID');
    expect(await codeOfAsync(openCapiDecryptor(key))).toBe('HANDLE_INVALID');
    expect(() => decryptor[Symbol.dispose]()).not.toThrow();
  });
});

const BLOCK_CIPHERS = KEYS.filter(({ name }) => name !== 'rc4');

describe.each(BLOCK_CIPHERS)('padding of $name, $length bytes', (sample) => {
  const block = sample.name.startsWith('aes') ? 16 : 8;

  test.each(MODES)('in %s each last block that is no padding fails in one way', async (mode) => {
    using key = makeKey(sample);
    const none = { mode, padding: 'none' } as const;
    const right = new Uint8Array(3 * block).fill(1);
    const wrong: Uint8Array[] = [0, block + 1, 0xff].map((last) => {
      const bytes = right.slice();
      bytes[bytes.length - 1] = last;
      return bytes;
    });
    for (let count = 2; count <= block; count++) {
      const bytes = right.slice().fill(count, right.length - count);
      bytes[bytes.length - count] = 0;
      wrong.push(bytes);
    }
    for (const plaintext of wrong) {
      const ciphertext = await capiEncrypt(key, plaintext, none);
      expect(await capiDecrypt(key, ciphertext, none)).toEqual(plaintext);
      const error: unknown = await capiDecrypt(key, ciphertext, { mode }).catch((e: unknown) => e);
      expect(error).toMatchObject({
        code: 'LEGACY_DECRYPTION_FAILED',
        nte: 0x80090005,
        message: 'The data of CryptEncrypt could not be decrypted.',
      });
      expect(error).not.toHaveProperty('cause');
    }
  });

  test.each(MODES)('in %s another length fails in the same way', async (mode) => {
    using key = makeKey(sample);
    const ciphertext = await capiEncrypt(key, new Uint8Array(2 * block), { mode });
    for (let length = 0; length < ciphertext.length; length++) {
      if (length > 0 && length % block === 0) continue;
      const cut = capiDecrypt(key, ciphertext.subarray(0, length), { mode });
      expect(await codeOfAsync(cut)).toBe('LEGACY_DECRYPTION_FAILED');
    }
  });

  test('without padding a part of a block fails in CBC and ECB, and is as good as any in CFB', async () => {
    using key = makeKey(sample);
    const bytes = new Uint8Array(block + 1);
    const none = { padding: 'none' } as const;
    for (const mode of ['cbc', 'ecb'] as const)
      expect(await codeOfAsync(capiDecrypt(key, bytes, { mode, ...none }))).toBe(
        'LEGACY_DECRYPTION_FAILED',
      );
    expect(await capiDecrypt(key, bytes, { mode: 'cfb', ...none })).toHaveLength(block + 1);
    expect(await capiDecrypt(key, new Uint8Array(0), none)).toHaveLength(0);
  });

  test('an IV of another length is refused', async () => {
    using key = makeKey(sample);
    const iv = new Uint8Array(block + 1);
    expect(await codeOfAsync(capiDecrypt(key, iv, { iv }))).toBe('PARAMETER_INVALID');
  });
});

test('after a message that failed, the next one begins at the IV', async () => {
  using key = makeKey({ name: '3des', length: 24 });
  const ciphertext = await capiEncrypt(key, hex('0102'));
  using decryptor = await openCapiDecryptor(key);
  decryptor.update(new Uint8Array(3));
  expect(codeOf(() => decryptor.final())).toBe('LEGACY_DECRYPTION_FAILED');
  const first = decryptor.update(ciphertext);
  expect(toHex(concatBytes(first, decryptor.final()))).toBe('0102');
});

test('DES is what FIPS 81 says it is, and 3DES of two keys what node:crypto says', async () => {
  using des = importCapiKey(ALG_ID.CALG_DES, hex('0123456789abcdef'));
  const text = new TextEncoder().encode('Now is the time for all ');
  // FIPS 81 table B1 and C1.
  const ecb = '3fa40e8a984d48156a271787ab8883f9893d51ec4b563b53';
  expect(toHex(await capiDecrypt(des, hex(ecb), { mode: 'ecb', padding: 'none' }))).toBe(
    toHex(text),
  );
  const iv = hex('1234567890abcdef');
  const cbc = 'e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6';
  expect(toHex(await capiDecrypt(des, hex(cbc), { iv, padding: 'none' }))).toBe(toHex(text));
  // Table D1: 8-bit cipher feedback.
  const cfb = 'f31fda07011462ee187f';
  expect(toHex(await capiDecrypt(des, hex(cfb), { mode: 'cfb', iv, padding: 'none' }))).toBe(
    toHex(text.subarray(0, 10)),
  );

  const bytes = hex('00112233445566778899aabbccddeeff');
  using twoKeys = importCapiKey(ALG_ID.CALG_3DES_112, bytes);
  const cipher = createCipheriv('des-ede-cbc', bytes, iv);
  const ciphertext = concatBytes(cipher.update(text), cipher.final());
  expect(await capiDecrypt(twoKeys, ciphertext, { iv })).toEqual(text);
});

describe('importCapiKey', () => {
  test.each([
    [ALG_ID.CALG_DES, [8]],
    [ALG_ID.CALG_3DES_112, [16]],
    [ALG_ID.CALG_3DES, [24]],
    [ALG_ID.CALG_AES_128, [16]],
    [ALG_ID.CALG_AES_192, [24]],
    [ALG_ID.CALG_AES_256, [32]],
    [ALG_ID.CALG_AES, [16, 24, 32]],
    [ALG_ID.CALG_RC4, Array.from({ length: 12 }, (_, i) => 5 + i)],
    [ALG_ID.CALG_RC2, Array.from({ length: 124 }, (_, i) => 5 + i)],
  ])('of %i takes keys of just the lengths that it has', (algId, lengths) => {
    for (let length = 0; length <= 130; length++) {
      const code = codeOf(() => importCapiKey(algId, new Uint8Array(length))[Symbol.dispose]());
      expect(code).toBe(lengths.includes(length) ? 'none' : 'LEGACY_KEY_LENGTH_REFUSED');
    }
  });

  test('refuses what has no session keys', () => {
    for (const algId of [ALG_ID.CALG_DESX, ALG_ID.CALG_RC5, ALG_ID.CALG_RSA_KEYX, 0, 0x12345]) {
      const error = thrownBy(() => importCapiKey(algId, new Uint8Array(16)));
      expect(error).toMatchObject({ code: 'ALGORITHM_UNSUPPORTED', nte: 0x80090008 });
    }
  });

  test('takes a salt of up to 24 bytes for RC2 and RC4, and none for others', () => {
    const at = (name: string, length: number, salt: Uint8Array): string =>
      codeOf(() => makeKey({ name, length, options: { salt } })[Symbol.dispose]());
    expect(at('rc2', 16, new Uint8Array(24))).toBe('none');
    expect(at('rc4', 5, new Uint8Array(25))).toBe('PARAMETER_INVALID');
    expect(at('des', 8, new Uint8Array(1))).toBe('PARAMETER_INVALID');
    expect(at('aes128', 16, new Uint8Array(0))).toBe('none');
  });

  test('takes an effective length of 1 to 1024 bits for RC2 only, and 40 for the base provider', () => {
    const code = (name: string, length: number, options: ImportCapiKeyOptions): string =>
      codeOf(() => makeKey({ name, length, options })[Symbol.dispose]());
    for (const effectiveBits of [0, 1025, -1, 1.5, Number.NaN])
      expect(code('rc2', 16, { effectiveBits })).toBe('LEGACY_KEY_LENGTH_REFUSED');
    expect(code('rc4', 16, { effectiveBits: 40 })).toBe('PARAMETER_INVALID');
    expect(code('rc4', 16, { effectiveBits: 128 })).toBe('none');
    expect(code('rc2', 7, { effectiveBits: 56, provider: 'base' })).toBe(
      'LEGACY_KEY_LENGTH_REFUSED',
    );
    using base = makeKey({ name: 'rc2', length: 7, options: { provider: 'base' } });
    expect(base.effectiveBits).toBe(40);
  });

  test('keeps a copy of the key, which never shows', () => {
    const bytes = hex('d0d1d2d3d4d5d6d7');
    using key = importCapiKey(ALG_ID.CALG_DES, bytes);
    bytes.fill(0);
    expect(toHex(key.key.bytes)).toBe('d0d1d2d3d4d5d6d7');
    expect(JSON.stringify(key)).not.toContain('d0');
    expect(JSON.stringify(key)).not.toContain('208');
  });
});

test('a mode that the providers do not have is NTE_BAD_ALGID', async () => {
  using key = makeKey({ name: '3des', length: 24 });
  for (const mode of ['ofb', 'cts', 'toString', ''])
    expect(await codeOfAsync(capiDecrypt(key, new Uint8Array(8), { mode: mode as CapiMode }))).toBe(
      'ALGORITHM_UNSUPPORTED',
    );
});

test('the room exports the way back only', () => {
  expect(Object.keys(legacy)).toContain('capiDecrypt');
  for (const name of ['capiEncrypt', 'openCapiEncryptor', 'capiRsaEncrypt'])
    expect(legacy).not.toHaveProperty(name);
});

test('node:crypto still refuses RC4, RC2, DES and MD4: its own context is as it was', async () => {
  using key = makeKey({ name: 'rc4', length: 16 });
  await capiDecrypt(key, new Uint8Array(8));
  for (const [name, length, ivLength] of [
    ['rc4', 16, 0],
    ['rc2-cbc', 16, 8],
    ['des-cbc', 8, 8],
  ] as const)
    expect(() =>
      createDecipheriv(name, new Uint8Array(length), ivLength ? new Uint8Array(ivLength) : null),
    ).toThrow(/unsupported|initialization/u);
});
