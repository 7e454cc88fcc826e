/** Segments: sizes at every edge, nonces, a known answer, and each way a ciphertext can be wrong. */
import { createCipheriv, hkdfSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { concatBytes, toHex } from '../../../lib/bytes/octets.ts';
import { ChunkSource } from '../../../lib/file-encryption/byte-source.ts';
import { associatedData, beginFile, resumeFile } from '../../../lib/file-encryption/file-cipher.ts';
import { decodeFileHeader } from '../../../lib/file-encryption/file-header.ts';
import { nodeSegmentCipher, segmentNonce } from '../../../lib/file-encryption/segment-cipher.ts';
import {
  freshBuffers,
  openSegments,
  openWhole,
  sealSegments,
  sealWhole,
} from '../../../lib/file-encryption/segment-stream.ts';
import {
  ciphertextSize,
  decodeStreamHeader,
  plaintextSize,
  segmentAt,
  segmentCount,
  segmentSpan,
} from '../../../lib/file-encryption/segments.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { countingRandom, hex } from '../../support/bytes.ts';
import { codeOf, codeOfAsync } from '../../support/errors.ts';
import { fixedSessionKey, FixedFileKeys } from '../../support/fixed-file-keys.ts';

const FIRST = 1_048_520;
const OTHER = 1_048_560;

/** Sizes of plaintext around each segment edge. */
const EDGES = [0, 1, FIRST, FIRST + OTHER, FIRST + 2 * OTHER].flatMap((edge) =>
  [edge - 1, edge, edge + 1].filter((size) => size >= 0),
);

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 12)) & 0xff);
}

function cipher() {
  return nodeSegmentCipher(SecretBytes.copy(new Uint8Array(32).fill(7)), hex('01020304050607'));
}

async function sealed(plaintext: Uint8Array): Promise<Uint8Array> {
  const out = new Uint8Array(ciphertextSize(plaintext.length));
  await sealWhole(plaintext, cipher(), out);
  return out;
}

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return concatBytes(...all);
}

/** What openSegments makes of a ciphertext without its stream header. */
function opened(segments: Uint8Array): Promise<Uint8Array> {
  return collect(openSegments(new ChunkSource([segments]), cipher(), freshBuffers()));
}

describe('sizes', () => {
  test.each(EDGES)('of %i bytes are one-to-one with sizes of ciphertext', (size) => {
    const count = Math.max(1, size <= FIRST ? 1 : 1 + Math.ceil((size - FIRST) / OTHER));
    expect(segmentCount(size)).toBe(count);
    expect(ciphertextSize(size)).toBe(40 + size + 16 * count);
    expect(plaintextSize(ciphertextSize(size))).toBe(size);
    const spans = Array.from({ length: count }, (_, index) => segmentSpan(index, size));
    expect(spans.reduce((sum, span) => sum + span.plaintextLength, 0)).toBe(size);
    expect(spans.map((span) => span.last)).toEqual(spans.map((_, i) => i === count - 1));
    for (const span of spans.slice(1)) expect(span.plaintextLength).toBeGreaterThan(0);
    expect(segmentAt(Math.max(0, size - 1))).toBe(count - 1);
  });

  test.each([0, 39, 40, 55, 2 ** 20 + 1, 2 ** 20 + 16, 2 ** 21 + 16])(
    'of %i bytes are of no ciphertext',
    (size) => expect(plaintextSize(size)).toBeUndefined(),
  );

  test('reach 4 PiB and stop there', () => {
    expect(plaintextSize(2 ** 52)).toBe(2 ** 52 - 40 - 16 * 2 ** 32);
    expect(plaintextSize(2 ** 52 + 17)).toBeUndefined();
  });
});

describe('the nonce', () => {
  test('is prefix, index and last', () => {
    const prefix = hex('01020304050607');
    expect(toHex(segmentNonce(prefix, { index: 0, last: true }))).toBe('010203040506070000000001');
    expect(toHex(segmentNonce(prefix, { index: 0xfffffffe, last: false }))).toBe(
      '01020304050607fffffffe00',
    );
  });

  test.each([2 ** 32, -1, 0.5, Number.NaN])('has no index %d', (index) => {
    expect(codeOf(() => segmentNonce(hex('01020304050607'), { index, last: false }))).toBe(
      'PARAMETER_INVALID',
    );
  });
});

describe('a file with counted randomness', () => {
  const keys = new FixedFileKeys();

  test('is what the format page says, computed another way', async () => {
    const plaintext = Buffer.from('attack at dawn');
    const { start, cipher } = beginFile(keys.fixedKey(), { a: '1' }, countingRandom());
    const ciphertext = new Uint8Array(ciphertextSize(plaintext.length));
    ciphertext.set(start.subarray(4096));
    await sealWhole(plaintext, cipher, ciphertext);

    const salt = hex('101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f');
    const prefix = hex('30313233343536');
    expect(toHex(ciphertext.subarray(0, 40))).toBe(`28${toHex(salt)}${toHex(prefix)}`);
    const key = fixedSessionKey();
    const info = associatedData(key, decodeFileHeader(start.subarray(0, 4096)));
    const fileKey = hkdfSync('sha256', new Uint8Array(32).fill(0x11), salt, info, 32);
    const nonce = concatBytes(prefix, hex('0000000001'));
    const gcm = createCipheriv('aes-256-gcm', new Uint8Array(fileKey), nonce);
    const expected = Buffer.concat([gcm.update(plaintext), gcm.final(), gcm.getAuthTag()]);
    expect(toHex(ciphertext.subarray(40))).toBe(expected.toString('hex'));
  });

  test('stays what it was in every release', async () => {
    const file = beginFile(keys.fixedKey(), { a: '1' }, countingRandom());
    const out = new Uint8Array(ciphertextSize(3));
    await sealWhole(Buffer.from('abc'), file.cipher, out);
    expect(toHex(out.subarray(40))).toBe(KNOWN_ANSWER);
  });

  test('ties the ciphertext to file id, record id, commitment and context', () => {
    const key = fixedSessionKey();
    const file = { fileId: hex('000102030405060708090a0b0c0d0e0f'), context: {} };
    const all = [
      associatedData(key, file),
      associatedData(key, { ...file, fileId: hex('010102030405060708090a0b0c0d0e0f') }),
      associatedData(key, { ...file, context: { a: '' } }),
      associatedData(fixedSessionKey({ fill: 2 }), file),
      associatedData({ id: key.id, commitment: new Uint8Array(32) }, file),
    ].map(toHex);
    expect(new Set(all).size).toBe(all.length);
    expect(codeOf(() => associatedData({ id: key.id, commitment: undefined }, file))).toBe(
      'INTERNAL',
    );
  });

  test.each([
    ['a key of 128 bits', { length: 16 }, 'PARAMETER_INVALID', 'BLOB_ALGORITHM_UNSUPPORTED'],
    [
      'a key without a commitment',
      { withoutCommitment: true },
      'PARAMETER_INVALID',
      'BLOB_ALGORITHM_UNSUPPORTED',
    ],
    ['a key that only decrypts', { decryptOnly: true }, 'KEY_DECRYPT_ONLY', 'none'],
  ])('is not encrypted with %s', (_name, facts, encrypting, decrypting) => {
    const key = new FixedFileKeys(facts).fixedKey();
    expect(codeOf(() => beginFile(key))).toBe(encrypting);
    const { start } = beginFile(keys.fixedKey());
    const header = decodeFileHeader(start.subarray(0, 4096));
    const streamHeader = decodeStreamHeader(start.subarray(4096));
    expect(codeOf(() => resumeFile(key.key, header, streamHeader))).toBe(decrypting);
  });
});

describe('segments', () => {
  test.each(EDGES)('of %i bytes are the same in one piece and as a stream', async (size) => {
    const plaintext = pattern(size);
    const whole = await sealed(plaintext);
    const streamed = await collect(
      sealSegments(new ChunkSource([plaintext]), cipher(), freshBuffers()),
    );
    expect(Buffer.compare(streamed, whole.subarray(40))).toBe(0);
    expect(Buffer.compare(await opened(streamed), plaintext)).toBe(0);
    const out = new Uint8Array(size);
    await openWhole(whole, cipher(), out);
    expect(Buffer.compare(out, plaintext)).toBe(0);
  });

  test('cut at any edge, or one byte off it, are refused', async () => {
    const whole = (await sealed(pattern(FIRST + OTHER + 5))).subarray(40);
    const edges = [0, FIRST + 16, FIRST + OTHER + 32, whole.length];
    const cuts = edges.flatMap((edge) => [edge - 1, edge, edge + 1]);
    for (const cut of cuts.filter((length) => length >= 0 && length < whole.length))
      expect([cut, await codeOfAsync(opened(whole.subarray(0, cut)))]).toEqual([
        cut,
        'FILE_DAMAGED',
      ]);
  });

  test.each([
    ['one byte', 1],
    ['a tag', 16],
    ['a whole segment', OTHER + 16],
  ])('continued by %s are refused', async (_name, more) => {
    for (const size of [0, 5, FIRST, FIRST + OTHER]) {
      const whole = (await sealed(pattern(size))).subarray(40);
      const longer = concatBytes(whole, new Uint8Array(more));
      expect(await codeOfAsync(opened(longer))).toBe('FILE_DAMAGED');
    }
  });

  test('swapped, repeated or left out are refused', async () => {
    const whole = (await sealed(pattern(FIRST + 3 * OTHER))).subarray(40);
    const at = (index: number) =>
      whole.subarray(
        index === 0 ? 0 : FIRST + 16 + (index - 1) * (1 << 20),
        FIRST + 16 + index * (1 << 20),
      );
    for (const order of [
      [0, 2, 1, 3],
      [0, 1, 1, 3],
      [0, 2, 3],
      [0, 1, 2, 3, 3],
    ])
      expect(await codeOfAsync(opened(concatBytes(...order.map(at))))).toBe('FILE_DAMAGED');
    expect(await opened(concatBytes(...[0, 1, 2, 3].map(at)))).toHaveLength(FIRST + 3 * OTHER);
  });

  test('give no byte of plaintext where the tag does not fit', () => {
    const one = cipher();
    const out = new Uint8Array(20);
    void one.seal({ index: 0, last: true }, Buffer.from('data'), out);
    out[19]! ^= 1;
    const plaintext = new Uint8Array(4).fill(9);
    expect(codeOf(() => one.open({ index: 0, last: true }, out, plaintext))).toBe('FILE_DAMAGED');
    expect(toHex(plaintext)).toBe('00000000');
  });

  test('are not worked on after the cipher was disposed of', () => {
    const one = cipher();
    one[Symbol.dispose]();
    const seal = () => one.seal({ index: 0, last: true }, new Uint8Array(1), new Uint8Array(17));
    expect(codeOf(seal)).toBe('HANDLE_INVALID');
  });
});

/** Made once, and checked by docs/read-cask.py. */
const KNOWN_ANSWER = '071f35b64fd12e94a764c8fc1957c37ee3fa77';
