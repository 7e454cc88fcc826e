/** One encoding for each record: what is not exactly it is refused, whoever signed it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { copyBytes, equalBytes, toHex } from '../../../lib/bytes/octets.ts';
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
import { hex } from '../../support/bytes.ts';
import { misspelt, parseDer, writeDer, writeTlv } from '../../support/der-tree.ts';
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

/**
 * `refused`; `another value` where one attribute or recipient fewer is a record of its own, which then has to be canonical itself;
 * anything else is wrong.
 */
function outcome(bytes: Uint8Array, sample: SampleRecord, refused: RegExp): string {
  const code = codeOf(() => verifyKeyRecord(bytes, pinned(sample.signer)));
  if (refused.test(code)) return 'refused';
  if (code !== 'none') return code;
  return equalBytes(reencoded(bytes, sample), bytes) ? 'another value' : 'accepted';
}

class Outcomes {
  refused = 0;
  readonly wrong: string[] = [];

  add(what: string, result: string): void {
    if (result === 'refused') this.refused += 1;
    else if (result !== 'another value') this.wrong.push(`${what}: ${result}`);
  }
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
    const accepted: number[] = [];
    for (let length = 0; length < bytes.length; length++)
      if (codeOf(() => verifyKeyRecord(bytes.subarray(0, length), options)) !== 'BLOB_MALFORMED')
        accepted.push(length);
    expect(accepted).toEqual([]);
    for (const tail of [[0], [0, 0], [5, 0], [...bytes]]) {
      const longer = Uint8Array.from([...bytes, ...tail]);
      expect(codeOf(() => verifyKeyRecord(longer, options))).toBe('BLOB_MALFORMED');
    }
  });

  it('is refused in any other spelling of its unsigned parts', () => {
    const tally = new Outcomes();
    for (const { what, bytes } of misspelt(sample.bytes))
      tally.add(what, outcome(bytes, sample, REFUSED_OUTSIDE));
    expect(tally.wrong).toEqual([]);
    expect(tally.refused).toBeGreaterThan(200);
  });

  it('is refused in any other spelling of its signed parts, even by the owner himself', async () => {
    const { type, content, metadata } = decoded(sample);
    const base = { type, content, signingTime: NOW, metadata: metadata! };
    const variants = [...misspelt(metadata!)].map(({ what, bytes }) => ({
      what: `metadata with ${what}`,
      message: { ...base, metadata: bytes },
    }));
    if (type === 'contentInfo')
      for (const { what, bytes } of misspelt(content))
        variants.push({ what: `content with ${what}`, message: { ...base, content: bytes } });
    const tally = new Outcomes();
    for (const { what, message } of variants) {
      const record = await signedMessage(sample.signer, message);
      tally.add(what, outcome(record, sample, REFUSED));
    }
    expect(tally.wrong).toEqual([]);
    expect(tally.refused).toBeGreaterThan(60);
  });
});

describe('signed attributes', () => {
  it('are refused in any other spelling, even by the owner himself', async () => {
    const sample = await sampleRecord('P-256');
    const { signer } = sample;
    const { type, content, scheme, signedAttributes } = decoded(sample);
    const tally = new Outcomes();
    for (const { what, bytes } of misspelt(signedAttributes)) {
      if (bytes[0] !== 0x31) continue;
      const signature = await signer.sign(ToBeSigned.signedAttributes(scheme, bytes));
      const parts = { type, content, signer, scheme, signedAttributes: bytes, signature };
      tally.add(what, outcome(encodeSignedData(parts), sample, REFUSED));
    }
    expect(tally.wrong).toEqual([]);
    expect(tally.refused).toBeGreaterThan(50);
  });

  it('are refused where two of them say the same of different values', async () => {
    const { signer, ...sample } = await sampleRecord('P-256');
    const { type, content, metadata } = decoded({ ...sample, signer });
    const one = { type, content, signingTime: NOW, metadata: metadata! };
    const sets = [
      (await signatureOf(signer, one)).signedAttributes,
      (await signatureOf(signer, { ...one, signingTime: new Date(0) })).signedAttributes,
    ];
    const attributes = sets.flatMap((set) => parseDer(set)[0]!.children!.map(writeDer));
    const members = [...new Set(attributes.map(toHex))].toSorted().map((digits) => hex(digits));
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
