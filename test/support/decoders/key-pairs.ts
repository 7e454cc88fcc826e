/** decodeKeyPair, which every format goes through. What it leaves out (attributes, seeds) is not written again, so there is no way back. */
import { encodeUtf8 } from '../../../lib/bytes/octets.ts';
import { decodePem, isPem } from '../../../lib/bytes/pem.ts';
import {
  decodeKeyPair,
  encodeKeyPair,
  keyPairFormatsOf,
  type DhKeyPair,
} from '../../../lib/key-pairs/index.ts';
import { opensslKey } from '../key-pairs.ts';
import { decoder, type Decoder } from './decoder.ts';

/** Short keys, of every type. */
const NAMES = ['rsa-512', 'ec-p256', 'x25519', 'dsa-1024', 'dh-2048'];
const PEM = encodeKeyPair(decodeKeyPair(opensslKey('x25519')).pair, 'PKCS8', { pem: true });

/** p and g of the DH1 blob. */
const DH_GROUP = decodeKeyPair(opensslKey('dh-2048')).pair as DhKeyPair;

/** Every format that holds one of the keys. */
function samples(): Uint8Array[] {
  return NAMES.flatMap((name) => {
    const { pair } = decodeKeyPair(opensslKey(name));
    return keyPairFormatsOf(pair).map((format) => encodeKeyPair(pair, format));
  });
}

/** By bytes alone, and what only text has. */
export const KEY_PAIR_DECODERS: readonly Decoder[] = [
  decoder('key pair', {
    decode: (bytes) => decodeKeyPair(bytes, { dhParameters: DH_GROUP }),
    samples: () => [...samples(), PEM],
  }),
  decoder('PEM', {
    decode: decodePem,
    samples: () => [PEM, encodeUtf8(`text\n${new TextDecoder().decode(PEM)}`)].filter(isPem),
  }),
];
