/** Rows of certificates, PKCS#12 and CMS that is not keycask's own. Sources: RFC 5280, RFC 7292, RFC 5652. */
import { DerReader } from '../../bytes/der-reader.ts';
import { contextConstructed, TAG } from '../../bytes/der-tags.ts';
import { decodeUtf8 } from '../../bytes/octets.ts';
import { decodeUtf16 } from '../../bytes/utf16.ts';
import type { InspectionNote } from '../inspection.ts';
import { begins, isAlgorithm, isMessage, nameOf } from './der-keys.ts';
import { childrenOf, enterWhole, lengthOf, readAlgorithm, tagsOf, walk } from './der-walk.ts';
import {
  hasAt,
  includes,
  note,
  warning,
  type Description,
  type FormatReader,
} from './format-reader.ts';
import { oidName, oidText } from './oid-names.ts';

export const CERTIFICATES: readonly FormatReader[] = [
  {
    id: 'certificate',
    what: 'X.509 certificate',
    detect: ({ bytes }) => isCertificate(bytes),
    read: readCertificate,
    partFields: [{ format: 'Certificate', field: 'subjectPublicKeyInfo', take: 'whole' }],
  },
  {
    id: 'pkcs12',
    what: 'PFX (PKCS#12)',
    detect: ({ bytes }) =>
      begins(bytes, TAG.INTEGER, TAG.SEQUENCE) &&
      childrenOf(bytes)[0]!.contents[0] === 3 &&
      isAlgorithm(bytes, 1),
    read: readPfx,
  },
  {
    id: 'cms',
    what: 'CMS',
    detect: ({ bytes }) => isMessage(bytes) || isBerCms(bytes),
    read: readCms,
    partFields: [{ format: 'ContentInfo', field: 'keyIdentifier' }],
  },
];

function readCertificate(bytes: Uint8Array): Description {
  const certificate = enterWhole(bytes, 'Certificate');
  const tbs = certificate.enter(TAG.SEQUENCE, 'tbsCertificate');
  if (tbs.peek() === contextConstructed(0))
    tbs.enter(contextConstructed(0), 'version').integer('version');
  tbs.read(TAG.INTEGER, 'serialNumber');
  const algorithm = nameOf(readAlgorithm(tbs, 'signature'));
  const issuer = readName(tbs, 'issuer');
  const validity = tbs.enter(TAG.SEQUENCE, 'validity');
  const notBefore = readTime(validity, 'notBefore');
  const notAfter = readTime(validity, 'notAfter');
  validity.end();
  const subject = readName(tbs, 'subject');
  tbs.element(TAG.SEQUENCE, 'subjectPublicKeyInfo');
  walk(tbs);
  readAlgorithm(certificate, 'signatureAlgorithm');
  certificate.read(TAG.BIT_STRING, 'signatureValue');
  certificate.end();
  const by = issuer === subject ? 'self-issued' : `issued by ${issuer}`;
  return {
    summary: `A certificate of ${subject}, ${by}, valid from ${notBefore} to ${notAfter}, signed with ${algorithm}.`,
    notes: signatureNotes(algorithm),
  };
}

function readPfx(bytes: Uint8Array): Description {
  const r = enterWhole(bytes, 'PFX');
  r.integer('version');
  const authSafe = r.enter(TAG.SEQUENCE, 'authSafe');
  authSafe.read(TAG.OBJECT_IDENTIFIER, 'contentType');
  authSafe.element(contextConstructed(0), 'content');
  authSafe.end();
  if (r.peek() === TAG.SEQUENCE) walk(r.enter(TAG.SEQUENCE, 'macData'));
  r.end();
  return {
    summary: 'Keys and certificates that a password protects, as Windows exports them.',
    state: 'recognised',
  };
}

/** The outline of any content type; what is inside is named by its types. */
function readCms(bytes: Uint8Array): Description {
  const outer = new DerReader(bytes, 'ContentInfo');
  const info = outer.enter(TAG.SEQUENCE, 'ContentInfo');
  const type = nameOf(info.read(TAG.OBJECT_IDENTIFIER, 'contentType'));
  const explicit = info.enter(contextConstructed(0), 'content');
  info.end();
  const recipients =
    explicit.peek() === TAG.SEQUENCE ? readContent(explicit.enter(TAG.SEQUENCE, type), type) : '';
  walk(explicit);
  // LAPS writes the ciphertext of its DPAPI-NG blobs after the DER.
  const isDpapiNg = includes(bytes, DPAPI_NG);
  const trailing = bytes.length - lengthOf(bytes);
  const notes: InspectionNote[] = [note('NOT_VERIFIED', 'Nothing was verified or decrypted.')];
  if (trailing > 0)
    notes.push(
      isDpapiNg
        ? note(
            'CIPHERTEXT_FOLLOWS',
            `${trailing} bytes of ciphertext follow the DER, as in the passwords of LAPS.`,
          )
        : warning('TRAILING_BYTES', `${trailing} bytes follow it.`),
    );
  return {
    what: isDpapiNg ? 'DPAPI-NG blob (CMS)' : `CMS ${type.replace(/^id-(?:ct-)?/u, '')}`,
    summary: `${isDpapiNg ? 'A secret that NCryptProtectSecret protected' : 'A CMS message'}, ${type}${recipients}.`,
    notes,
    ...(trailing > 0 && isDpapiNg && { rest: 'ciphertext' }),
  };
}

/** Version, then the parts by RFC 5652's names where they are told by their tags. */
function readContent(r: DerReader, type: string): string {
  if (r.peek() === TAG.INTEGER) r.integer('version');
  if (!type.endsWith('nvelopedData')) {
    walk(r);
    return '';
  }
  if (r.peek() === contextConstructed(0)) walk(r.enter(contextConstructed(0), 'originatorInfo'));
  const recipients = r.enter(TAG.SET, 'recipientInfos');
  let count = 0;
  for (let tag = recipients.peek(); tag !== -1; tag = recipients.peek(), count++)
    readRecipient(recipients.enter(tag, RECIPIENTS[tag] ?? 'recipientInfo'), tag);
  walk(r);
  return `, ${count} ${count === 1 ? 'recipient' : 'recipients'}`;
}

/** Of kekri the identifier is named: DPAPI-NG keeps a structure of its own there. */
function readRecipient(r: DerReader, tag: number): void {
  if (tag === KEKRI) {
    if (r.peek() === TAG.INTEGER) r.integer('version');
    if (r.peek() === TAG.SEQUENCE) {
      const kekid = r.enter(TAG.SEQUENCE, 'kekid');
      if (kekid.peek() === TAG.OCTET_STRING) kekid.read(TAG.OCTET_STRING, 'keyIdentifier');
      walk(kekid);
    }
  }
  walk(r);
}

function readTime(r: DerReader, field: string): string {
  const tag = r.peek() === TAG.UTC_TIME ? TAG.UTC_TIME : TAG.GENERALIZED_TIME;
  return r.time(field, tag).toISOString().slice(0, 10);
}

/** `CN=Ada, O=Example`. */
function readName(r: DerReader, field: string): string {
  const name = r.enter(TAG.SEQUENCE, field);
  const parts: string[] = [];
  while (name.peek() !== -1) {
    const relative = name.enter(TAG.SET, 'relativeDistinguishedName');
    while (relative.peek() !== -1) {
      const attribute = relative.enter(TAG.SEQUENCE, 'attribute');
      const type = attribute.read(TAG.OBJECT_IDENTIFIER, 'type');
      const tag = attribute.peek();
      const value = attribute.read(tag, 'value');
      const dotted = oidText(type) ?? '?';
      const text = tag === BMP_STRING ? decodeUtf16(value) : decodeUtf8(value);
      parts.push(`${oidName(dotted) ?? dotted}=${text ?? '?'}`);
    }
  }
  return parts.length === 0 ? 'no name' : parts.join(', ').slice(0, MAX_NAME);
}

function signatureNotes(algorithm: string): InspectionNote[] {
  if (/^md[245]With/u.test(algorithm))
    return [
      warning(
        'CERTIFICATE_SIGNED_WITH_MD5',
        `It is signed with ${algorithm}: such signatures have been forged.`,
      ),
    ];
  if (/sha1/iu.test(algorithm))
    return [
      warning(
        'CERTIFICATE_SIGNED_WITH_SHA1',
        `It is signed with ${algorithm}: collisions of SHA-1 have been made.`,
      ),
    ];
  return [];
}

/** TBSCertificate, AlgorithmIdentifier, BIT STRING; a request and a revocation list look so from outside. */
function isCertificate(bytes: Uint8Array): boolean {
  if (!begins(bytes, TAG.SEQUENCE, TAG.SEQUENCE, TAG.BIT_STRING) || !isAlgorithm(bytes, 1))
    return false;
  const [tbs] = childrenOf(bytes);
  const start = tbs!.contents.byteOffset - bytes.byteOffset;
  // The header of TBSCertificate has 2 to 5 bytes; its tags are asked of the whole value.
  for (let header = 2; header <= 5; header++) {
    const tags = tagsOf(bytes.subarray(start - header));
    if (bytes[start - header] === TAG.SEQUENCE && tags.length >= 6)
      return (
        tags[0] === contextConstructed(0) || (tags[0] === TAG.INTEGER && tags[4] === TAG.SEQUENCE)
      );
  }
  return false;
}

/** A SEQUENCE of indefinite length that begins with an identifier of PKCS#7: streaming writers make it. */
function isBerCms(bytes: Uint8Array): boolean {
  return bytes[0] === TAG.SEQUENCE && bytes[1] === 0x80 && hasAt(bytes, 2, PKCS7);
}

const KEKRI = contextConstructed(2);
const BMP_STRING = 0x1e;
const MAX_NAME = 120;
/** By their tags: RFC 5652 section 6.2. */
const RECIPIENTS: Readonly<Record<number, string>> = {
  0x30: 'ktri',
  0xa1: 'kari',
  0xa2: 'kekri',
  0xa3: 'pwri',
  0xa4: 'ori',
};
/** DER of 1.3.6.1.4.1.311.74.1, without what follows. */
const DPAPI_NG = Uint8Array.of(0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x4a, 0x01);
/** DER of 1.2.840.113549.1.7, of any content type. */
const PKCS7 = Uint8Array.of(0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07);
