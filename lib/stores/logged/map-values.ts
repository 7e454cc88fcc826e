/**
 * What the map of a log over records has: its keys and its values.
 *
 *   key: SHA-256(kind ‖ what it is the key of)
 *
 *   MapValue ::= CHOICE {
 *     record [0] IMPLICIT SEQUENCE { version INTEGER (1..), index INTEGER (1..), created INTEGER (1..index), label UTF8String (0..255),
 *       sha256 OCTET STRING (SIZE (0 | 32)), before OCTET STRING (SIZE (0 | 16)) },    -- of an id (16 bytes)
 *     label  [1] IMPLICIT SEQUENCE { newest OCTET STRING (16) },                       -- of a label's UTF-8
 *     home   [2] IMPLICIT SEQUENCE { first INTEGER (1..), newest INTEGER (first..) },   -- of a home's id (16 bytes)
 *     trust  [3] IMPLICIT SEQUENCE { sha256 OCTET STRING (32), index INTEGER (1..) } } -- of a home's id ‖ version of its trust.cms (4 bytes)
 *
 * The kind is 00 to 03, as the tags are numbered. An index is that of a leaf, counted from 1.
 */
import { hash } from 'node:crypto';
import { DerReader } from '../../bytes/der-reader.ts';
import { contextConstructed } from '../../bytes/der-tags.ts';
import { context, integer, octetString, utf8String } from '../../bytes/der-writer.ts';
import { concatBytes, encodeUtf8, fromHex, plainBytes, toHex } from '../../bytes/octets.ts';
import { METADATA_LIMITS } from '../../cms/metadata.ts';
import { KeyStoreError } from '../../errors.ts';

/** What the log says of one record. */
export interface RecordValue {
  readonly version: number;
  /** Of its newest leaf. */
  readonly index: number;
  /** Of its first leaf. */
  readonly created: number;
  /** The same from its first leaf on. */
  readonly label: string;
  /** SHA-256 of the record; undefined where it is deleted. */
  readonly sha256: Uint8Array | undefined;
  /** The record of the same label that was made before it, deleted or not. */
  readonly before: string | undefined;
}

/** Versions of the trust.cms that a home has entered, all in between too. */
export interface HomeValue {
  readonly first: number;
  readonly newest: number;
}

/** A trust.cms of a home. */
export interface TrustValue {
  readonly sha256: Uint8Array;
  /** Of its leaf. */
  readonly index: number;
}

const KINDS = { record: 0, label: 1, home: 2, trust: 3 } as const;
type Kind = keyof typeof KINDS;
const MAX_INDEX = 2 ** 48 - 1;
const INDEX = { min: 1, max: MAX_INDEX };

export const recordKey = (id: string): Uint8Array => keyOf('record', idBytes(id));
export const labelKey = (label: string): Uint8Array => keyOf('label', encodeUtf8(label));
export const homeKey = (homeId: Uint8Array): Uint8Array => keyOf('home', homeId);

export function trustKey(homeId: Uint8Array, version: number): Uint8Array {
  const number = new Uint8Array(4);
  new DataView(number.buffer).setUint32(0, version);
  return keyOf('trust', homeId, number);
}

export function encodeRecordValue(value: RecordValue): Uint8Array {
  const { version, index, created, label, sha256, before } = value;
  return context(
    KINDS.record,
    integer(version),
    integer(index),
    integer(created),
    utf8String(label),
    octetString(sha256 ?? NOTHING),
    octetString(before === undefined ? NOTHING : idBytes(before)),
  );
}

/** @throws KeyStoreError MANIFEST_DAMAGED, as all of these do for bytes that are no such value. */
export function decodeRecordValue(der: Uint8Array): RecordValue {
  return decoded('record', der, (r) => {
    const version = r.integer('version', { min: 1 });
    const index = r.integer('index', INDEX);
    const created = r.integer('created', { min: 1, max: index });
    const label = r.utf8('label', { max: METADATA_LIMITS.label });
    const sha256 = optional(r, 'sha256', 32);
    const id = optional(r, 'before', 16);
    return { version, index, created, label, sha256, before: id && toHex(id) };
  });
}

/** Is it the value of a record? */
export function isRecordValue(der: Uint8Array): boolean {
  return der[0] === contextConstructed(KINDS.record);
}

export function encodeLabelValue(newest: string): Uint8Array {
  return context(KINDS.label, octetString(idBytes(newest)));
}

/** @returns The id of the newest record of the label. */
export function decodeLabelValue(der: Uint8Array): string {
  return decoded('label', der, (r) => toHex(r.octets('newest', { min: 16, max: 16 })));
}

export function encodeHomeValue({ first, newest }: HomeValue): Uint8Array {
  return context(KINDS.home, integer(first), integer(newest));
}

export function decodeHomeValue(der: Uint8Array): HomeValue {
  return decoded('home', der, (r) => {
    const first = r.integer('first', { min: 1 });
    return { first, newest: r.integer('newest', { min: first }) };
  });
}

export function encodeTrustValue({ sha256, index }: TrustValue): Uint8Array {
  return context(KINDS.trust, octetString(sha256), integer(index));
}

export function decodeTrustValue(der: Uint8Array): TrustValue {
  return decoded('trust', der, (r) => {
    const sha256 = r.octets('sha256', { min: 32, max: 32 });
    return { sha256, index: r.integer('index', INDEX) };
  });
}

const NOTHING = new Uint8Array(0);

function keyOf(kind: Kind, ...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = concatBytes(Uint8Array.of(KINDS[kind]), ...parts);
  return plainBytes(hash('sha256', bytes, 'buffer'));
}

/** Whoever signed the state of a log put it there: it is the log that is wrong, and not the place where it is kept. */
function decoded<T>(kind: Kind, der: Uint8Array, read: (r: DerReader) => T): T {
  try {
    const outer = new DerReader(der, 'MapValue');
    const r = outer.enter(contextConstructed(KINDS[kind]), kind);
    outer.end();
    const value = read(r);
    r.end();
    return value;
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    throw new KeyStoreError('MANIFEST_DAMAGED', `the map has no ${kind}: ${error.message}`);
  }
}

function optional(r: DerReader, field: string, length: number): Uint8Array | undefined {
  const bytes = r.octets(field, { max: length });
  if (bytes.length === 0) return undefined;
  if (bytes.length !== length) r.fail(field, `want ${length} bytes or none`);
  return bytes;
}

function idBytes(id: string): Uint8Array {
  const bytes = fromHex(id);
  if (bytes?.length !== 16)
    throw new KeyStoreError('PARAMETER_INVALID', 'an id is 32 lower-case hex digits');
  return bytes;
}
