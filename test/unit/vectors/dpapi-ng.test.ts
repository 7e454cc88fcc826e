/** What NCryptProtectSecret protected, and the structures of domain controllers, through keycask/legacy. */
import { expect } from 'vitest';
import { toHex } from '../../../lib/bytes/octets.ts';
import {
  decodeEcdhKey,
  decodeFfcDhKey,
  decodeFfcDhParameters,
  decodeGroupKeyEnvelope,
  decodeProtectedData,
  encodeEcdhKey,
  encodeFfcDhKey,
  encodeFfcDhParameters,
  encodeGroupKeyEnvelope,
  encodeProtectedData,
  formatProtectionRule,
  openProtectedSecret,
  parseProtectionRule,
  protectionRuleOf,
} from '../../../lib/legacy/index.ts';
import { describeSharedVectors, type Verdict } from '../../support/account.ts';
import { hex, revealed } from '../../support/bytes.ts';

interface Vector {
  readonly name: string;
  readonly root_key?: {
    readonly RootKeyId: string;
    readonly KdfAlgorithm: string;
    readonly KdfParameters: string;
    readonly SecretAgreementAlgorithm: string;
    readonly SecretAgreementParameters: string;
    readonly PrivateKeyLength: number;
    readonly PublicKeyLength: number;
    readonly RootKeyData: string;
  };
  readonly protected_blob?: string;
  readonly descriptor?: string;
  readonly plaintext?: string;
  readonly hex?: string;
}

describeSharedVectors<Vector>('dpapi-ng.json', async (vector): Promise<Verdict> => {
  if (vector.root_key !== undefined) return await judgeOpened(vector);
  const digits = vector.protected_blob ?? vector.hex!;
  const structure = STRUCTURES[vector.name];
  if (structure !== undefined) {
    expect(toHex(structure(hex(digits)))).toBe(digits.toLowerCase());
    return { passed: 'structures read and written back' };
  }
  const data = await decodeProtectedData(hex(digits));
  expect(toHex(await encodeProtectedData(data))).toBe(digits.toLowerCase());
  const rule = formatProtectionRule(protectionRuleOf(data.recipients));
  expect(rule).toBe(vector.descriptor ?? rule);
  expect(parseProtectionRule(rule)).toEqual(protectionRuleOf(data.recipients));
  return { passed: 'blobs without their keys, read down to the rule' };
});

async function judgeOpened(vector: Vector): Promise<Verdict> {
  const rootKey = vector.root_key!;
  const secret = await openProtectedSecret(hex(vector.protected_blob!), {
    rootKeys: [
      {
        rootKeyId: rootKey.RootKeyId,
        kdfAlgorithm: rootKey.KdfAlgorithm,
        kdfParameters: hex(rootKey.KdfParameters),
        secretAgreementAlgorithm: rootKey.SecretAgreementAlgorithm,
        secretAgreementParameters: hex(rootKey.SecretAgreementParameters),
        privateKeyLength: rootKey.PrivateKeyLength,
        publicKeyLength: rootKey.PublicKeyLength,
        key: hex(rootKey.RootKeyData),
      },
    ],
  });
  expect(revealed(secret)).toBe(vector.plaintext);
  return { passed: 'blobs opened with the root key of their forest' };
}

const STRUCTURES: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  ecdh_key: (bytes) => encodeEcdhKey(decodeEcdhKey(bytes)),
  ffc_dh_key: (bytes) => encodeFfcDhKey(decodeFfcDhKey(bytes)),
  ffc_dh_parameters: (bytes) => encodeFfcDhParameters(decodeFfcDhParameters(bytes)),
  group_key_envelope: (bytes) => encodeGroupKeyEnvelope(decodeGroupKeyEnvelope(bytes)),
};
