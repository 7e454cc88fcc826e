/**
 * X.509 certificates (RFC 5280): the two of a key container, and other people's. On @peculiar/asn1-x509, loaded when first used.
 *
 * Ours: the signature key's is self-signed (CA, pathlen 0, keyCertSign + digitalSignature) and issues the exchange key's (keyAgreement or
 * keyEncipherment). They end on 9999-12-31 (RFC 5280 section 4.1.2.5: no well-defined end) and name nobody: the subject is the key's identifier.
 */
import { copyBytes, toHex } from '../bytes/octets.ts';
import { BlobFormatError } from '../errors.ts';
import type { SignatureScheme } from './algorithms.ts';
import { SIGNATURE_ALGORITHM } from './signed-data.ts';

/** What a container's certificate is for. */
export type CertificateRole = 'signature' | 'exchange';

export interface CertificateRequest {
  readonly role: CertificateRole;
  /** SPKI DER of the certified key. */
  readonly publicKey: Uint8Array;
  /** Its subject key identifier, 20 bytes. */
  readonly keyId: Uint8Array;
  /** Key identifier of the signature key, which issues both. */
  readonly issuerKeyId: Uint8Array;
  readonly notBefore: Date;
  readonly scheme: SignatureScheme;
}

/** What keycask takes from a certificate. */
export interface CertificateFacts {
  /** SPKI DER. */
  readonly publicKey: Uint8Array;
  /** Extension subjectKeyIdentifier, where there is one. */
  readonly keyId: Uint8Array | undefined;
  readonly subject: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Named bits of keyUsage; undefined where there is no such extension, which allows every use. */
  readonly keyUsage: readonly string[] | undefined;
}

/** Far above any certificate; asn1-x509 builds an object for every value that is nested in one. */
export const MAX_CERTIFICATE = 1 << 16;
/** The last moment of a certificate without a well-defined end. */
const NO_END = new Date('9999-12-31T23:59:59Z');
const COMMON_NAME = '2.5.4.3';

/** DER of the TBSCertificate that the signature key is to sign. */
export async function encodeTbsCertificate(request: CertificateRequest): Promise<Uint8Array> {
  const [x509, { AsnConvert, OctetString }] = await load();
  const extension = (extnID: string, critical: boolean, value: unknown) =>
    new x509.Extension({
      extnID,
      critical,
      extnValue: new OctetString(AsnConvert.serialize(value)),
    });
  const { KeyUsageFlags: usage } = x509;
  const isRsa =
    AsnConvert.parse(request.publicKey, x509.SubjectPublicKeyInfo).algorithm.algorithm ===
    RSA_ENCRYPTION;
  const extensions = [
    extension(
      x509.id_ce_subjectKeyIdentifier,
      false,
      new x509.SubjectKeyIdentifier(toArrayBuffer(request.keyId)),
    ),
    extension(
      x509.id_ce_authorityKeyIdentifier,
      false,
      new x509.AuthorityKeyIdentifier({
        keyIdentifier: new x509.KeyIdentifier(toArrayBuffer(request.issuerKeyId)),
      }),
    ),
  ];
  if (request.role === 'signature') {
    extensions.push(
      extension(
        x509.id_ce_basicConstraints,
        true,
        new x509.BasicConstraints({ cA: true, pathLenConstraint: 0 }),
      ),
    );
    extensions.push(
      extension(
        x509.id_ce_keyUsage,
        true,
        new x509.KeyUsage(usage.keyCertSign | usage.digitalSignature),
      ),
    );
  } else {
    extensions.push(
      extension(
        x509.id_ce_keyUsage,
        true,
        new x509.KeyUsage(isRsa ? usage.keyEncipherment : usage.keyAgreement),
      ),
    );
  }
  const name = (keyId: Uint8Array) =>
    new x509.Name([
      new x509.RelativeDistinguishedName([
        new x509.AttributeTypeAndValue({
          type: COMMON_NAME,
          value: new x509.AttributeValue({ utf8String: toHex(keyId) }),
        }),
      ]),
    ]);
  const tbs = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: serialNumber(request),
    signature: AsnConvert.parse(SIGNATURE_ALGORITHM[request.scheme], x509.AlgorithmIdentifier),
    issuer: name(request.issuerKeyId),
    subject: name(request.keyId),
    validity: new x509.Validity({ notBefore: request.notBefore, notAfter: NO_END }),
    subjectPublicKeyInfo: AsnConvert.parse(request.publicKey, x509.SubjectPublicKeyInfo),
    extensions: new x509.Extensions(extensions),
  });
  return new Uint8Array(AsnConvert.serialize(tbs));
}

/** DER of the certificate: what was signed, and the signature. */
export async function encodeCertificate(
  tbs: Uint8Array,
  scheme: SignatureScheme,
  signature: Uint8Array,
): Promise<Uint8Array> {
  const [x509, { AsnConvert }] = await load();
  const certificate = new x509.Certificate({
    tbsCertificate: AsnConvert.parse(tbs, x509.TBSCertificate),
    signatureAlgorithm: AsnConvert.parse(SIGNATURE_ALGORITHM[scheme], x509.AlgorithmIdentifier),
    signatureValue: toArrayBuffer(signature),
  });
  return new Uint8Array(AsnConvert.serialize(certificate));
}

/**
 * Reads a certificate, ours or anybody's. Its signature is not checked: keycask trusts pins, not chains.
 *
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), BLOB_TOO_LARGE above 64 KiB.
 */
export async function decodeCertificate(der: Uint8Array): Promise<CertificateFacts> {
  if (der.length > MAX_CERTIFICATE)
    throw new BlobFormatError(
      { ...WHOLE, problem: `want at most ${MAX_CERTIFICATE} bytes, got ${der.length}` },
      'BLOB_TOO_LARGE',
    );
  const [x509, { AsnConvert }] = await load();
  try {
    const { tbsCertificate: tbs } = AsnConvert.parse(der, x509.Certificate);
    const find = (id: string) => tbs.extensions?.find(({ extnID }) => extnID === id)?.extnValue;
    const keyId = find(x509.id_ce_subjectKeyIdentifier);
    const keyUsage = find(x509.id_ce_keyUsage);
    return {
      publicKey: new Uint8Array(AsnConvert.serialize(tbs.subjectPublicKeyInfo)),
      keyId: keyId && new Uint8Array(AsnConvert.parse(keyId, x509.SubjectKeyIdentifier).buffer),
      subject: nameText(tbs.subject),
      notBefore: tbs.validity.notBefore.getTime(),
      notAfter: tbs.validity.notAfter.getTime(),
      keyUsage: keyUsage && AsnConvert.parse(keyUsage, x509.KeyUsage).toJSON(),
    };
  } catch {
    throw new BlobFormatError({ ...WHOLE, problem: 'this is not an X.509 certificate' });
  }
}

/** For people: `CN=Ada, O=Example`. Control characters would speak to their terminals. */
function nameText(
  name: Iterable<Iterable<{ readonly type: string; readonly value: { toString(): string } }>>,
): string {
  const parts = [...name].flatMap((rdn) =>
    [...rdn].map(({ type, value }) => `${SHORT_NAMES[type] ?? type}=${value.toString()}`),
  );
  const text = parts.join(', ').replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?');
  return text === '' ? 'no name' : text.slice(0, MAX_NAME);
}

/** Positive, and the same for the same key and issuer: 16 bytes of the key identifier (RFC 5280 section 4.1.2.2 asks for uniqueness). */
function serialNumber({ role, keyId }: CertificateRequest): ArrayBuffer {
  const serial = copyBytes(keyId.subarray(0, 16));
  serial[0] = (serial[0]! & 0x3f) | (role === 'signature' ? 0x40 : 0x20);
  return toArrayBuffer(serial);
}

function load() {
  return Promise.all([import('@peculiar/asn1-x509'), import('@peculiar/asn1-schema')]);
}

function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  return copyBytes(bytes).buffer as ArrayBuffer;
}

/** asn1js does not say where. */
const WHOLE = { format: 'Certificate', field: 'Certificate', offset: 0 };
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
/** Attribute types that people know by a short name (RFC 4514 section 3). */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
};
/** In trust.cms a name has at most 255 bytes. */
const MAX_NAME = 60;
