/** Reads a TBSCertificate as strictly as `encodeTbsCertificate` writes it: for whoever is asked to sign one. */
import { DerReader } from '../bytes/der-reader.ts';
import { contextConstructed, TAG } from '../bytes/der-tags.ts';
import { equalBytes, fromHex } from '../bytes/octets.ts';
import { BlobFormatError } from '../errors.ts';
import type { SignatureScheme } from './algorithms.ts';
import {
  encodeTbsCertificate,
  type CertificateRequest,
  type CertificateRole,
} from './certificate.ts';

const FORMAT = 'TBSCertificate';
const ROLES: readonly CertificateRole[] = ['signature', 'exchange'];

/**
 * What a TBSCertificate says, where it is one that keycask writes; each byte of it is looked at.
 *
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA) for every other one.
 */
export async function decodeTbsCertificate(
  der: Uint8Array,
  scheme: SignatureScheme,
): Promise<CertificateRequest> {
  if (der.length > MAX_TBS) throw refused('longer than a certificate');
  const facts = readFacts(der);
  for (const role of ROLES) {
    const request = { ...facts, role, scheme };
    // What is not read here is what the encoder would write, or it is refused.
    const written = await encodeTbsCertificate(request).catch(() => refuseKey());
    if (equalBytes(written, der)) return request;
  }
  throw refused('not one that keycask writes');
}

/** The fields that differ from one certificate to the next. */
function readFacts(der: Uint8Array): Omit<CertificateRequest, 'role' | 'scheme'> {
  const outer = new DerReader(der, FORMAT);
  const tbs = outer.enter(TAG.SEQUENCE, FORMAT);
  outer.end();
  tbs.element(contextConstructed(0), 'version');
  tbs.element(TAG.INTEGER, 'serialNumber');
  tbs.element(TAG.SEQUENCE, 'signature');
  const issuerKeyId = readName(tbs, 'issuer');
  const validity = tbs.enter(TAG.SEQUENCE, 'validity');
  const tag = validity.peek() === TAG.UTC_TIME ? TAG.UTC_TIME : TAG.GENERALIZED_TIME;
  const notBefore = validity.time('notBefore', tag);
  const keyId = readName(tbs, 'subject');
  const publicKey = tbs.element(TAG.SEQUENCE, 'subjectPublicKeyInfo');
  return { issuerKeyId, notBefore, keyId, publicKey };
}

/** A name of one common name: a key identifier in hex. */
function readName(tbs: DerReader, field: string): Uint8Array {
  const attribute = tbs.enter(TAG.SEQUENCE, field).enter(TAG.SET, field).enter(TAG.SEQUENCE, field);
  attribute.element(TAG.OBJECT_IDENTIFIER, field);
  const keyId = fromHex(attribute.utf8(field, { max: 64 }));
  if (keyId?.length !== KEY_ID_LENGTH) throw refused(`${field}: not a key identifier`);
  return keyId;
}

/** What is certified is read by a package with errors of its own. */
function refuseKey(): never {
  throw refused('what it certifies is no public key');
}

function refused(problem: string): BlobFormatError {
  return new BlobFormatError({ format: FORMAT, field: FORMAT, offset: 0, problem });
}

const KEY_ID_LENGTH = 20;
/** Ours have less than 600 bytes beside the key, and RSA-16384 has 2,100. The package that encodes takes seconds for what is far longer. */
const MAX_TBS = 4096;
