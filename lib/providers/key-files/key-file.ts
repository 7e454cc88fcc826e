/**
 * The key file: one key pair, its private half sealed, or a reference to where it lies.
 *
 *   KeyFile ::= SEQUENCE {
 *     version     INTEGER (1),
 *     facts       KeyFacts,
 *     protector   SEQUENCE { name UTF8String, parameters SEQUENCE, wrappedFileKey OCTET STRING },
 *     nonce       OCTET STRING (12), ciphertext OCTET STRING, tag OCTET STRING (16) }            AES-256-GCM
 *
 * Associated data of the seal: DER of SEQUENCE { version, facts, protector }. docs/formats/key-file.md.
 */
import { DerReader } from '../../bytes/der-reader.ts';
import { TAG } from '../../bytes/der-tags.ts';
import { integer, octetString, sequence, utf8String } from '../../bytes/der-writer.ts';
import { LIMITS } from '../rules/limits.ts';
import { encodeKeyFacts, readKeyFacts } from './key-facts-der.ts';
import type { KeyFacts } from './key-facts.ts';
import type { ProtectedFileKey } from './protector.ts';

/** The private key under its seal. */
interface Seal {
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
  /** 16 bytes. */
  readonly tag: Uint8Array;
}

export interface KeyFile extends Seal {
  readonly facts: KeyFacts;
  readonly protector: ProtectedFileKey;
}

export interface DecodedKeyFile extends KeyFile {
  /** As it was sealed. */
  readonly associatedData: Uint8Array;
}

/** What the seal authenticates besides the private key. */
export function associatedData(facts: KeyFacts, protector: ProtectedFileKey): Uint8Array {
  return sequence(V1, encodeKeyFacts(facts), encodeProtector(protector));
}

export function encodeKeyFile({ facts, protector, nonce, ciphertext, tag }: KeyFile): Uint8Array {
  return sequence(
    V1,
    encodeKeyFacts(facts),
    encodeProtector(protector),
    octetString(nonce),
    octetString(ciphertext),
    octetString(tag),
  );
}

/** Strict: `encodeKeyFile(decodeKeyFile(b))` is `b`. Nothing is authenticated yet. */
export function decodeKeyFile(bytes: Uint8Array): DecodedKeyFile {
  const outer = new DerReader(bytes, 'KeyFile');
  const file = outer.enter(TAG.SEQUENCE, 'KeyFile');
  outer.end();
  file.expect(V1, 'version', 'BLOB_VERSION_UNSUPPORTED');
  const factsDer = file.element(TAG.SEQUENCE, 'facts');
  const protectorDer = file.element(TAG.SEQUENCE, 'protector');
  const nonce = file.octets('nonce', { min: 12, max: 12 });
  const ciphertext = file.octets('ciphertext', LIMITS.sealedPrivateKey);
  const tag = file.octets('tag', { min: 16, max: 16 });
  file.end();
  const facts = readKeyFacts(new DerReader(factsDer, 'KeyFile').enter(TAG.SEQUENCE, 'facts'));
  const protector = readProtector(
    new DerReader(protectorDer, 'KeyFile').enter(TAG.SEQUENCE, 'protector'),
  );
  const signed = sequence(V1, factsDer, protectorDer);
  return { facts, protector, nonce, ciphertext, tag, associatedData: signed };
}

function encodeProtector({ name, parameters, wrappedFileKey }: ProtectedFileKey): Uint8Array {
  return sequence(utf8String(name), parameters, octetString(wrappedFileKey));
}

function readProtector(r: DerReader): ProtectedFileKey {
  const name = r.utf8('protector.name', { min: 1, max: 64 });
  const parameters = r.element(TAG.SEQUENCE, 'protector.parameters');
  const wrappedFileKey = r.octets('protector.wrappedFileKey', LIMITS.wrappedFileKey);
  r.end();
  return { name, parameters, wrappedFileKey };
}

const V1 = integer(1);
