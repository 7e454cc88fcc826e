/**
 * Which condition a recipient of a DPAPI-NG blob stands for: the other key attribute of its KEK identifier. Source: the blobs of
 * NCryptProtectSecret; MS "Protection Descriptors".
 *
 *     keyAttr ::= SEQUENCE { type OBJECT IDENTIFIER, SEQUENCE OF SEQUENCE OF SEQUENCE { name UTF8String, value UTF8String } }
 *
 * The type is an arc below 1.3.6.1.4.1.311.74.1. Every blob that was seen has one pair: SID and `S-1-...`, LOCAL and `user`.
 */
import { DerReader } from '../bytes/der-reader.ts';
import { TAG } from '../bytes/der-tags.ts';
import { sequence, tlv, utf8String } from '../bytes/der-writer.ts';
import { concatBytes, equalBytes } from '../bytes/octets.ts';
import { BlobFormatError } from '../errors.ts';

/** What kinds of condition there are: the last arc of each type's object identifier. */
const CONDITION_ARC = {
  SID: 1,
  KEY: 3,
  SDDL: 5,
  MSIDCRL: 6,
  WEBCREDENTIALS: 7,
  LOCAL: 8,
  DRACERT: 9,
  VAULT: 10,
  CERTIFICATE: 11,
  KEYFILE: 12,
} as const;

export type ConditionKind = keyof typeof CONDITION_ARC;

/** One condition of a protection descriptor. */
export interface ProtectionCondition {
  /** Undefined for a type that is not known here. */
  readonly kind: ConditionKind | undefined;
  /** The type, as DER of an object identifier. */
  readonly type: Uint8Array;
  /** `SID`, `LOCAL`; undefined where the values have another shape than one pair. */
  readonly name?: string;
  /** `S-1-5-18`, `user`; undefined where the values have another shape than one pair. */
  readonly value?: string;
  /** DER of the values, whatever they are. */
  readonly values: Uint8Array;
}

/** A condition that is one pair, which is how the rule string `SID=S-1-5-18` has it. */
export function makeCondition(kind: ConditionKind, value: string): ProtectionCondition {
  const pair = sequence(utf8String(kind), utf8String(value));
  const values = sequence(sequence(pair));
  return { kind, type: typeOf(CONDITION_ARC[kind]), name: kind, value, values };
}

/** Reads a keyAttr. @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA). */
export function decodeCondition(der: Uint8Array): ProtectionCondition {
  const r = new DerReader(der, 'ProtectionDescriptor');
  const body = r.enter(TAG.SEQUENCE, 'keyAttr');
  const type = body.element(TAG.OBJECT_IDENTIFIER, 'type');
  const values = body.element(TAG.SEQUENCE, 'values');
  body.end();
  r.end();
  return { kind: kindOf(type), type, ...pairOf(values), values };
}

/** Writes a keyAttr. */
export function encodeCondition({ type, values }: ProtectionCondition): Uint8Array {
  return sequence(type, values);
}

/** The one name and value; nothing for another shape, which stays what it is in `values`. */
function pairOf(values: Uint8Array): { name?: string; value?: string } {
  try {
    const alternatives = new DerReader(values, 'values').enter(TAG.SEQUENCE, 'values');
    const pairs = alternatives.enter(TAG.SEQUENCE, 'values');
    const pair = pairs.enter(TAG.SEQUENCE, 'pair');
    const name = pair.utf8('name', { max: 64 });
    const value = pair.utf8('value', { max: MAX_VALUE });
    for (const reader of [pair, pairs, alternatives]) reader.end();
    return { name, value };
  } catch (error) {
    if (error instanceof BlobFormatError) return {};
    throw error;
  }
}

function kindOf(type: Uint8Array): ConditionKind | undefined {
  const kinds = Object.keys(CONDITION_ARC) as ConditionKind[];
  return kinds.find((kind) => equalBytes(typeOf(CONDITION_ARC[kind]), type));
}

/** An object identifier below Microsoft's arc of protection descriptors; every arc under 128 is one byte. */
function typeOf(arc: number): Uint8Array {
  return tlv(TAG.OBJECT_IDENTIFIER, concatBytes(DESCRIPTOR_ARC, Uint8Array.of(arc)));
}

/** 1.3.6.1.4.1.311.74.1, without its tag and length. */
const DESCRIPTOR_ARC = Uint8Array.of(0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x4a, 1);
/** A certificate in base64 is the longest value of a rule. */
const MAX_VALUE = 1 << 16;
