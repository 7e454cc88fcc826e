/** Exact bytes of the record format: test/vectors/README.md says where they come from. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../lib/bytes/octets.ts';
import { decodeKeyMetadata, withoutBind } from '../../../lib/cms/metadata.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { checkCommitment, encodeBoundMetadata } from '../../../lib/records/commitment.ts';
import { openKeyRecord } from '../../../lib/records/open.ts';
import { verifyKeyRecord } from '../../../lib/records/verify.ts';
import { readAnnotated } from '../../support/annotated-der.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf } from '../../support/errors.ts';
import { exchangeKeyOf } from '../../support/exchange-key.ts';
import { pinned, secretOf } from '../../support/sample-records.ts';
import {
  knownRecords,
  RSA_KEY,
  VECTOR_PASSWORD,
  vectorSigner,
} from '../../vectors/known-records.ts';

const vector = (name: string) =>
  readFileSync(new URL(`../../vectors/${name}`, import.meta.url), 'utf8');

interface CommitmentAnswer {
  readonly comment: string;
  readonly keyInput: string;
  readonly recordId: string;
  readonly algorithm: number;
  readonly effectiveBits: number;
  readonly notAfter: string | null;
  readonly attributes: readonly [string, string][];
  readonly signerSpki: string;
  readonly metadataWithoutBind: string;
  readonly commitment: string;
  readonly bind: string;
}
const { tests: commitments } = JSON.parse(vector('commitment.json')) as {
  readonly tests: readonly CommitmentAnswer[];
};

describe('commitment and bind', () => {
  it.each(commitments)('are those that Python computes: $comment', (answer) => {
    const input = hex(answer.keyInput);
    // HKDF's input for a key that could be searched for: content-encryption key, then session key.
    const split = input.length > 32 ? 32 : 0;
    using sessionKey = SecretBytes.copy(input.subarray(split));
    using contentKey = SecretBytes.copy(input.subarray(0, split));
    const signer = { publicKey: hex(answer.signerSpki) };
    const der = encodeBoundMetadata(
      { sessionKey, contentKey },
      {
        recordId: hex(answer.recordId),
        recordVersion: 3,
        label: 'reports',
        purpose: 'files',
        algorithm: answer.algorithm,
        effectiveBits: answer.effectiveBits,
        created: new Date('2026-09-21T14:13:20Z'),
        ...(answer.notAfter && { notAfter: new Date('2031-01-01T00:00:00Z') }),
        storeId: Uint8Array.from({ length: 16 }, (_, i) => 0x20 + i),
        provenance: 'generated',
        attributes: answer.attributes,
      },
      signer.publicKey,
    );
    const metadata = decodeKeyMetadata(der);
    expect(toHex(withoutBind(der))).toBe(answer.metadataWithoutBind);
    expect(toHex(metadata.commitment!)).toBe(answer.commitment);
    expect(toHex(metadata.bind!)).toBe(answer.bind);
    const record = { metadata, metadataDer: der, signer };
    expect(codeOf(() => checkCommitment({ sessionKey, contentKey }, record))).toBe('none');
  });
});

describe('a known record', async () => {
  const records = await knownRecords();

  it.each(records)('$name is written byte for byte', ({ name, bytes }) => {
    expect(toHex(bytes)).toBe(toHex(readAnnotated(vector(`record-${name}.txt`))));
  });

  it.each(records)('$name is read from its file, verified and opened', async (known) => {
    const bytes = readAnnotated(vector(`record-${known.name}.txt`));
    const signer = await vectorSigner();
    const spki = signer.publicKey;
    const exchangeKeys = [await exchangeKeyOf({ privateKey: RSA_KEY, spki })];
    const record = verifyKeyRecord(bytes, pinned(signer));
    using key = await openKeyRecord(record, { exchangeKeys, password: secretOf(VECTOR_PASSWORD) });
    expect(key.bytes).toEqual(known.sessionKey);
  });
});
