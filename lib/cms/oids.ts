/** Every object identifier that keycask reads or writes. Those under {@link KEYCASK_ARC} are ours and are never reused. */
import { oid } from '../bytes/der-writer.ts';

/** Our own arc, made from a GUID under Microsoft's branch for that purpose (1.2.840.113556.1.8000.2554). */
const KEYCASK_ARC = '1.2.840.113556.1.8000.2554.445.6250.27911.17208.39805.12998346.5770488';

/** Dotted forms, as docs/formats/record.md has them. */
const OID_TEXT = {
  // RFC 5652, RFC 5083
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  authEnvelopedData: '1.2.840.113549.1.9.16.1.23',
  contentInfo: '1.2.840.113549.1.9.16.1.6',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  // RFC 3565, RFC 5084, RFC 3211
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
  aes256Wrap: '2.16.840.1.101.3.4.1.45',
  aes256Gcm: '2.16.840.1.101.3.4.1.46',
  pwriKek: '1.2.840.113549.1.9.16.3.9',
  // RFC 8017, RFC 4055
  rsaEncryption: '1.2.840.113549.1.1.1',
  rsaesOaep: '1.2.840.113549.1.1.7',
  mgf1: '1.2.840.113549.1.1.8',
  rsassaPss: '1.2.840.113549.1.1.10',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  // RFC 5480, RFC 5753, RFC 5758
  ecPublicKey: '1.2.840.10045.2.1',
  p256: '1.2.840.10045.3.1.7',
  p384: '1.3.132.0.34',
  p521: '1.3.132.0.35',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
  ecdhSha256Kdf: '1.3.132.1.11.1',
  ecdhSha384Kdf: '1.3.132.1.11.2',
  // RFC 8410, RFC 3279, PKCS #3
  x25519: '1.3.101.110',
  dsa: '1.2.840.10040.4.1',
  dhPublicNumber: '1.2.840.10046.2.1',
  dhKeyAgreement: '1.2.840.113549.1.3.1',
  // RFC 8018
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacWithSha256: '1.2.840.113549.2.9',
  // keycask: .1 attributes, .2 content types, .3 algorithms
  metadata: `${KEYCASK_ARC}.1.1`,
  keyBlob: `${KEYCASK_ARC}.2.1`,
  trust: `${KEYCASK_ARC}.2.2`,
  manifestEntry: `${KEYCASK_ARC}.2.3`,
  report: `${KEYCASK_ARC}.2.4`,
  checkpoint: `${KEYCASK_ARC}.2.5`,
  argon2id: `${KEYCASK_ARC}.3.1`,
} as const;

export type OidName = keyof typeof OID_TEXT;

/** DER of each: written as they are, compared as they are. */
export const OID = Object.fromEntries(
  Object.entries(OID_TEXT).map(([name, dotted]) => [name, oid(dotted)]),
) as unknown as Record<OidName, Uint8Array>;
