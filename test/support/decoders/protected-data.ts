/** Decoders of DPAPI-NG's CMS. */
import {
  decodeProtectedData,
  encodeProtectedData,
  type ProtectedData,
  type ProtectedDataRecipient,
} from '../../../lib/cms/protected-data.ts';
import {
  decodeCondition,
  encodeCondition,
  makeCondition,
} from '../../../lib/cms/protection-condition.ts';
import { decoder, type Decoder } from './decoder.ts';

const bytes = (length: number, first = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => first + i);
const recipient = (value: string): ProtectedDataRecipient => ({
  kind: 'condition',
  keyIdentifier: bytes(8),
  condition: makeCondition('SID', value),
  encryptedKey: bytes(40),
});
const BASE: ProtectedData = {
  recipients: [recipient('S-1-5-18')],
  nonce: bytes(12),
  ciphertext: bytes(20),
  content: 'inside',
};
const ALL_OF: ProtectedDataRecipient = {
  kind: 'all-of',
  recipients: [recipient('S-1-5-19'), recipient('S-1-5-20')],
  encryptedKey: bytes(40),
};
const CERTIFICATE: ProtectedDataRecipient = {
  kind: 'certificate',
  thumbprint: bytes(20),
  encryptedKey: bytes(64),
};
const SAMPLES = await Promise.all(
  [
    BASE,
    { ...BASE, content: 'after' as const },
    { ...BASE, recipients: [CERTIFICATE, ALL_OF] },
  ].map(encodeProtectedData),
);

export const PROTECTED_DATA_DECODERS: readonly Decoder[] = [
  // Without `encode`, which would be waited for: the decoder itself writes what it has read, and refuses what differs.
  decoder('ProtectedData', {
    decode: decodeProtectedData,
    samples: () => SAMPLES,
    over: 'asn1js',
  }),
  decoder('ProtectionDescriptor', {
    decode: decodeCondition,
    encode: encodeCondition,
    samples: () => [encodeCondition(makeCondition('LOCAL', 'user'))],
  }),
];
