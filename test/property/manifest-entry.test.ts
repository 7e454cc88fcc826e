/** Laws of the manifest's entries and lines, for any content. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlobFormatError, KeyStoreError } from '../../lib/errors.ts';
import {
  decodeManifestEntry,
  signManifestEntry,
  type ManifestChange,
} from '../../lib/stores/manifest/manifest-entry.ts';
import { decodeManifestLine, encodeManifestLine } from '../../lib/stores/manifest/manifest-line.ts';
import { testIdentity } from '../support/signing-identity.ts';

const RUNS = process.env.SLOW ? 5000 : 100;
const me = await testIdentity();
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const id = bytes(16).map((value) => Buffer.from(value).toString('hex'));
const version = fc.integer({ min: 1, max: 0xffffffff });
const label = fc
  .string({ unit: 'grapheme', maxLength: 40 })
  .filter((text) => !/\p{Cc}/u.test(text) && Buffer.byteLength(text) <= 255);
const record = { id, version, sha256: bytes(32), label };
const records = fc.uniqueArray(fc.record(record), {
  minLength: 2,
  maxLength: 8,
  selector: (one) => one.id,
});
const change: fc.Arbitrary<ManifestChange> = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), ...record }),
  fc.record({ kind: fc.constant('puts' as const), records }),
  fc.record({ kind: fc.constant('delete' as const), id, version }),
  fc.record({ kind: fc.constant('trust' as const), version, sha256: bytes(32) }),
);
const content = fc.record({
  storeId: bytes(16),
  index: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
  prev: bytes(32),
  change,
});
const time = fc.date({
  min: new Date('2000-01-01'),
  max: new Date('2120-01-01'),
  noInvalidDate: true,
});

describe('manifest entries', () => {
  it('read back as they were written', async () => {
    const law = fc.asyncProperty(content, time, async (fields, at) => {
      const entry = await signManifestEntry(me, { ...fields, signerKeyId: me.keyId }, at);
      expect(entry).toMatchObject({ ...fields, signerKeyId: me.keyId });
      expect(entry.signingTime.getTime()).toBe(Math.floor(at.getTime() / 1000) * 1000);
      const line = encodeManifestLine(entry.der);
      expect(line.split('\n')).toHaveLength(3);
      expect(decodeManifestLine(line.trim())).toEqual(entry);
    });
    await fc.assert(law, { numRuns: RUNS });
  });

  it('are torn lines when they are cut anywhere, and never entries', async () => {
    const law = fc.asyncProperty(content, fc.nat(), async (fields, cut) => {
      const entry = await signManifestEntry(me, { ...fields, signerKeyId: me.keyId }, new Date(0));
      const line = encodeManifestLine(entry.der).trim();
      expect(decodeManifestLine(line.slice(0, 1 + (cut % (line.length - 1))))).toBeUndefined();
    });
    await fc.assert(law, { numRuns: RUNS });
  });

  it('refuse other bytes with a BlobFormatError', () => {
    const law = fc.property(fc.uint8Array({ maxLength: 400 }), (other) => {
      expect(() => decodeManifestEntry(other)).toThrow(BlobFormatError);
    });
    fc.assert(law, { numRuns: RUNS });
  });

  it('are not mistaken for other lines, which are torn or damage', () => {
    const law = fc.property(fc.string({ maxLength: 400 }), (line) => {
      expect(['torn', 'MANIFEST_DAMAGED']).toContain(kindOf(line));
    });
    fc.assert(law, { numRuns: RUNS });
  });
});

function kindOf(line: string): string {
  try {
    return decodeManifestLine(line) ? 'entry' : 'torn';
  } catch (error) {
    return KeyStoreError.is(error) ? error.code : String(error);
  }
}
