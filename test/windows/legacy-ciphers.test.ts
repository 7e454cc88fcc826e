/** What CryptEncrypt makes during this run opens with lib/legacy: every cipher of every provider, in every length it has. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALG_ID, algIdName } from '../../lib/blobs/alg-id.ts';
import { equalBytes, toHex } from '../../lib/bytes/octets.ts';
import { importCapiKey, type CapiKey } from '../../lib/legacy/capi-key.ts';
import { capiDecrypt, openCapiDecryptor, type CapiMode } from '../../lib/legacy/cipher.ts';
import { cryptDeriveKey } from '../../lib/legacy/derive-key.ts';
import { capiHash } from '../../lib/legacy/hash.ts';
import { capiProviderAlgorithms, type CapiProvider } from '../../lib/legacy/provider-algorithms.ts';
import {
  CRYPT_CREATE_SALT,
  CRYPT_EXPORTABLE,
  CRYPT_NO_SALT,
  KP_EFFECTIVE_KEYLEN,
} from '../../native-bindings/wincrypt.ts';
import type { Handle } from '../../native-bindings/windows-dll.ts';
import {
  contextOf,
  deriveKey,
  importKey,
  isWine,
  keyBytes,
  number32,
  number32From,
  PROVIDERS,
  saltOfKey,
  setMode,
} from '../support/capi-calls.ts';
import { api } from '../support/cryptoapi.ts';

const CIPHERS = new Set<number>([
  ALG_ID.CALG_RC2,
  ALG_ID.CALG_RC4,
  ALG_ID.CALG_DES,
  ALG_ID.CALG_3DES_112,
  ALG_ID.CALG_3DES,
  ALG_ID.CALG_AES_128,
  ALG_ID.CALG_AES_192,
  ALG_ID.CALG_AES_256,
]);
const HASHES = [
  ALG_ID.CALG_MD2,
  ALG_ID.CALG_MD4,
  ALG_ID.CALG_MD5,
  ALG_ID.CALG_SHA1,
  ALG_ID.CALG_SHA_256,
  ALG_ID.CALG_SHA_384,
  ALG_ID.CALG_SHA_512,
];
const SALTED = new Set<number>([ALG_ID.CALG_RC2, ALG_ID.CALG_RC4]);
const SALT_FLAGS = { default: 0, none: CRYPT_NO_SALT, create: CRYPT_CREATE_SALT } as const;
type SaltFlag = keyof typeof SALT_FLAGS;
const MODES: readonly CapiMode[] = ['cbc', 'ecb', 'cfb'];
/** Around the ends of blocks of 8 and of 16 bytes. */
const LENGTHS = [1, 7, 8, 9, 15, 16, 17, 100];

/** Bytes that differ from each other. */
const text = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + length) & 0xff);

/** One algorithm in one length; 0 bits where it has no other. */
interface Kind {
  readonly algId: number;
  readonly bits: number;
  readonly title: string;
}

/** Every length of every cipher, as the provider itself says: RC2 and RC4 in steps of 8 bits. */
function kindsOf(context: Handle): Kind[] {
  const ciphers = api.enumAlgorithms(context).filter(({ algId }) => CIPHERS.has(algId));
  return ciphers.flatMap(({ algId, minLength, maxLength }) => {
    const name = algIdName(algId) ?? '';
    if (minLength === maxLength) return [{ algId, bits: 0, title: `${name} of ${minLength} bits` }];
    const count = (maxLength - minLength) / 8 + 1;
    const lengths = Array.from({ length: count }, (_, index) => minLength + 8 * index);
    return lengths.map((bits) => ({ algId, bits, title: `${name} of ${bits} bits` }));
  });
}

/** Encrypts there and decrypts here, in every mode, with the IV of zeros and with another: how many messages came back. */
async function openedMessages(native: Handle, key: CapiKey): Promise<number> {
  let opened = 0;
  const isStream = key.algId === ALG_ID.CALG_RC4;
  const blockLength = key.algId >= ALG_ID.CALG_AES_128 && !isStream ? 16 : 8;
  for (const iv of isStream ? [undefined] : [undefined, text(blockLength)]) {
    for (const mode of isStream ? (['cbc'] as const) : MODES) {
      if (!isStream) setMode(native, mode, iv);
      for (const length of LENGTHS) {
        const plaintext = text(length);
        const ciphertext = api.cryptEncrypt(native, plaintext, 0);
        const options = { mode, ...(iv && { iv }) };
        const decrypted = await capiDecrypt(key, ciphertext, options);
        if (equalBytes(decrypted, plaintext)) opened += 1;
      }
    }
  }
  return opened;
}

const KINDS = new Map(
  PROVIDERS.map((provider) => {
    const context = contextOf(provider);
    const kinds = kindsOf(context);
    api.cryptReleaseContext(context);
    return [provider, kinds];
  }),
);

test('the lengths are those that FORMATS has: 96 ciphers in their lengths', () => {
  const counts = PROVIDERS.map((provider) => KINDS.get(provider)!.length);
  // RC2 and RC4 of 40 to 56 bits and DES; then of 40 to 128, DES, two of 3DES; then three of AES.
  expect(counts).toEqual([3 + 3 + 1, 12 + 12 + 3, 12 + 12 + 3, 12 + 12 + 6]);
});

describe.each(PROVIDERS)('of the provider %s', (provider: CapiProvider) => {
  let context: Handle;
  beforeAll(() => {
    context = contextOf(provider);
  });
  afterAll(() => api.cryptReleaseContext(context));

  test('the algorithms are those that keycask says it has', () => {
    const own = capiProviderAlgorithms(provider);
    const native = api.enumAlgorithms(context).map((row) => ({
      algId: row.algId,
      minBits: row.minLength,
      defaultBits: row.defaultLength,
      maxBits: row.maxLength,
    }));
    expect(own.map(({ name: _name, ...row }) => row)).toEqual(native);
  });

  test.each(KINDS.get(provider)!)('$title opens', async ({ algId, bits }) => {
    const generated = await api.cryptGenKey(context, algId, (bits << 16) | CRYPT_EXPORTABLE);
    const bytes = keyBytes(generated);
    const native = await importKey(context, algId, bytes);
    // The base provider uses 40 bits of a longer RC2 key; Wine's all of those that it has lengths for (up to 56).
    const isLonger = provider === 'base' && algId === ALG_ID.CALG_RC2 && bits > 40;
    const options = isWine && isLonger ? { effectiveBits: bits } : { provider };
    using key = importCapiKey(algId, bytes, options);
    expect(await openedMessages(native, key)).toBe(algId === ALG_ID.CALG_RC4 ? 8 : 48);
    api.cryptDestroyKey(native);
    api.cryptDestroyKey(generated);
  });

  const salted = KINDS.get(provider)!.filter(({ algId }) => SALTED.has(algId));
  test.each(salted)('$title opens with every kind of salt', async ({ algId, bits }) => {
    for (const salt of Object.values(SALT_FLAGS)) {
      const flags = (bits << 16) | CRYPT_EXPORTABLE | salt;
      const native = await api.cryptGenKey(context, algId, flags);
      // Where a key is generated Wine fills an RC2 key's salt without being asked to, and its base provider uses more than 40 bits:
      // what a key really has is what its parameters say.
      const effectiveBits = number32From(api.cryptGetKeyParam(native, KP_EFFECTIVE_KEYLEN));
      using key = importCapiKey(algId, keyBytes(native), {
        salt: saltOfKey(native),
        ...(algId === ALG_ID.CALG_RC2 && { effectiveBits }),
      });
      expect(await openedMessages(native, key)).toBe(algId === ALG_ID.CALG_RC4 ? 8 : 48);
      api.cryptDestroyKey(native);
    }
  });

  const hashes = HASHES.filter((hashAlgId) =>
    capiProviderAlgorithms(provider).some(({ algId }) => algId === hashAlgId),
  );
  test.each(hashes.map((hashAlgId) => ({ hashAlgId, name: algIdName(hashAlgId) })))(
    'keys that are derived from $name are the same',
    async ({ hashAlgId }) => {
      const password = text(12);
      const value = await capiHash(hashAlgId, password);
      for (const { algId, bits } of KINDS.get(provider)!) {
        const flags: SaltFlag[] = SALTED.has(algId) ? ['default', 'none', 'create'] : ['default'];
        for (const salt of flags) {
          const options = { algId, keyBits: bits, salt, provider } as const;
          // Windows makes the parity odd; Wine leaves it.
          const parity = isWine ? 'as-is' : 'odd';
          using key = await cryptDeriveKey({ hashAlgId, value }, { ...options, parity });
          const native = deriveKey(context, password, {
            hashAlgId,
            algId,
            flags: (bits << 16) | SALT_FLAGS[salt],
          });
          const what = `${algIdName(algId) ?? ''} ${bits} ${salt}`;
          expect(toHex(key.key.bytes), what).toBe(toHex(keyBytes(native)));
          const ciphertext = api.cryptEncrypt(native, text(20), 0);
          expect(toHex(await capiDecrypt(key, ciphertext)), what).toBe(toHex(text(20)));
          api.cryptDestroyKey(native);
        }
      }
    },
  );
});

describe('with the provider aes', () => {
  const context = contextOf('aes');
  afterAll(() => api.cryptReleaseContext(context));

  test('RC2 opens with effective lengths of 1 to 1024 bits', async () => {
    for (const effectiveBits of [1, 7, 8, 39, 40, 41, 63, 64, 65, 127, 128, 129, 256, 1023, 1024]) {
      const native = await importKey(context, ALG_ID.CALG_RC2, text(16));
      api.cryptSetKeyParam(native, KP_EFFECTIVE_KEYLEN, number32(effectiveBits));
      using key = importCapiKey(ALG_ID.CALG_RC2, text(16), { effectiveBits });
      expect(await openedMessages(native, key), `${effectiveBits} bits`).toBe(48);
      api.cryptDestroyKey(native);
    }
  });

  test('a message that was encrypted in pieces opens in other pieces', async () => {
    const native = await importKey(context, ALG_ID.CALG_AES_256, text(32));
    const plaintext = text(100_000);
    const ciphertext = api.cryptEncrypt(native, plaintext, 0);
    using key = importCapiKey(ALG_ID.CALG_AES_256, text(32));
    using decryptor = await openCapiDecryptor(key, {});
    const parts: Uint8Array[] = [];
    for (let at = 0; at < ciphertext.length; at += 999)
      parts.push(decryptor.update(ciphertext.subarray(at, at + 999)).slice());
    parts.push(decryptor.final());
    expect(Buffer.concat(parts).equals(plaintext)).toBe(true);
    api.cryptDestroyKey(native);
  });
});
