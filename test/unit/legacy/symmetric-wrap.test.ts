/** SYMMETRICWRAPKEYBLOBs: the examples of RFC 3217, every pair of algorithms, one failure. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { encodeSymmetricWrapKeyBlob } from '../../../lib/blobs/symmetric-wrap-key-blob.ts';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { importCapiKey, type CapiKey } from '../../../lib/legacy/capi-key.ts';
import { capiEncrypt } from '../../../lib/legacy/cipher.ts';
import {
  unwrapSymmetricWrapBlob,
  wrapSymmetricWrapBlob,
} from '../../../lib/legacy/symmetric-wrap.ts';
import { hex } from '../../support/bytes.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';
import { Tally } from '../../support/wycheproof.ts';

interface WrapVector {
  readonly name: string;
  readonly kek: string;
  readonly cek: string;
  readonly iv: string;
  readonly pad?: string;
  readonly effective_bits?: number;
  readonly symmetricwrapkeyblob: string;
}

describeShared('the examples of RFC 3217', () => {
  const { vectors } = sharedJson('vectors/rfc3217-symmetricwrap.json') as {
    readonly vectors: readonly WrapVector[];
  };

  test('are unwrapped, and made again with their randomness', async () => {
    const tally = new Tally();
    for (const vector of vectors) {
      const { effective_bits: effectiveBits, pad = '', cek } = vector;
      const isRc2 = effectiveBits !== undefined;
      const algId = isRc2 ? ALG_ID.CALG_RC2 : ALG_ID.CALG_3DES;
      const blob = hex(vector.symmetricwrapkeyblob);
      using kek = importCapiKey(algId, hex(vector.kek), isRc2 ? { effectiveBits } : {});
      using key = await unwrapSymmetricWrapBlob(blob, kek);
      const random = fillWith(hex(vector.iv), hex(pad));
      const again = await wrapSymmetricWrapBlob(kek, { algId, key: hex(cek), random });
      const isRight = key.algId === algId && toHex(key.key.bytes) === cek;
      tally.right(isRc2 ? 'RC2' : '3DES', isRight && toHex(again) === toHex(blob), vector.name);
    }
    expect(tally.counts).toEqual({ RC2: 1, '3DES': 1 });
  });
});

describe('a SYMMETRICWRAPKEYBLOB', () => {
  const tripleDes = importCapiKey(ALG_ID.CALG_3DES, count(24));
  const twoKeys = importCapiKey(ALG_ID.CALG_3DES_112, count(16));
  const rc2 = importCapiKey(ALG_ID.CALG_RC2, count(16), { effectiveBits: 40 });

  test('holds keys of every cipher under RC2, and under 3DES those whose length is their form', async () => {
    const tally = new Tally();
    for (const [wrapping, own] of Object.entries({
      '3DES': tripleDes,
      '3DES_112': twoKeys,
      RC2: rc2,
    }))
      for (const [algId, length] of KEYS) {
        const key = count(length, 0x80);
        const attempt = roundTrip(own, algId, key);
        const code = await codeOfAsync(attempt);
        tally.add(`${wrapping}: ${code === 'none' ? (await attempt) === toHex(key) : code}`);
      }
    expect(tally.counts).toEqual({
      '3DES: true': 6,
      '3DES: NOT_SUPPORTED': 6,
      '3DES_112: true': 6,
      '3DES_112: NOT_SUPPORTED': 6,
      'RC2: true': 12,
    });
  });

  test('gives the key the salt and effective length that who unwraps tells', async () => {
    const blob = await wrapSymmetricWrapBlob(rc2, { algId: ALG_ID.CALG_RC2, key: count(5) });
    using byDefault = await unwrapSymmetricWrapBlob(blob, rc2);
    using none = await unwrapSymmetricWrapBlob(blob, rc2, { salt: 'none', effectiveBits: 64 });
    expect([byDefault.salt.length, byDefault.effectiveBits]).toEqual([11, 40]);
    expect([none.salt.length, none.effectiveBits]).toEqual([0, 64]);
  });

  test('fails in one way, whatever is wrong with it', async () => {
    const algId = ALG_ID.CALG_3DES;
    const blob = await wrapSymmetricWrapBlob(tripleDes, { algId, key: count(24) });
    const rc2Blob = await wrapSymmetricWrapBlob(rc2, { algId: ALG_ID.CALG_RC2, key: count(16) });
    const changed = blob.map((byte, i) => (i === blob.length - 1 ? byte ^ 1 : byte));
    using other = importCapiKey(ALG_ID.CALG_3DES, count(24, 0x40));
    using sameBytes = importCapiKey(ALG_ID.CALG_RC2, count(16));
    const attempts = {
      'another key': unwrapSymmetricWrapBlob(blob, other),
      'a key of another algorithm': unwrapSymmetricWrapBlob(blob, rc2),
      'another effective length': unwrapSymmetricWrapBlob(rc2Blob, sameBytes),
      changed: unwrapSymmetricWrapBlob(changed, tripleDes),
      cut: unwrapSymmetricWrapBlob(blob.subarray(0, -1), tripleDes),
      'cut by a block': unwrapSymmetricWrapBlob(blob.subarray(0, -8), tripleDes),
      'one block': unwrapSymmetricWrapBlob(blob.subarray(0, 20), tripleDes),
      'one byte more': unwrapSymmetricWrapBlob(concatBytes(blob, hex('00')), tripleDes),
      'a length that its algorithm has not': unwrapSymmetricWrapBlob(
        blob.map((byte, i) => (i === 4 ? 0x01 : byte)),
        tripleDes,
      ),
      'a length byte that is too large': unwrapSymmetricWrapBlob(
        await wrapRaw(rc2, ALG_ID.CALG_RC4, concatBytes(hex('10'), count(7))),
        rc2,
      ),
      'more padding than a block has': unwrapSymmetricWrapBlob(
        await wrapRaw(rc2, ALG_ID.CALG_RC4, concatBytes(hex('05'), count(15))),
        rc2,
      ),
    };
    for (const [name, attempt] of Object.entries(attempts)) {
      const error = await attempt.then(String, (reason: unknown) => reason);
      expect(JSON.stringify(error), name).toBe(
        JSON.stringify(new KeyStoreError('KEY_UNWRAP_FAILED')),
      );
    }
  });

  test('says so where another cipher wraps', async () => {
    const blob = encodeSymmetricWrapKeyBlob({
      algId: ALG_ID.CALG_3DES,
      wrappingAlgId: ALG_ID.CALG_AES_128,
      wrappedKey: count(40),
    });
    using aes = importCapiKey(ALG_ID.CALG_AES_128, count(16));
    expect(await codeOfAsync(unwrapSymmetricWrapBlob(blob, aes))).toBe(
      'BLOB_ALGORITHM_UNSUPPORTED',
    );
  });
});

async function roundTrip(wrapping: CapiKey, algId: number, key: Uint8Array): Promise<string> {
  const blob = await wrapSymmetricWrapBlob(wrapping, { algId, key });
  using unwrapped = await unwrapSymmetricWrapBlob(blob, wrapping);
  return toHex(unwrapped.key.bytes);
}

/** Wraps an X that is not what RFC 3217 makes of a key, with a checksum that is right. */
async function wrapRaw(wrapping: CapiKey, algId: number, x: Uint8Array): Promise<Uint8Array> {
  const iv = count(8);
  const checksum = createHash('sha1').update(x).digest().subarray(0, 8);
  const none = { padding: 'none' } as const;
  const inner = await capiEncrypt(wrapping, concatBytes(x, checksum), { iv, ...none });
  const turned = concatBytes(iv, inner).reverse();
  const wrappedKey = await capiEncrypt(wrapping, turned, { iv: hex('4adda22c79e82105'), ...none });
  return encodeSymmetricWrapKeyBlob({ algId, wrappingAlgId: wrapping.algId, wrappedKey });
}

/** The next bytes of what is given, one array at each call. */
function fillWith(...values: readonly Uint8Array[]): (target: Uint8Array) => void {
  const left = [...values];
  return (target) => target.set(left.shift()!);
}

function count(length: number, start = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => start + i);
}

/** ALG_ID and bytes of a key. */
const KEYS: readonly (readonly [number, number])[] = [
  [ALG_ID.CALG_DES, 8],
  [ALG_ID.CALG_3DES_112, 16],
  [ALG_ID.CALG_3DES, 24],
  [ALG_ID.CALG_AES_128, 16],
  [ALG_ID.CALG_AES_192, 24],
  [ALG_ID.CALG_AES_256, 32],
  [ALG_ID.CALG_RC2, 5],
  [ALG_ID.CALG_RC2, 7],
  [ALG_ID.CALG_RC2, 16],
  [ALG_ID.CALG_RC4, 5],
  [ALG_ID.CALG_RC4, 8],
  [ALG_ID.CALG_RC4, 16],
];
