/**
 * GroupKeyEnvelope: a group key as a domain controller gives it out. Source: [MS-GKDI] 2.2.4.
 *
 *  off size field              meaning
 *    0    4 version            1
 *    4    4 magic              "KDSK" 0x4b53444b
 *    8    4 dwFlags            bit 0: L2Key is a public key, and there is no L1Key; bit 1: opens new data too
 *   12   12 L0, L1, L2         the interval
 *   24   16 RootKeyIdentifier  GUID
 *   40    4 cbKDFAlgorithm     bytes of each variable field, in this order: KDFAlgorithm, KDFParameters, SecretAgreementAlgorithm,
 *   44   12                    SecretAgreementParameters
 *   56    4 PrivateKeyLength   bits
 *   60    4 PublicKeyLength    bits
 *   64    4 cbL1Key            0 or 64
 *   68    4 cbL2Key            0 or 64, or those of the public key
 *   72    4 cbDomainName       bytes with the null
 *   76    4 cbForestName       bytes with the null
 *   80    n KDFAlgorithm, KDFParameters, SecretAgreementAlgorithm, SecretAgreementParameters, DomainName, ForestName, L1Key, L2Key
 *
 * L1Key is that of (L0, L1) where L2 is 31, and that of (L0, L1 - 1) otherwise: keys of later intervals of L1 stay unknown.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { guidText, GUID_LENGTH } from '../bytes/guid.ts';
import { owned } from '../bytes/owned.ts';
import { encodeUtf16z } from '../bytes/utf16.ts';
import {
  KDSK_MAGIC,
  MAX_NAME,
  readInterval,
  readName,
  rootKeyBytes,
  writeInterval,
  type GroupKeyInterval,
} from './group-key-identifier.ts';

/** How the keys of one root key are derived and agreed upon. */
export interface GroupKeyAlgorithms {
  /** `SP800_108_CTR_HMAC` */
  readonly kdfAlgorithm: string;
  /** See `decodeKdfParameters`; empty for SHA-512. */
  readonly kdfParameters: Uint8Array;
  /** `DH`, `ECDH_P256`, `ECDH_P384`, `ECDH_P521` */
  readonly secretAgreementAlgorithm: string;
  /** For DH see `decodeFfcDhParameters`; empty for ECDH. */
  readonly secretAgreementParameters: Uint8Array;
  /** In bits. */
  readonly privateKeyLength: number;
  /** In bits. */
  readonly publicKeyLength: number;
}

/** A group key as a domain controller gives it out. */
export interface GroupKeyEnvelope extends GroupKeyAlgorithms, GroupKeyInterval {
  /** dwFlags */
  readonly flags: number;
  /** GUID, lower case without braces. */
  readonly rootKeyId: string;
  /** DNS name. */
  readonly domain: string;
  /** DNS name. */
  readonly forest: string;
  /** 64 bytes, or none. Secret. */
  readonly l1Key: Uint8Array;
  /** 64 bytes, or none. Secret, but for a public key, which `flags` bit 0 tells. */
  readonly l2Key: Uint8Array;
}

/**
 * Reads a GroupKeyEnvelope.
 *
 * @returns Its own copy of the keys, not shown when it is printed, wiped when it is disposed of; the parameters are copies as well.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * using envelope = decodeGroupKeyEnvelope(await readFile('group-key.bin'));
 * ```
 */
export function decodeGroupKeyEnvelope(bytes: Uint8Array): GroupKeyEnvelope & Disposable {
  const r = new BlobReader(bytes, 'GroupKeyEnvelope');
  r.expectU32le('version', 1);
  r.expectU32le('magic', KDSK_MAGIC);
  const flags = r.u32le('dwFlags');
  const interval = readInterval(r);
  const rootKeyId = guidText(r.bytes('RootKeyIdentifier', GUID_LENGTH));
  const cbKdfAlgorithm = r.u32leIn('cbKDFAlgorithm', { max: MAX_NAME, multipleOf: 2 });
  const cbKdfParameters = r.u32leIn('cbKDFParameters', { max: MAX_PARAMETERS });
  const cbAgreement = r.u32leIn('cbSecretAgreementAlgorithm', { max: MAX_NAME, multipleOf: 2 });
  const cbAgreementParameters = r.u32leIn('cbSecretAgreementParameters', { max: MAX_PARAMETERS });
  const privateKeyLength = r.u32le('PrivateKeyLength');
  const publicKeyLength = r.u32le('PublicKeyLength');
  const cbL1Key = r.u32leIn('cbL1Key', { max: GROUP_KEY_LENGTH, multipleOf: GROUP_KEY_LENGTH });
  const cbL2Key = r.u32leIn('cbL2Key', { max: MAX_PARAMETERS });
  const cbDomain = r.u32leIn('cbDomainName', { max: MAX_NAME, multipleOf: 2 });
  const cbForest = r.u32leIn('cbForestName', { max: MAX_NAME, multipleOf: 2 });
  const kdfAlgorithm = readName(r, 'KDFAlgorithm', cbKdfAlgorithm);
  const kdfParameters = r.bytes('KDFParameters', cbKdfParameters);
  const secretAgreementAlgorithm = readName(r, 'SecretAgreementAlgorithm', cbAgreement);
  const secretAgreementParameters = r.bytes('SecretAgreementParameters', cbAgreementParameters);
  const domain = readName(r, 'DomainName', cbDomain);
  const forest = readName(r, 'ForestName', cbForest);
  const l1Key = r.bytes('L1Key', cbL1Key);
  const l2Key = r.bytes('L2Key', cbL2Key);
  r.end();
  const lengths = { privateKeyLength, publicKeyLength };
  const names = { kdfAlgorithm, secretAgreementAlgorithm, domain, forest };
  return owned(
    { flags, ...interval, rootKeyId, ...lengths, ...names },
    { kdfParameters, secretAgreementParameters, l1Key, l2Key },
    ['l1Key', 'l2Key'],
  );
}

/**
 * Writes a GroupKeyEnvelope.
 *
 * @returns A fresh array with the keys in it, which the caller owns, and wipes.
 * @throws KeyStoreError PARAMETER_INVALID where `rootKeyId` is no GUID.
 */
export function encodeGroupKeyEnvelope(envelope: GroupKeyEnvelope): Uint8Array {
  const fields = [
    encodeUtf16z(envelope.kdfAlgorithm),
    envelope.kdfParameters,
    encodeUtf16z(envelope.secretAgreementAlgorithm),
    envelope.secretAgreementParameters,
    encodeUtf16z(envelope.domain),
    encodeUtf16z(envelope.forest),
    envelope.l1Key,
    envelope.l2Key,
  ] as const;
  const lengths = fields.map(({ length }) => length);
  const writer = new BlobWriter(80 + lengths.reduce((sum, length) => sum + length, 0));
  writer.u32le(1).u32le(KDSK_MAGIC).u32le(envelope.flags);
  writeInterval(writer, envelope).bytes(rootKeyBytes(envelope.rootKeyId));
  for (const length of lengths.slice(0, 4)) writer.u32le(length);
  writer.u32le(envelope.privateKeyLength).u32le(envelope.publicKeyLength);
  // The lengths of the keys stand before those of the names, the keys themselves after them.
  for (const index of [6, 7, 4, 5]) writer.u32le(lengths[index]!);
  for (const field of fields) writer.bytes(field);
  return writer.finish();
}

/** Every key of the derivation. */
export const GROUP_KEY_LENGTH = 64;
/** FFC DH parameters of 16,384 bits have 4,108 bytes. */
const MAX_PARAMETERS = 8192;
