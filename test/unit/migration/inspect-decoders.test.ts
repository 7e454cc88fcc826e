/** Every format that keycask has a decoder for is a row of inspect's table, or is named here with the reason. */
import { describe, expect, test } from 'vitest';
import { inspect } from '../../../lib/migration/inspect.ts';
import { DECODERS } from '../../support/decoders/index.ts';

/** What is never a file of its own, and has nothing by which it could be told. */
const PARTS_ONLY = new Set([
  // CNG names these by their type; their bytes are ciphertext.
  'Rfc3565KeyWrapBlob',
  'OpaqueTransport',
  'OpaqueKeyBlob',
  // Inside records, trust lists, checkpoints, key files and encrypted files.
  'Checkpoint',
  'MapNode',
  'keycask-metadata',
  'stream header',
  'TrustList',
  'KeyFacts',
  // Inside DPAPI's files, most of them under encryption.
  'domain key section',
  'EncryptedSecret of a domain, version 2',
  'EncryptedSecret of a domain, version 3',
  'AccessCheck',
  'Rc4EncryptedPayload',
  'CNG properties',
  'ProtectionDescriptor',
]);

/** Some samples of these are too small, or too odd, to be told without their names. */
const SOME = new Set(['CREDHIST', 'domain backup key', 'key pair']);

describe('inspect knows the samples of', () => {
  const whole = DECODERS.filter(({ name }) => !PARTS_ONLY.has(name));

  test.each(whole)('$name', (decoder) => {
    const states = decoder.samples().map((sample) => inspect(sample).state);
    const known = states.filter((state) => state === 'read' || state === 'recognised');
    const wanted = SOME.has(decoder.name) ? Math.min(1, states.length) : states.length;
    expect(known.length).toBeGreaterThanOrEqual(wanted);
  });

  test('nothing that only lies in other formats', () => {
    const names = DECODERS.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...PARTS_ONLY, ...SOME]));
    const parts = DECODERS.filter(({ name }) => PARTS_ONLY.has(name));
    const states = parts.flatMap((decoder) => decoder.samples().map((part) => inspect(part).state));
    expect(new Set(states)).toEqual(new Set(['unknown']));
  });
});
