/** Decoders of Wine's own key storage. */
import {
  decodeWineProtectBlob,
  encodeWineProtectBlob,
} from '../../../lib/windows-files/wine-protect-blob.ts';
import { readWineRegistry } from '../../../lib/windows-files/wine-registry.ts';
import { registryText } from '../wine-registry-text.ts';
import { decoder, type Decoder } from './decoder.ts';

const bytes = (length: number, first = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => first + i);
const BLOB = encodeWineProtectBlob({
  description: 'a description',
  salt: bytes(16),
  ciphertext: bytes(24, 9),
  fingerprint: bytes(20, 5),
});

export const WINE_DECODERS: readonly Decoder[] = [
  decoder('WineProtectBlob', {
    decode: decodeWineProtectBlob,
    encode: encodeWineProtectBlob,
    samples: () => [BLOB],
  }),
  decoder('WineRegistry', {
    decode: readWineRegistry,
    samples: () => [
      registryText([
        { key: 'Control Panel', values: { On: '"1"' } },
        {
          key: String.raw`Software\Wine\Crypto\RSA\a ]b`,
          values: { KeyExchangeKeyPair: BLOB.subarray(0, 40), KeyExchangePermissions: 0x3f },
        },
      ]),
    ],
  }),
];
