/** The CMS of DPAPI-NG, read from what Windows wrote, and what is refused before anything long is done with it. */
import { describe, expect, test } from 'vitest';
import { sequence, tlv } from '../../../lib/bytes/der-writer.ts';
import { concatBytes, fromHex, toHex } from '../../../lib/bytes/octets.ts';
import { makeCondition } from '../../../lib/cms/protection-condition.ts';
import {
  decodeProtectedData,
  encodeProtectedData,
  type ProtectedData,
  type ProtectedDataRecipient,
} from '../../../lib/cms/protected-data.ts';
import { BlobFormatError } from '../../../lib/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';
import { startCpuClock } from '../../support/cpu-clock.ts';

const bytes = (length: number, value = 1): Uint8Array => new Uint8Array(length).fill(value);
const condition = (value: string): ProtectedDataRecipient => ({
  kind: 'condition',
  keyIdentifier: bytes(4),
  condition: makeCondition('SID', value),
  encryptedKey: bytes(40),
});
const DATA: ProtectedData = {
  recipients: [
    condition('S-1-5-18'),
    {
      kind: 'all-of',
      recipients: [condition('S-1-5-19'), condition('S-1-5-20')],
      encryptedKey: bytes(40),
    },
    { kind: 'certificate', thumbprint: bytes(20), encryptedKey: bytes(256) },
  ],
  nonce: bytes(12),
  ciphertext: bytes(20),
  content: 'inside',
};
const DER = await encodeProtectedData(DATA);

test.each(['inside', 'after'] as const)(
  'is read as it was written, content %s',
  async (content) => {
    const data = { ...DATA, content };
    const encoded = await encodeProtectedData(data);
    expect(await decodeProtectedData(encoded)).toEqual(data);
  },
);

test('a certificate is named by issuer and serial number too', async () => {
  const issuerAndSerialNumber = sequence(sequence(), tlv(0x02, Uint8Array.of(5)));
  const data: ProtectedData = {
    ...DATA,
    recipients: [{ kind: 'certificate', issuerAndSerialNumber, encryptedKey: bytes(256) }],
  };
  expect(await decodeProtectedData(await encodeProtectedData(data))).toEqual(data);
});

test('every cut, and a byte more, is refused with a place', async () => {
  for (let length = 0; length < DER.length; length++)
    await expect(decodeProtectedData(DER.subarray(0, length))).rejects.toBeInstanceOf(
      BlobFormatError,
    );
  await expect(decodeProtectedData(concatBytes(DER, bytes(1)))).rejects.toMatchObject({
    code: 'BLOB_MALFORMED',
    field: 'end',
  });
});

test('what one bit makes of it is refused, or written again as it is', async () => {
  for (let bit = 0; bit < 8 * DER.length; bit += 29) {
    const flipped = DER.with(bit >> 3, DER[bit >> 3]! ^ (1 << (bit & 7)));
    const again = await decodeProtectedData(flipped).then(encodeProtectedData, (error: unknown) => {
      expect(error).toBeInstanceOf(BlobFormatError);
      return flipped;
    });
    expect(toHex(again)).toBe(toHex(flipped));
  }
});

test.each([
  ['a nonce of another length', { nonce: bytes(11) }],
  ['a ciphertext shorter than its tag', { ciphertext: bytes(15) }],
  [
    'a wrapped key of another length',
    { recipients: [{ ...condition('S-1'), encryptedKey: bytes(24) }] },
  ],
  [
    'a certificate without a name',
    { recipients: [{ kind: 'certificate' as const, encryptedKey: bytes(256) }] },
  ],
])('%s is not written', async (_name, change) => {
  await expect(encodeProtectedData({ ...DATA, ...change })).rejects.toMatchObject({
    code: 'PARAMETER_INVALID',
  });
});

test('another cipher is of an unsupported algorithm', async () => {
  const gcm = fromHex('60864801650304012e')!;
  const at = toHex(DER).indexOf(toHex(gcm)) / 2 + gcm.length - 1;
  await expect(decodeProtectedData(DER.with(at, 0x2a))).rejects.toMatchObject({
    code: 'BLOB_ALGORITHM_UNSUPPORTED',
    field: 'contentEncryptionAlgorithm',
  });
});

describe('of a mebibyte made to take long', () => {
  const MEBIBYTE = 1 << 20;
  /** Values around values, each five bytes shorter than the one around it. */
  const nested = (tag: number): Uint8Array => {
    const levels = new Uint8Array(MEBIBYTE);
    for (let at = 0, left = MEBIBYTE - 5; left > 5; at += 5, left -= 5)
      levels.set([tag, 0x83, left >> 16, (left >> 8) & 0xff, left & 0xff], at);
    return levels;
  };
  const cut = (der: Uint8Array): Uint8Array => tlv(0x30, der.subarray(0, MEBIBYTE - 5));
  const pairs = new Uint8Array(MEBIBYTE).map((_, index) => (index % 2 === 0 ? 5 : 0));
  const garbage = new Uint8Array(MEBIBYTE).map((_, index) => [4, 4, 0x30, 2, 5, 1][index % 6]!);

  test.each([
    ['values', cut(pairs)],
    ['zeros', cut(new Uint8Array(MEBIBYTE))],
    ['values in a string', tlv(0x30, tlv(0x04, pairs))],
    ['values in a bit string', tlv(0x30, tlv(0x03, Uint8Array.of(0), pairs))],
    ['strings that hold no DER', cut(garbage)],
    ['sequences in sequences', tlv(0x30, nested(0x30))],
    ['strings in strings', tlv(0x30, nested(0x04))],
  ])('%s are refused in a quarter of a second', async (_name, der) => {
    const spent = startCpuClock();
    await expect(decodeProtectedData(der)).rejects.toBeInstanceOf(BlobFormatError);
    expect(spent()).toBeLessThan(250);
  });

  test('a secret of that size is read', async () => {
    const data: ProtectedData = { ...DATA, ciphertext: bytes(MEBIBYTE) };
    const der = await encodeProtectedData(data);
    const spent = startCpuClock();
    const { ciphertext } = await decodeProtectedData(der);
    expect(spent()).toBeLessThan(250);
    expect(ciphertext).toHaveLength(MEBIBYTE);
  });
});

interface Vector {
  readonly name: string;
  readonly hex?: string;
  readonly protected_blob?: string;
  readonly descriptor?: string;
}

describeShared('blobs of NCryptProtectSecret', () => {
  const { vectors } = sharedJson('vectors/dpapi-ng.json') as { vectors: Vector[] };
  const blobs = vectors.filter(
    ({ name, protected_blob }) => protected_blob ?? name.endsWith('_blob'),
  );

  test('there are fifteen', () => {
    expect(blobs).toHaveLength(15);
  });

  test.each(blobs)('$name says who opens it, and is written as it was read', async (vector) => {
    const blob = fromHex(vector.protected_blob ?? vector.hex!)!;
    const data = await decodeProtectedData(blob);
    expect(toHex(await encodeProtectedData(data))).toBe(toHex(blob));
    expect(data.content).toBe(vector.protected_blob === undefined ? 'after' : 'inside');
    const text = textOf(data.recipients);
    expect(text).toBe(vector.descriptor ?? text);
    expect(text).toMatch(/^(?:SID|SDDL|LOCAL|CERTIFICATE)=/u);
  });
});

/** A rule string as people write it. */
function textOf(recipients: readonly ProtectedDataRecipient[], joint = ' OR '): string {
  return recipients
    .map((recipient) => {
      if (recipient.kind === 'all-of') return textOf(recipient.recipients, ' AND ');
      if (recipient.kind === 'certificate')
        return `CERTIFICATE=HashID:${toHex(recipient.thumbprint!).toUpperCase()}`;
      return `${recipient.condition.name!}=${recipient.condition.value!}`;
    })
    .join(joint);
}
