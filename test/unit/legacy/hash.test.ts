/** capiHash and capiProviderAlgorithms: the answers of the RFCs, and of Wine's providers. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import { capiHash, capiHashLength } from '../../../lib/legacy/hash.ts';
import { md2 } from '../../../lib/legacy/md2.ts';
import {
  capiProviderAlgorithms,
  type CapiProvider,
} from '../../../lib/legacy/provider-algorithms.ts';
import { codeOf, codeOfAsync } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz';
const LETTERS_AND_DIGITS = `${ALPHABET.toUpperCase()}${ALPHABET}0123456789`;
const EIGHTY_DIGITS = '1234567890'.repeat(8);

/** Message, MD2 (RFC 1319 appendix A.5), MD4 (RFC 1320 appendix A.5). */
const RFC_ANSWERS = [
  ['', '8350e5a3e24c153df2275c9f80692773', '31d6cfe0d16ae931b73c59d7e0c089c0'],
  ['a', '32ec01ec4a6dac72c0ab96fb34c0b5d1', 'bde52cb31de33e46245e05fbdbd6fb24'],
  ['abc', 'da853b0d3f88d99b30283a69e6ded6bb', 'a448017aaf21d8525fc10ae87aa6729d'],
  ['message digest', 'ab4f496bfb2a530b219ff33031fe06b0', 'd9130a8164549fe818874806e1c7014b'],
  [ALPHABET, '4e8ddff3650292ab5a4108c3aa47940b', 'd79e1c308aa5bbcdeea8ed63df412da9'],
  [LETTERS_AND_DIGITS, 'da33def2a42df13975352846c30338cd', '043f8582f241db351ce627e153e7f0e4'],
  [EIGHTY_DIGITS, 'd5976f79d83d3a0dc9806c3c66f3efd8', 'e33b4ddc9c38f2199c3e7b164fcc0536'],
] as const;

test.each(RFC_ANSWERS)('RFC 1319 and RFC 1320: "%s"', async (message, ofMd2, ofMd4) => {
  const bytes = Buffer.from(message);
  expect(toHex(await capiHash(ALG_ID.CALG_MD2, bytes))).toBe(ofMd2);
  expect(toHex(await capiHash(ALG_ID.CALG_MD4, bytes))).toBe(ofMd4);
});

test('MD2 of 1 to 50 bytes is the same however the bytes are cut', () => {
  for (let length = 1; length <= 50; length++) {
    const message = new Uint8Array(length).fill(length);
    for (let cut = 0; cut <= length; cut++)
      expect(md2(message.subarray(0, cut), message.subarray(cut))).toEqual(md2(message));
  }
});

test.each([
  [ALG_ID.CALG_MD5, ['md5'], 16],
  [ALG_ID.CALG_SHA1, ['sha1'], 20],
  [ALG_ID.CALG_SSL3_SHAMD5, ['md5', 'sha1'], 36],
  [ALG_ID.CALG_SHA_256, ['sha256'], 32],
  [ALG_ID.CALG_SHA_384, ['sha384'], 48],
  [ALG_ID.CALG_SHA_512, ['sha512'], 64],
] as const)('%i is %j of node:crypto', async (hashAlgId, names, length) => {
  const expected = names.map((name) => createHash(name).update('two parts').digest('hex'));
  const made = await capiHash(hashAlgId, Buffer.from('two '), Buffer.from('parts'));
  expect(toHex(made)).toBe(expected.join(''));
  expect(made).toHaveLength(length);
  expect(capiHashLength(hashAlgId)).toBe(length);
  expect(Buffer.isBuffer(made)).toBe(false);
});

test.each([ALG_ID.CALG_MAC, ALG_ID.CALG_HMAC, ALG_ID.CALG_TLS1PRF, ALG_ID.CALG_RC4, 0])(
  '%i is no hash that takes data',
  async (hashAlgId) => {
    expect(await codeOfAsync(capiHash(hashAlgId))).toBe('ALGORITHM_UNSUPPORTED');
    expect(codeOf(() => capiHashLength(hashAlgId))).toBe('ALGORITHM_UNSUPPORTED');
  },
);

interface EnumAlgsVector {
  readonly provider: CapiProvider;
  readonly name: string;
  readonly algid: number;
  readonly min: number;
  readonly default: number;
  readonly max: number;
}

describeShared('PP_ENUMALGS_EX of Wine (wine-capi-enumalgs.json)', () => {
  const { vectors } = sharedJson('vectors/wine-capi-enumalgs.json') as {
    vectors: EnumAlgsVector[];
  };

  // dwProtocols, which says for what Schannel has them, and szLongName are left out.
  test.each(['base', 'enhanced', 'strong', 'aes'] as const)('of %s', (provider) => {
    const expected = vectors
      .filter((row) => row.provider === provider)
      .map(({ algid, name, min, default: defaultBits, max }) => ({
        algId: algid,
        name,
        minBits: min,
        defaultBits,
        maxBits: max,
      }));
    expect(expected.length).toBeGreaterThanOrEqual(12);
    expect(capiProviderAlgorithms(provider)).toEqual(expected);
  });

  test('no row of the vectors is of another provider', () => {
    const rows = (['base', 'enhanced', 'strong', 'aes'] as const).flatMap(capiProviderAlgorithms);
    expect(vectors).toHaveLength(rows.length);
  });
});

describe('capiProviderAlgorithms', () => {
  test('gives objects that the caller may change', () => {
    Object.assign(capiProviderAlgorithms('base')[0]!, { minBits: 0 });
    expect(capiProviderAlgorithms('base')[0]).toMatchObject({ name: 'RC2', minBits: 40 });
  });
});
