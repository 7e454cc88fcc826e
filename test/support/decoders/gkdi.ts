/** Decoders of the structures of group keys. */
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
} from '../../../lib/windows-files/group-key-identifier.ts';
import {
  decodeKdfParameters,
  encodeKdfParameters,
} from '../../../lib/windows-files/kdf-parameters.ts';
import { decoder, type Decoder } from './decoder.ts';

const bytes = (length: number, first = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => first + i);
const GROUP = { fieldOrder: bytes(64), generator: bytes(64, 9) };
const PLACE = {
  flags: 2,
  l0: 361,
  l1: 17,
  l2: 13,
  rootKeyId: '2491e5f1-c935-27c4-22ba-b85f61b24768',
  domain: 'domain.test',
  forest: 'forest.test',
};
const ALGORITHMS = {
  kdfAlgorithm: 'SP800_108_CTR_HMAC',
  kdfParameters: encodeKdfParameters('SHA512'),
  secretAgreementAlgorithm: 'DH',
  secretAgreementParameters: encodeFfcDhParameters(GROUP),
  privateKeyLength: 512,
  publicKeyLength: 2048,
};

export const GKDI_DECODERS: readonly Decoder[] = [
  decoder('KDFParameters', {
    decode: decodeKdfParameters,
    encode: encodeKdfParameters,
    samples: () => [encodeKdfParameters('SHA256')],
  }),
  decoder('FFCDHParameters', {
    decode: decodeFfcDhParameters,
    encode: encodeFfcDhParameters,
    samples: () => [encodeFfcDhParameters(GROUP)],
  }),
  decoder('FFCDHKey', {
    decode: decodeFfcDhKey,
    encode: encodeFfcDhKey,
    samples: () => [encodeFfcDhKey({ ...GROUP, publicKey: bytes(64, 3) })],
  }),
  decoder('ECDHKey', {
    decode: decodeEcdhKey,
    encode: encodeEcdhKey,
    samples: () => [
      encodeEcdhKey({ curve: 'P-256', x: bytes(32), y: bytes(32, 9) }),
      encodeEcdhKey({ curve: 'P-521', x: bytes(66), y: bytes(66, 9) }),
    ],
  }),
  decoder('KDSK', {
    decode: decodeGroupKeyIdentifier,
    encode: encodeGroupKeyIdentifier,
    samples: () => [encodeGroupKeyIdentifier({ ...PLACE, keyInfo: bytes(32) })],
  }),
  decoder('GroupKeyEnvelope', {
    decode: decodeGroupKeyEnvelope,
    encode: encodeGroupKeyEnvelope,
    samples: () => [
      encodeGroupKeyEnvelope({ ...PLACE, ...ALGORITHMS, l1Key: bytes(64), l2Key: bytes(64, 7) }),
      encodeGroupKeyEnvelope({
        ...PLACE,
        ...ALGORITHMS,
        kdfParameters: new Uint8Array(),
        l1Key: new Uint8Array(),
        l2Key: new Uint8Array(),
      }),
    ],
  }),
];
