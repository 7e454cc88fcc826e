/** One encoding for each record: what is not exactly it is refused, whoever signed it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { copyBytes } from '../../../lib/bytes/octets.ts';
import {
  decodeAuthEnvelopedData,
  encodeAuthEnvelopedData,
} from '../../../lib/cms/auth-enveloped-data.ts';
import { decodeKeyMetadata, encodeKeyMetadata } from '../../../lib/cms/metadata.ts';
import {
  decodeSignedData,
  encodeSignedAttributes,
  encodeSignedData,
  type SignedMessage,
} from '../../../lib/cms/signed-data.ts';
import { ToBeSigned } from '../../../lib/contracts/to-be-signed.ts';
import { signatureOf, signedMessage } from '../../../lib/messages/sign-message.ts';
import { openKeyRecord } from '../../../lib/records/open.ts';
import { verifyKeyRecord } from '../../../lib/records/verify.ts';
import { misspelt, parseDer } from '../../support/der-tree.ts';
import { codeOf } from '../../support/errors.ts';
import {
  NOW,
  pinned,
  RECORD_KINDS,
  sampleRecord,
  type SampleRecord,
} from '../../support/sample-records.ts';

const REFUSED = /^BLOB_(MALFORMED|VERSION_UNSUPPORTED|ALGORITHM_UNSUPPORTED)$/;
const REFUSED_OUTSIDE =
  /^BLOB_(MALFORMED|VERSION_UNSUPPORTED|ALGORITHM_UNSUPPORTED|SIGNER_NOT_TRUSTED|SIGNATURE_INVALID)$/;

function decoded({ bytes, signer }: Pick<SampleRecord, 'bytes' | 'signer'>): SignedMessage {
  return decodeSignedData(bytes, ['contentInfo', 'keyBlob'], () => signer).message;
}

/** Decoded to its last field, and written again. */
function reencoded(bytes: Uint8Array, { signer }: SampleRecord): Uint8Array {
  const message = decoded({ bytes, signer });
  const { type, scheme, signature } = message;
  const metadata = encodeKeyMetadata(decodeKeyMetadata(message.metadata!));
  const content =
    type === 'contentInfo'
      ? encodeAuthEnvelopedData(decodeAuthEnvelopedData(message.content))
      : message.content;
  const signedAttributes = encodeSignedAttributes({ ...message, metadata });
  return encodeSignedData({ type, content, signer, scheme, signedAttributes, signature });
}

describe.each(RECORD_KINDS)('a record of %s', (kind) => {
  let sample: SampleRecord;
  beforeAll(async () => {
    sample = await sampleRecord(kind);
  });

  it('is, byte for byte, the encoding of what was decoded from it', () => {
    expect(reencoded(sample.bytes, sample)).toEqual(sample.bytes);
  });

  it('is refused with every bit flipped, one at a time', () => {
    const { bytes, signer } = sample;
    const options = pinned(signer);
    verifyKeyRecord(bytes, options);
    const accepted: number[] = [];
    const flipped = copyBytes(bytes);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const code = codeOf(() => verifyKeyRecord(flipped, options));
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      if (!REFUSED_OUTSIDE.test(code)) accepted.push(bit);
    }
    expect(accepted).toEqual([]);
  });

  it('is refused at every shorter length, and with anything after it', () => {
    const { bytes, signer } = sample;
    const options = pinned(signer);
    for (let length = 0; length < bytes.length; length++) {
      const code = codeOf(() => verifyKeyRecord(bytes.subarray(0, length), options));
      expect(code, `the first ${length} bytes`).toBe('BLOB_MALFORMED');
    }
    for (const tail of [[0], [0, 0], [5, 0], [...bytes]]) {
      const longer = Uint8Array.from([...bytes, ...tail]);
      expect(codeOf(() => verifyKeyRecord(longer, options))).toBe('BLOB_MALFORMED');
    }
  });

  it('is refused in any other spelling of its unsigned parts', () => {
    const { bytes, signer } = sample;
    const options = pinned(signer);
    let count = 0;
    for (const { what, bytes: other } of misspelt(bytes)) {
      count += 1;
      expect(
        codeOf(() => verifyKeyRecord(other, options)),
        what,
      ).toMatch(REFUSED_OUTSIDE);
    }
    expect(count).toBeGreaterThan(200);
  });

  it('is refused in any other spelling of its signed parts, even by the owner himself', async () => {
    const { signer } = sample;
    const options = pinned(signer);
    const { type, content, metadata } = decoded(sample);
    const base = { type, content, signingTime: NOW, metadata: metadata! };
    verifyKeyRecord(await signedMessage(signer, base), options);
    const variants = [...misspelt(metadata!)].map(({ what, bytes }) => ({
      what: `metadata with ${what}`,
      message: { ...base, metadata: bytes },
      again: () => encodeKeyMetadata(decodeKeyMetadata(bytes)),
      bytes,
    }));
    if (type === 'contentInfo')
      for (const { what, bytes } of misspelt(content))
        variants.push({
          what: `content with ${what}`,
          message: { ...base, content: bytes },
          again: () => encodeAuthEnvelopedData(decodeAuthEnvelopedData(bytes)),
          bytes,
        });
    let refused = 0;
    for (const { what, message, again, bytes } of variants) {
      const record = await signedMessage(signer, message);
      const code = codeOf(() => verifyKeyRecord(record, options));
      if (code !== 'none') refused += 1;
      // One attribute or recipient fewer is another value, not another spelling; then it has to be canonical itself.
      if (code === 'none') expect(again(), what).toEqual(bytes);
      else expect(code, what).toMatch(REFUSED);
    }
    expect(refused).toBeGreaterThan(60);
  });
});

describe('signed attributes', () => {
  it('are refused in any other spelling, even by the owner himself', async () => {
    const sample = await sampleRecord('P-256');
    const { signer, bytes } = sample;
    const { type, content, scheme, signedAttributes } = decoded(sample);
    expect(parseDer(bytes)).toHaveLength(1);
    let count = 0;
    for (const { what, bytes: other } of misspelt(signedAttributes)) {
      if (other[0] !== 0x31) continue;
      count += 1;
      const signature = await signer.sign(ToBeSigned.signedAttributes(scheme, other));
      const parts = { type, content, signer, scheme, signedAttributes: other, signature };
      const forged = encodeSignedData(parts);
      const code = codeOf(() => verifyKeyRecord(forged, pinned(signer)));
      if (code === 'none') expect(reencoded(forged, sample), what).toEqual(forged);
      else expect(code, what).toMatch(REFUSED);
    }
    expect(count).toBeGreaterThan(50);
  });

  it('are refused where two of them say the same of different values', async () => {
    const { signer, ...sample } = await sampleRecord('P-256');
    const { type, content, metadata } = decoded({ ...sample, signer });
    const one = { type, content, signingTime: NOW, metadata: metadata! };
    const both = [
      (await signatureOf(signer, one)).signedAttributes,
      (await signatureOf(signer, { ...one, signingTime: new Date(0) })).signedAttributes,
    ].flatMap((set) => parseDer(set)[0]!.children!.map((node) => ({ node })));
    const { writeDer, writeTlv } = await import('../../support/der-tree.ts');
    const members = [
      ...new Set(both.map(({ node }) => Buffer.from(writeDer(node)).toString('hex'))),
    ]
      .map((hex) => Buffer.from(hex, 'hex'))
      .sort(Buffer.compare);
    expect(members).toHaveLength(5);
    const signedAttributes = writeTlv(0x31, Uint8Array.from(Buffer.concat(members)));
    const { scheme } = signer;
    const signature = await signer.sign(ToBeSigned.signedAttributes(scheme, signedAttributes));
    const forged = encodeSignedData({ type, content, signer, scheme, signedAttributes, signature });
    expect(codeOf(() => verifyKeyRecord(forged, pinned(signer)))).toBe('BLOB_MALFORMED');
  });
});

describe("a caller's buffer", () => {
  it('is not written to, be it a Uint8Array or a Buffer', async () => {
    const { bytes, signer } = await sampleRecord('P-256');
    const buffer = Buffer.from(bytes);
    for (let round = 0; round < 2; round++) verifyKeyRecord(buffer, pinned(signer));
    expect(Uint8Array.from(buffer)).toEqual(bytes);
  });

  it('can be used again while the verified record is still open', async () => {
    const { bytes, key, signer, openers } = await sampleRecord('P-256');
    const buffer = Buffer.from(bytes);
    const record = verifyKeyRecord(buffer, pinned(signer));
    buffer.fill(0);
    using opened = await openKeyRecord(record, openers);
    expect(opened.bytes).toEqual(key);
    expect(record.parts.bytes).toEqual(bytes);
  });
});
