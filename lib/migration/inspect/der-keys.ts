/** Rows of keys in DER: PKCS#1, PKCS#8, SubjectPublicKeyInfo, SEC 1, whatever their algorithm. Sources: RFC 8017, 5958, 5280, 5915. */
import type { DerReader } from '../../bytes/der-reader.ts';
import { contextConstructed, contextPrimitive, TAG } from '../../bytes/der-tags.ts';
import { rsaNotes } from './advice.ts';
import { childrenOf, enterWhole, readAlgorithm, tagsOf, walk } from './der-walk.ts';
import { warning, type Description, type FileStart, type FormatReader } from './format-reader.ts';
import { oidName, oidText } from './oid-names.ts';

export const DER_KEYS: readonly FormatReader[] = [
  {
    id: 'pkcs8',
    what: 'PrivateKeyInfo (PKCS#8)',
    detect: ({ bytes }) =>
      isVersioned(bytes) && begins(bytes, TAG.INTEGER, TAG.SEQUENCE, TAG.OCTET_STRING),
    read: readPrivateKeyInfo,
    partFields: [{ format: 'PrivateKeyInfo', field: 'privateKey' }],
  },
  {
    id: 'encrypted-pkcs8',
    what: 'EncryptedPrivateKeyInfo (PKCS#8)',
    detect: ({ bytes }) =>
      begins(bytes, TAG.SEQUENCE, TAG.OCTET_STRING) &&
      tagsOf(bytes).length === 2 &&
      isAlgorithm(bytes, 0),
    read: readEncryptedPrivateKeyInfo,
  },
  {
    id: 'spki',
    what: 'SubjectPublicKeyInfo',
    detect: ({ bytes }) =>
      begins(bytes, TAG.SEQUENCE, TAG.BIT_STRING) &&
      tagsOf(bytes).length === 2 &&
      isAlgorithm(bytes, 0),
    read: readSubjectPublicKeyInfo,
  },
  {
    id: 'pkcs1-private',
    what: 'RSAPrivateKey (PKCS#1)',
    detect: ({ bytes }) =>
      isVersioned(bytes) &&
      tagsOf(bytes).length >= 9 &&
      tagsOf(bytes)
        .slice(0, 9)
        .every((tag) => tag === TAG.INTEGER),
    read: readRsaPrivateKey,
  },
  {
    id: 'sec1',
    what: 'ECPrivateKey (SEC 1)',
    detect: ({ bytes }) => isEcPrivateKey(bytes),
    read: readEcPrivateKey,
  },
  {
    id: 'pkcs1-public',
    what: 'RSAPublicKey (PKCS#1)',
    detect: ({ bytes }) => {
      const [modulus, exponent, ...more] = childrenOf(bytes);
      return (
        modulus?.tag === TAG.INTEGER &&
        exponent?.tag === TAG.INTEGER &&
        more.length === 0 &&
        modulus.contents.length >= MIN_MODULUS &&
        exponent.contents.length <= MAX_EXPONENT
      );
    },
    read: readRsaPublicKey,
  },
];

function readPrivateKeyInfo(bytes: Uint8Array): Description {
  const r = enterWhole(bytes, 'PrivateKeyInfo');
  r.integer('version');
  const algorithm = nameOf(readAlgorithm(r, 'privateKeyAlgorithm'));
  r.read(TAG.OCTET_STRING, 'privateKey');
  if (r.peek() === contextConstructed(0)) walk(r.enter(contextConstructed(0), 'attributes'));
  if (r.peek() === contextPrimitive(1)) r.read(contextPrimitive(1), 'publicKey');
  r.end();
  return { summary: `A private key, ${algorithm}, not encrypted.`, notes: [IN_THE_CLEAR] };
}

function readEncryptedPrivateKeyInfo(bytes: Uint8Array): Description {
  const r = enterWhole(bytes, 'EncryptedPrivateKeyInfo');
  const algorithm = nameOf(readAlgorithm(r, 'encryptionAlgorithm'));
  r.read(TAG.OCTET_STRING, 'encryptedData');
  r.end();
  return { summary: `A private key that a password encrypts, ${algorithm}.` };
}

function readSubjectPublicKeyInfo(bytes: Uint8Array): Description {
  const r = enterWhole(bytes, 'SubjectPublicKeyInfo');
  const algorithm = nameOf(readAlgorithm(r, 'algorithm'));
  r.read(TAG.BIT_STRING, 'subjectPublicKey');
  r.end();
  return { summary: `A public key, ${algorithm}.` };
}

function readRsaPrivateKey(bytes: Uint8Array, _start: FileStart): Description {
  const r = enterWhole(bytes, 'RSAPrivateKey');
  r.integer('version');
  const modulus = r.positive('modulus');
  const exponent = r.positive('publicExponent');
  for (const field of [
    'privateExponent',
    'prime1',
    'prime2',
    'exponent1',
    'exponent2',
    'coefficient',
  ])
    r.positive(field);
  walk(r);
  const bits = bitsOf(modulus);
  return {
    summary: `An RSA private key of ${bits} bits, not encrypted.`,
    notes: [IN_THE_CLEAR, ...rsaNotes(bits, smallNumber(exponent))],
  };
}

function readRsaPublicKey(bytes: Uint8Array): Description {
  const r = enterWhole(bytes, 'RSAPublicKey');
  const bits = bitsOf(r.positive('modulus'));
  const exponent = r.positive('publicExponent');
  r.end();
  return {
    summary: `An RSA public key of ${bits} bits.`,
    notes: rsaNotes(bits, smallNumber(exponent)),
  };
}

function readEcPrivateKey(bytes: Uint8Array): Description {
  const r = enterWhole(bytes, 'ECPrivateKey');
  r.integer('version');
  r.read(TAG.OCTET_STRING, 'privateKey');
  let curve = 'a curve that is named elsewhere';
  if (r.peek() === contextConstructed(0)) {
    const parameters: DerReader = r.enter(contextConstructed(0), 'parameters');
    if (parameters.peek() === TAG.OBJECT_IDENTIFIER)
      curve = nameOf(parameters.read(TAG.OBJECT_IDENTIFIER, 'namedCurve'));
    walk(parameters);
  }
  if (r.peek() === contextConstructed(1))
    r.enter(contextConstructed(1), 'publicKey').read(TAG.BIT_STRING, 'point');
  r.end();
  return { summary: `An EC private key on ${curve}, not encrypted.`, notes: [IN_THE_CLEAR] };
}

/** The name of an identifier, or its numbers. */
export function nameOf(identifier: Uint8Array): string {
  const dotted = identifier.length > MAX_OID ? undefined : oidText(identifier);
  return dotted === undefined ? 'of an unknown algorithm' : (oidName(dotted) ?? dotted);
}

/** The outermost SEQUENCE begins with these tags. */
export function begins(bytes: Uint8Array, ...tags: readonly number[]): boolean {
  const found = tagsOf(bytes);
  return tags.every((tag, i) => found[i] === tag);
}

/** A ContentInfo of CMS. */
export function isMessage(bytes: Uint8Array): boolean {
  return begins(bytes, TAG.OBJECT_IDENTIFIER, contextConstructed(0));
}

/** Its child at this place is this number. */
export function hasNumber(bytes: Uint8Array, index: number, value: number): boolean {
  const contents = childrenOf(bytes)[index]?.contents;
  return contents?.length === 1 && contents[0] === value;
}

/** Its child at this place is an AlgorithmIdentifier. */
export function isAlgorithm(bytes: Uint8Array, index: number): boolean {
  return childrenOf(bytes)[index]?.contents[0] === TAG.OBJECT_IDENTIFIER;
}

/** A version of 0 or 1 comes first: in PKCS#8 and PKCS#1, and not in a certificate. */
function isVersioned(bytes: Uint8Array): boolean {
  const [version] = childrenOf(bytes);
  return version?.tag === TAG.INTEGER && version.contents.length === 1 && version.contents[0]! <= 1;
}

/** Version 1, the key, and nothing but curve and point behind it. */
function isEcPrivateKey(bytes: Uint8Array): boolean {
  const [version, key, ...more] = childrenOf(bytes);
  return (
    version?.tag === TAG.INTEGER &&
    version.contents.length === 1 &&
    version.contents[0] === 1 &&
    key?.tag === TAG.OCTET_STRING &&
    more.every(({ tag }) => tag === contextConstructed(0) || tag === contextConstructed(1))
  );
}

function bitsOf(number: Uint8Array): number {
  return number.length === 0 ? 0 : 8 * number.length - Math.clz32(number[0]!) + 24;
}

function smallNumber(number: Uint8Array): number | undefined {
  return number.length === 1 ? number[0] : undefined;
}

const IN_THE_CLEAR = warning(
  'PRIVATE_KEY_IN_THE_CLEAR',
  'The private key is not encrypted: whoever reads this file has it.',
);
/** 384 bits, with its sign byte perhaps. */
const MIN_MODULUS = 48;
const MAX_EXPONENT = 5;
const MAX_OID = 64;
