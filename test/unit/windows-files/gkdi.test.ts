/** The structures of group keys, read from what domain controllers wrote. */
import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../../lib/bytes/octets.ts';
import { BlobFormatError } from '../../../lib/errors.ts';
import { decodeEcdhKey, encodeEcdhKey } from '../../../lib/windows-files/ecdh-key.ts';
import {
  decodeFfcDhKey,
  decodeFfcDhParameters,
  encodeFfcDhKey,
  encodeFfcDhParameters,
} from '../../../lib/windows-files/ffc-dh.ts';
import {
  decodeGroupKeyEnvelope,
  encodeGroupKeyEnvelope,
} from '../../../lib/windows-files/group-key-envelope.ts';
import {
  decodeGroupKeyIdentifier,
  encodeGroupKeyIdentifier,
  isPublicKeyIdentifier,
} from '../../../lib/windows-files/group-key-identifier.ts';
import {
  decodeKdfParameters,
  encodeKdfParameters,
} from '../../../lib/windows-files/kdf-parameters.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';

const IDENTIFIER = {
  flags: 2,
  l0: 361,
  l1: 17,
  l2: 13,
  rootKeyId: '2491e5f1-c935-27c4-22ba-b85f61b24768',
  keyInfo: new Uint8Array(32).fill(7),
  domain: 'domain.test',
  forest: 'forest.test',
};

test('a key identifier has an interval, a root key, key information and two names', () => {
  const bytes = encodeGroupKeyIdentifier(IDENTIFIER);
  expect(decodeGroupKeyIdentifier(bytes)).toEqual(IDENTIFIER);
  expect(isPublicKeyIdentifier(IDENTIFIER)).toBe(false);
  expect(isPublicKeyIdentifier({ flags: 3 })).toBe(true);
});

test.each([
  ['version', 0],
  ['magic', 4],
  ['L0', 15],
  ['L1', 16],
  ['L2', 20],
  ['cbKeyInfo', 43],
  ['cbDomain', 44],
])('a key identifier with another %s is refused there', (field, at) => {
  const bytes = encodeGroupKeyIdentifier(IDENTIFIER);
  expect(() => decodeGroupKeyIdentifier(bytes.with(at, 0xff))).toThrow(
    expect.objectContaining({ code: 'BLOB_MALFORMED', field }) as Error,
  );
});

test('a root key is named by a GUID', () => {
  expect(() => encodeGroupKeyIdentifier({ ...IDENTIFIER, rootKeyId: 'root' })).toThrow(
    expect.objectContaining({ code: 'PARAMETER_INVALID' }) as Error,
  );
});

test('the name of a hash is kept as it is written', () => {
  const bytes = encodeKdfParameters('SHA256');
  expect(toHex(bytes)).toBe('00000000010000000e000000000000005300480041003200350036000000');
  expect(decodeKdfParameters(bytes)).toBe('SHA256');
});

test('a point of another length than its curve has is refused both ways', () => {
  const point = { curve: 'P-521', x: new Uint8Array(66), y: new Uint8Array(66) } as const;
  expect(decodeEcdhKey(encodeEcdhKey(point))).toEqual(point);
  expect(() => encodeEcdhKey({ ...point, x: new Uint8Array(65) })).toThrow(
    expect.objectContaining({ code: 'PARAMETER_INVALID' }) as Error,
  );
  expect(() => decodeEcdhKey(encodeEcdhKey(point).with(0, 0x46))).toThrow(BlobFormatError);
});

interface Vector {
  readonly name: string;
  readonly hex?: string;
  readonly root_key?: {
    readonly KdfParameters: string;
    readonly SecretAgreementParameters: string;
  };
}

describeShared('structures of domain controllers', () => {
  const { vectors } = sharedJson('vectors/dpapi-ng.json') as { vectors: Vector[] };
  const bytesOf = (name: string) => fromHex(vectors.find((vector) => vector.name === name)!.hex!)!;

  test('an envelope keeps its keys to itself', () => {
    const bytes = bytesOf('group_key_envelope');
    using envelope = decodeGroupKeyEnvelope(bytes);
    expect(toHex(encodeGroupKeyEnvelope(envelope))).toBe(toHex(bytes));
    expect(envelope).toMatchObject({ l0: 361, l1: 17, l2: 8, kdfAlgorithm: 'SP800_108_CTR_HMAC' });
    expect(envelope).toMatchObject({ privateKeyLength: 512, publicKeyLength: 2048 });
    expect(envelope.secretAgreementAlgorithm).toBe('DH');
    expect([envelope.l1Key.length, envelope.l2Key.length]).toEqual([64, 64]);
    const shown = JSON.stringify(envelope);
    expect(shown).toContain('"l1Key":"[secret]","l2Key":"[secret]"');
    const key = envelope.l2Key;
    envelope[Symbol.dispose]();
    expect(key.every((byte) => byte === 0)).toBe(true);
  });

  test.each([
    ['ffc_dh_parameters', (b: Uint8Array) => encodeFfcDhParameters(decodeFfcDhParameters(b))],
    ['ffc_dh_key', (b: Uint8Array) => encodeFfcDhKey(decodeFfcDhKey(b))],
    ['ecdh_key', (b: Uint8Array) => encodeEcdhKey(decodeEcdhKey(b))],
    ['group_key_envelope', (b: Uint8Array) => encodeGroupKeyEnvelope(decodeGroupKeyEnvelope(b))],
  ])('%s is written as it was read, and refused when cut', (name, again) => {
    const bytes = bytesOf(name);
    expect(toHex(again(bytes))).toBe(toHex(bytes));
    for (let length = 0; length < bytes.length; length++)
      expect(() => again(bytes.subarray(0, length))).toThrow(BlobFormatError);
    expect(() => again(Uint8Array.of(...bytes, 0))).toThrow(BlobFormatError);
  });

  test('parameters of all eight root keys are written as they were read', () => {
    const rootKeys = vectors.flatMap(({ root_key: rootKey }) => rootKey ?? []);
    expect(rootKeys).toHaveLength(8);
    for (const rootKey of rootKeys) {
      const kdf = fromHex(rootKey.KdfParameters)!;
      expect(toHex(encodeKdfParameters(decodeKdfParameters(kdf)))).toBe(toHex(kdf));
      const agreement = fromHex(rootKey.SecretAgreementParameters)!;
      if (agreement.length === 0) continue;
      expect(toHex(encodeFfcDhParameters(decodeFfcDhParameters(agreement)))).toBe(toHex(agreement));
    }
  });
});
