/** Decoders of CNG's key blobs. */
import { decodeCngBlob, encodeCngBlob, type CngBlob } from '../../../lib/blobs/index.ts';
import { concatBytes } from '../../../lib/bytes/octets.ts';
import { integer, octetString, oid, sequence, tlv } from '../../../lib/bytes/der-writer.ts';
import { CNG_SAMPLES } from '../cng-samples.ts';
import { decoder, type Decoder } from './decoder.ts';

const ALGORITHM = sequence(oid('1.2.840.113549.1.1.1'));
const PKCS8 = sequence(integer(0), ALGORITHM, octetString(Uint8Array.of(1, 2, 3)));
const ENCRYPTED_PKCS8 = sequence(ALGORITHM, octetString(Uint8Array.of(1, 2, 3)));
const ENVELOPE = sequence(
  oid('1.2.840.113549.1.7.3'),
  tlv(0xa0, sequence(integer(0), tlv(0x31, sequence(integer(0))))),
);
/** An RSA public key as CryptExportKey gives it, which CNG reads as CAPIPUBLICBLOB. */
const CAPI = concatBytes(
  Uint8Array.of(6, 2, 0, 0, 0, 0xa4, 0, 0, 0x52, 0x53, 0x41, 0x31, 0, 2, 0, 0, 1, 0, 1, 0),
  new Uint8Array(64).fill(0x81),
);
/** What nothing in the bytes tells: each is read by its name. */
const UNTOLD = ['Rfc3565KeyWrapBlob', 'OpaqueTransport', 'OpaqueKeyBlob'] as const;
const DER = [PKCS8, ENCRYPTED_PKCS8, ENVELOPE];

/** What begins with the same fields: one list of samples each, so that each is changed often. */
const FAMILIES: Readonly<Record<string, RegExp>> = {
  KDBM: /^KeyDataBlob$/,
  NCRYPT_KEY_BLOB_HEADER: /^(Cipher|Protected|KDF)KeyBlob$/,
  BCRYPT_RSAKEY_BLOB: /^RSA/,
  BCRYPT_ECCKEY_BLOB: /^ECCP/,
  BCRYPT_ECCFULLKEY_BLOB: /^ECCFULL/,
  BCRYPT_DSA_KEY_BLOB: /^DSAP/,
  DSAParameters: /^DSAParameters$/,
  BCRYPT_DH_KEY_BLOB: /^DH/,
  BCRYPT_PQDSA_KEY_BLOB: /^(MLKEM|PQDSA)/,
};

/** Each family, what must be named, and all that need not be. */
export const CNG_BLOB_DECODERS: readonly Decoder[] = [
  told('CNG key blob', () => [...samplesOf(/^(?!Rfc|Opaque)/), ...DER, CAPI]),
  ...Object.entries(FAMILIES).map(([name, types]) => told(name, () => samplesOf(types))),
  told('PKCS8_PRIVATEKEY, PKCS7_ENVELOPE', () => DER),
  ...UNTOLD.map((type) =>
    decoder<CngBlob>(type, {
      decode: (bytes) => decodeCngBlob(bytes, type),
      encode: encodeCngBlob,
      samples: () => samplesOf(new RegExp(type)),
    }),
  ),
];

function told(name: string, samples: () => readonly Uint8Array[]): Decoder {
  return decoder<CngBlob>(name, {
    decode: (bytes) => decodeCngBlob(bytes),
    encode: encodeCngBlob,
    samples,
  });
}

function samplesOf(types: RegExp): Uint8Array[] {
  return CNG_SAMPLES.filter(({ type }) => types.test(type)).map(encodeCngBlob);
}
