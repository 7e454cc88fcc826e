/** diagnose against bytes that nobody checked: it answers, whatever they are and whatever was said of them. */
import * as fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import process from 'node:process';
import { expect, test } from 'vitest';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { encodePlaintextKeyBlob } from '../../lib/blobs/plaintext-key-blob.ts';
import { plainBytes } from '../../lib/bytes/octets.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { wrapSimpleBlob } from '../../lib/legacy/simple-blob.ts';
import { diagnose } from '../../lib/migration/diagnose.ts';
import { oldKey } from '../support/diagnosing.ts';

const SLOW = process.env['SLOW'] === '1';
const NUM_RUNS = SLOW ? 20_000 : 300;
const TIMEOUT = SLOW ? 1_800_000 : 180_000;

const ours = oldKey();
const BLOBS = [
  wrapSimpleBlob(ours.privateKey, {
    algId: ALG_ID.CALG_RC4,
    key: SecretBytes.random(5),
  }),
  encodePlaintextKeyBlob({ algId: ALG_ID.CALG_DES, key: plainBytes(randomBytes(8)) }),
  ours.blob,
];

test(
  'random bytes, and blobs that were changed, are answered',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 200 }),
          fc
            .tuple(
              fc.constantFrom(...BLOBS),
              fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 6 }),
              fc.nat(700),
            )
            .map(([blob, changes, length]) => {
              const bytes = Uint8Array.from(blob.subarray(0, length));
              for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
              return bytes;
            }),
        ),
        fc.string({ maxLength: 40 }),
        async (bytes, symptom) => {
          const diagnosis = await diagnose({ bytes: Uint8Array.from(bytes), symptom, path: 'any' });
          expect(['opened', 'closed', 'damaged', 'nothing-to-open']).toContain(diagnosis.outcome);
        },
      ),
      { numRuns: NUM_RUNS },
    );
  },
  TIMEOUT,
);
