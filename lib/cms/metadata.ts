/**
 * keycask-metadata: what a record says of its key, signed with it.
 *
 *   KeycaskMetadata ::= SEQUENCE {
 *     version INTEGER (1), recordId OCTET STRING (16), recordVersion INTEGER (1..), label UTF8String (0..255), purpose UTF8String (0..64),
 *     algorithm INTEGER (ALG_ID), effectiveBits INTEGER, created GeneralizedTime, notAfter [0] IMPLICIT GeneralizedTime OPTIONAL,
 *     storeId OCTET STRING (16), provenance ENUMERATED, attributes SEQUENCE OF SEQUENCE { name UTF8String, value UTF8String },
 *     commitment [1] IMPLICIT OCTET STRING (32) OPTIONAL, bind [2] IMPLICIT OCTET STRING (32) OPTIONAL }
 */
import { DerReader } from '../bytes/der-reader.ts';
import { contextPrimitive, TAG } from '../bytes/der-tags.ts';
import {
  assemble,
  contextOctets,
  generalizedTime,
  integer,
  octetString,
  sequence,
  utf8String,
} from '../bytes/der-writer.ts';

/** Where the key came from. A record made from an unsigned blob may decrypt only, until somebody adopts it. */
export type Provenance = 'generated' | 'imported-signed' | 'imported-unsigned' | 'adopted';

export interface KeyMetadata {
  /** 16 random bytes; the record's name in the store, in hex. */
  readonly recordId: Uint8Array;
  /** Counted from 1; each re-wrap adds 1. */
  readonly recordVersion: number;
  /** At most 255 bytes of UTF-8, no control characters. */
  readonly label: string;
  /** `files`, `data`, …: at most 64 bytes. */
  readonly purpose: string;
  /** ALG_ID of the session key (wincrypt.h): 0x6610 is AES-256. */
  readonly algorithm: number;
  readonly effectiveBits: number;
  /** To the second. */
  readonly created: Date;
  /** After this time the key may decrypt but not encrypt. */
  readonly notAfter?: Date;
  /** 16 bytes. */
  readonly storeId: Uint8Array;
  readonly provenance: Provenance;
  /** The application's own pairs: at most 32 of different names, in the order given. */
  readonly attributes: readonly (readonly [name: string, value: string])[];
  /** HKDF of the session key: the same through every re-wrap. Absent in classic records of keys under 128 bits. */
  readonly commitment?: Uint8Array;
  /** HMAC that shows that whoever signed knew the session key. Present where `commitment` is. */
  readonly bind?: Uint8Array;
}

const VERSION = integer(1);
/** Enum zero is "unknown" and always refused. */
const PROVENANCE: readonly (Provenance | undefined)[] = [
  undefined,
  'generated',
  'imported-signed',
  'imported-unsigned',
  'adopted',
];
const MAX_ATTRIBUTES = 32;
const SIXTEEN = { min: 16, max: 16 };
const DIGEST = { min: 32, max: 32 };
/** Tag, length, digest. */
const BIND_FIELD_LENGTH = 2 + 32;
/** RC2's longest effective length (KP_EFFECTIVE_KEYLEN). */
const MAX_EFFECTIVE_BITS = 1024;
export const METADATA_LIMITS = {
  label: 255,
  purpose: 64,
  attributeName: 64,
  attributeValue: 1024,
  attributes: MAX_ATTRIBUTES,
} as const;

export function encodeKeyMetadata(metadata: KeyMetadata): Uint8Array {
  const { commitment, bind } = metadata;
  return assemble(() =>
    sequence(
      VERSION,
      octetString(metadata.recordId),
      integer(metadata.recordVersion),
      utf8String(metadata.label),
      utf8String(metadata.purpose),
      integer(metadata.algorithm),
      integer(metadata.effectiveBits),
      generalizedTime(metadata.created),
      ...(metadata.notAfter ? [generalizedTime(metadata.notAfter, contextPrimitive(0))] : []),
      octetString(metadata.storeId),
      integer(PROVENANCE.indexOf(metadata.provenance), TAG.ENUMERATED),
      sequence(
        ...metadata.attributes.map(([name, value]) =>
          sequence(utf8String(name), utf8String(value)),
        ),
      ),
      ...(commitment ? [contextOctets(1, commitment)] : []),
      ...(bind ? [contextOctets(2, bind)] : []),
    ),
  );
}

/** The DER of metadata with `bind` as its last field, from that without. */
export function withBind(unbound: Uint8Array, bind: Uint8Array): Uint8Array {
  return sequence(contentsOf(unbound), contextOctets(2, bind));
}

/** The DER that `bind` is made over, from that of metadata which carries it: its last field taken off. */
export function withoutBind(bound: Uint8Array): Uint8Array {
  return sequence(contentsOf(bound).subarray(0, -BIND_FIELD_LENGTH));
}

function contentsOf(der: Uint8Array): Uint8Array {
  return new DerReader(der, 'keycask-metadata').read(TAG.SEQUENCE, 'KeycaskMetadata');
}

export function decodeKeyMetadata(der: Uint8Array): KeyMetadata {
  const outer = new DerReader(der, 'keycask-metadata');
  const r = outer.enter(TAG.SEQUENCE, 'KeycaskMetadata');
  outer.end();
  r.expect(VERSION, 'version', 'BLOB_VERSION_UNSUPPORTED');
  const recordId = r.octets('recordId', SIXTEEN);
  const recordVersion = r.integer('recordVersion', { min: 1 });
  const label = r.utf8('label', { max: METADATA_LIMITS.label });
  const purpose = r.utf8('purpose', { max: METADATA_LIMITS.purpose });
  const algorithm = r.integer('algorithm', { max: 0xffff });
  const effectiveBits = r.integer('effectiveBits', { min: 1, max: MAX_EFFECTIVE_BITS });
  const created = r.time('created');
  const notAfter =
    r.peek() === contextPrimitive(0) ? r.time('notAfter', contextPrimitive(0)) : undefined;
  const storeId = r.octets('storeId', SIXTEEN);
  const provenance =
    PROVENANCE[
      r.integer('provenance', { min: 1, max: PROVENANCE.length - 1, tag: TAG.ENUMERATED })
    ]!;
  const attributes = readAttributes(r.enter(TAG.SEQUENCE, 'attributes'));
  const commitment =
    r.peek() === contextPrimitive(1)
      ? r.octets('commitment', { tag: contextPrimitive(1), ...DIGEST })
      : undefined;
  const bind = commitment ? r.octets('bind', { tag: contextPrimitive(2), ...DIGEST }) : undefined;
  r.end();
  return {
    recordId,
    recordVersion,
    label,
    purpose,
    algorithm,
    effectiveBits,
    created,
    storeId,
    provenance,
    attributes,
    ...(notAfter && { notAfter }),
    ...(commitment && { commitment }),
    ...(bind && { bind }),
  };
}

function readAttributes(r: DerReader): [string, string][] {
  const attributes: [string, string][] = [];
  const names = new Set<string>();
  while (r.peek() !== -1) {
    if (attributes.length === MAX_ATTRIBUTES) r.fail('attributes', `more than ${MAX_ATTRIBUTES}`);
    const pair = r.enter(TAG.SEQUENCE, 'attribute');
    const name = pair.utf8('attribute.name', { min: 1, max: METADATA_LIMITS.attributeName });
    if (names.has(name)) pair.fail('attribute.name', 'a name twice: which value holds?');
    names.add(name);
    attributes.push([name, pair.utf8('attribute.value', { max: METADATA_LIMITS.attributeValue })]);
    pair.end();
  }
  return attributes;
}
