/**
 * KeyFacts: what is said of a key, as DER.
 *
 *   KeyFacts ::= SEQUENCE {
 *     generation INTEGER (1..), content ENUMERATED, name UTF8String, scope ENUMERATED, legacyKeySpec ENUMERATED,
 *     algorithm ENUMERATED, publicKey SubjectPublicKeyInfo, properties KeyProperties, bootSecretId [0] OCTET STRING (16) OPTIONAL }
 *   KeyProperties ::= SEQUENCE {
 *     exportPolicy INTEGER, keyUsage INTEGER,                                                    flags of ncrypt.h
 *     uiPolicy SEQUENCE { level ENUMERATED, title UTF8String OPTIONAL }, isolation ENUMERATED,
 *     modified GeneralizedTime, custom SEQUENCE OF SEQUENCE { name UTF8String, value OCTET STRING } }   ascending, by name
 *
 */
import { DerReader } from '../../bytes/der-reader.ts';
import { contextPrimitive, TAG } from '../../bytes/der-tags.ts';
import {
  contextOctets,
  generalizedTime,
  integer,
  octetString,
  sequence,
  utf8String,
} from '../../bytes/der-writer.ts';
import { compareBytes, encodeUtf8 } from '../../bytes/octets.ts';
import { decodeSpki } from '../../cms/spki.ts';
import type {
  ExportPolicy,
  Isolation,
  KeyScope,
  KeyUsage,
  LegacyKeySpec,
  UiPolicy,
} from '../../contracts/provider.ts';
import { curveOf, type KeyAlgorithm } from '../../keys/key-algorithms.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import { LIMITS } from '../rules/limits.ts';
import type { KeyFacts, SealedContent } from './key-facts.ts';

/** One KeyFacts and nothing after it. @throws BlobFormatError. */
export function decodeKeyFacts(der: Uint8Array): KeyFacts {
  const outer = new DerReader(der, 'KeyFacts');
  const facts = readKeyFacts(outer.enter(TAG.SEQUENCE, 'KeyFacts'));
  outer.end();
  return facts;
}

/** DER of KeyFacts. */
export function encodeKeyFacts(facts: KeyFacts): Uint8Array {
  return sequence(
    integer(facts.generation),
    enumerated(CONTENTS, facts.content),
    utf8String(facts.name),
    enumerated(SCOPES, facts.scope),
    enumerated(SPECS, facts.legacyKeySpec),
    enumerated(ALGORITHMS, facts.algorithm),
    facts.publicKey,
    encodeProperties(facts.properties),
    ...(facts.bootSecretId ? [contextOctets(0, facts.bootSecretId)] : []),
  );
}

/** Reads the fields of KeyFacts to their end. Strict: what is read is written the same. */
export function readKeyFacts(r: DerReader): KeyFacts {
  const generation = r.integer('generation', { min: 1 });
  const content = readEnumerated(r, 'content', CONTENTS);
  const name = r.utf8('name', LIMITS.nameInBytes);
  const scope = readEnumerated(r, 'scope', SCOPES);
  const legacyKeySpec = readEnumerated(r, 'legacyKeySpec', SPECS);
  const algorithm = readEnumerated(r, 'algorithm', ALGORITHMS);
  const publicKey = r.element(TAG.SEQUENCE, 'publicKey');
  const key = decodeSpki(publicKey);
  if (curveOf(algorithm) !== (key.type === 'ec' ? key.curve : undefined))
    r.fail('publicKey', `not a key of ${algorithm}`);
  const properties = readProperties(r.enter(TAG.SEQUENCE, 'properties'));
  const bootSecretId =
    r.peek() === -1
      ? undefined
      : r.octets('bootSecretId', { min: 16, max: 16, tag: contextPrimitive(0) });
  r.end();
  return {
    generation,
    content,
    name,
    scope,
    legacyKeySpec,
    algorithm,
    publicKey,
    properties,
    ...(bootSecretId && { bootSecretId }),
  };
}

function encodeProperties(properties: StoredProperties): Uint8Array {
  const { exportPolicy, keyUsage, uiPolicy, isolation, modified, custom } = properties;
  const entries = [...custom]
    .map(([name, value]) => ({ key: encodeUtf8(name), name, value }))
    .toSorted((a, b) => compareBytes(a.key, b.key));
  return sequence(
    integer(flagsOf(EXPORT_FLAGS, (flag) => exportPolicy[flag])),
    integer(flagsOf(USAGE_FLAGS, (flag) => keyUsage.includes(flag))),
    sequence(
      enumerated(UI_LEVELS, uiPolicy.level),
      ...(uiPolicy.title === undefined ? [] : [utf8String(uiPolicy.title)]),
    ),
    enumerated(ISOLATIONS, isolation),
    generalizedTime(modified),
    sequence(...entries.map(({ name, value }) => sequence(utf8String(name), octetString(value)))),
  );
}

function readProperties(r: DerReader): StoredProperties {
  const exportFlags = r.integer('exportPolicy', { max: 15 });
  const usageFlags = r.integer('keyUsage', { min: 1, max: 7 });
  const ui = r.enter(TAG.SEQUENCE, 'uiPolicy');
  const level = readEnumerated(ui, 'uiPolicy.level', UI_LEVELS);
  const title = ui.peek() === -1 ? undefined : ui.utf8('uiPolicy.title', LIMITS.uiTitleInBytes);
  ui.end();
  const isolation = readEnumerated(r, 'isolation', ISOLATIONS);
  const modified = r.time('modified');
  const custom = readCustom(r.enter(TAG.SEQUENCE, 'custom'));
  r.end();
  const has = (flag: keyof ExportPolicy) => (exportFlags & EXPORT_FLAGS[flag]) !== 0;
  return {
    exportPolicy: {
      export: has('export'),
      plaintextExport: has('plaintextExport'),
      archive: has('archive'),
      plaintextArchive: has('plaintextArchive'),
    },
    keyUsage: keysOf(USAGE_FLAGS).filter((flag) => (usageFlags & USAGE_FLAGS[flag]) !== 0),
    uiPolicy: { level, ...(title !== undefined && { title }) },
    isolation,
    modified,
    custom,
  };
}

function readCustom(r: DerReader): ReadonlyMap<string, Uint8Array> {
  const custom = new Map<string, Uint8Array>();
  let previous: Uint8Array | undefined;
  while (r.peek() !== -1) {
    const entry = r.enter(TAG.SEQUENCE, 'custom');
    const name = entry.utf8('custom.name', LIMITS.customNameInBytes);
    const key = encodeUtf8(name);
    if (previous && compareBytes(previous, key) >= 0)
      entry.fail('custom.name', 'not in ascending order');
    previous = key;
    custom.set(name, entry.octets('custom.value', LIMITS.customValue));
    entry.end();
  }
  return custom;
}

function enumerated<T extends string>(names: readonly T[], name: T): Uint8Array {
  return integer(names.indexOf(name), TAG.ENUMERATED);
}

function readEnumerated<T extends string>(r: DerReader, field: string, names: readonly T[]): T {
  const index = r.integer(field, { max: names.length - 1, tag: TAG.ENUMERATED });
  return names[index]!;
}

function flagsOf<T extends string>(flags: Record<T, number>, isSet: (flag: T) => boolean): number {
  return keysOf(flags).reduce((sum, flag) => sum + (isSet(flag) ? flags[flag] : 0), 0);
}

const keysOf = <T extends string>(record: Record<T, unknown>): T[] => Object.keys(record) as T[];

// Positions are numbers in the format: append only.
const CONTENTS: readonly SealedContent[] = ['pkcs8', 'PRIVATEKEYBLOB', 'reference'];
const SCOPES: readonly KeyScope[] = ['user', 'machine'];
/** 0, AT_KEYEXCHANGE 1, AT_SIGNATURE 2: wincrypt.h. */
const SPECS: readonly LegacyKeySpec[] = ['none', 'AT_KEYEXCHANGE', 'AT_SIGNATURE'];
const ALGORITHMS: readonly KeyAlgorithm[] = [
  'RSA',
  'ECDH_P256',
  'ECDH_P384',
  'ECDSA_P256',
  'ECDSA_P384',
];
const UI_LEVELS: readonly UiPolicy['level'][] = ['none', 'protect', 'force-high'];
const ISOLATIONS: readonly Isolation[] = ['none', 'prefer-vbs', 'require-vbs'];
/** NCRYPT_ALLOW_EXPORT_FLAG and so on, ncrypt.h. */
export const EXPORT_FLAGS = {
  export: 1,
  plaintextExport: 2,
  archive: 4,
  plaintextArchive: 8,
} as const;
/** NCRYPT_ALLOW_DECRYPT_FLAG, NCRYPT_ALLOW_SIGNING_FLAG, NCRYPT_ALLOW_KEY_AGREEMENT_FLAG, ncrypt.h. */
export const USAGE_FLAGS: Record<KeyUsage, number> = { decrypt: 1, sign: 2, agree: 4 };
