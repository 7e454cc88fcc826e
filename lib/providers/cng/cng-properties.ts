/** Properties of a CNG key: Windows' own, the facts that keycask keeps with it, and custom ones. */
import { createHash } from 'node:crypto';
import type { NCrypt } from '../../../native-bindings/ncrypt.ts';
import {
  NCRYPT_EXPORT_POLICY_PROPERTY,
  NCRYPT_KEY_USAGE_PROPERTY,
  NCRYPT_LAST_MODIFIED_PROPERTY,
  NCRYPT_PERSIST_FLAG,
  NCRYPT_UI_FORCE_HIGH_PROTECTION_FLAG,
  NCRYPT_UI_PROTECT_KEY_FLAG,
  NCRYPT_USE_PER_BOOT_KEY_PROPERTY,
  NCRYPT_USE_VIRTUAL_ISOLATION_PROPERTY,
} from '../../../native-bindings/ncrypt-constants.ts';
import { hasStatus, WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { encodeUtf8, toHex } from '../../bytes/octets.ts';
import type { ExportPolicy, KeyUsage, UiPolicy } from '../../contracts/provider.ts';
import {
  decodeKeyFacts,
  encodeKeyFacts,
  EXPORT_FLAGS,
  USAGE_FLAGS,
} from '../key-files/key-facts-der.ts';
import type { KeyFacts } from '../key-files/key-facts.ts';
import { defaultProperties, type KeyKind, type StoredProperties } from '../rules/key-properties.ts';
import { LIMITS } from '../rules/limits.ts';

/** What keycask keeps with a key; undefined of a key that it did not make, `damaged` where what is kept is no facts. */
export function readFacts(ncrypt: NCrypt, key: Handle): KeyFacts | 'damaged' | undefined {
  const der = readProperty(ncrypt, key, FACTS_PROPERTY);
  if (!der) return undefined;
  try {
    return decodeKeyFacts(der);
  } catch {
    return 'damaged';
  }
}

export function writeFacts(ncrypt: NCrypt, key: Handle, facts: KeyFacts): void {
  ncrypt.setProperty(key, FACTS_PROPERTY, encodeKeyFacts(facts), NCRYPT_PERSIST_FLAG);
}

/** Notes that a copy of the key is in the legacy store. */
export function markLegacyStore(ncrypt: NCrypt, key: Handle): void {
  ncrypt.setProperty(key, LEGACY_STORE_PROPERTY, Uint8Array.of(1), NCRYPT_PERSIST_FLAG);
}

export function isInLegacyStore(ncrypt: NCrypt, key: Handle): boolean {
  return readProperty(ncrypt, key, LEGACY_STORE_PROPERTY) !== undefined;
}

/** Is it in VBS, whatever was asked for? */
export function isIsolated(ncrypt: NCrypt, key: Handle): boolean {
  return isFlagSet(ncrypt, key, NCRYPT_USE_VIRTUAL_ISOLATION_PROPERTY);
}

export function isPerBoot(ncrypt: NCrypt, key: Handle): boolean {
  return isFlagSet(ncrypt, key, NCRYPT_USE_PER_BOOT_KEY_PROPERTY);
}

function isFlagSet(ncrypt: NCrypt, key: Handle, name: string): boolean {
  return (readDword(readProperty(ncrypt, key, name)) ?? 0) !== 0;
}

/** The properties of a key that keycask did not make. */
export function nativeProperties(ncrypt: NCrypt, key: Handle, kind: KeyKind): StoredProperties {
  const policy = readDword(readProperty(ncrypt, key, NCRYPT_EXPORT_POLICY_PROPERTY));
  const usages = readDword(readProperty(ncrypt, key, NCRYPT_KEY_USAGE_PROPERTY));
  const modified = readFileTime(readProperty(ncrypt, key, NCRYPT_LAST_MODIFIED_PROPERTY));
  const defaults = defaultProperties(kind, 'none', modified);
  const allowed = defaults.keyUsage.filter((usage) => ((usages ?? 0) & USAGE_FLAGS[usage]) !== 0);
  const has = (flag: keyof ExportPolicy): boolean => ((policy ?? 0) & EXPORT_FLAGS[flag]) !== 0;
  return {
    ...defaults,
    exportPolicy: {
      export: has('export'),
      plaintextExport: has('plaintextExport'),
      archive: has('archive'),
      plaintextArchive: has('plaintextArchive'),
    },
    keyUsage: usages === undefined ? defaults.keyUsage : allowed,
    uiPolicy: { level: uiLevelOf(ncrypt, key) },
  };
}

function uiLevelOf(ncrypt: NCrypt, key: Handle): UiPolicy['level'] {
  const flags = unlessAbsent(() => ncrypt.getUiPolicy(key).flags) ?? 0;
  if ((flags & NCRYPT_UI_FORCE_HIGH_PROTECTION_FLAG) !== 0) return 'force-high';
  return (flags & NCRYPT_UI_PROTECT_KEY_FLAG) === 0 ? 'none' : 'protect';
}

/** NCRYPT_EXPORT_POLICY_PROPERTY: a DWORD of NCRYPT_ALLOW_*_FLAG. */
export function exportPolicyDword(policy: ExportPolicy): Uint8Array {
  const flags = Object.keys(EXPORT_FLAGS) as (keyof ExportPolicy)[];
  return dword(flags.reduce((sum, flag) => sum | (policy[flag] ? EXPORT_FLAGS[flag] : 0), 0));
}

/** NCRYPT_KEY_USAGE_PROPERTY: a DWORD of NCRYPT_ALLOW_*_FLAG. */
export function keyUsageDword(usages: readonly KeyUsage[]): Uint8Array {
  return dword(usages.reduce((sum, usage) => sum | USAGE_FLAGS[usage], 0));
}

/**
 * A custom property. CNG has no way to remove one, and a value may be empty, so that the first byte says what there is.
 *
 *   0: removed. 1: the value follows. 2: the value follows but for its last byte, which did not fit and is in a property of its own.
 */
export function readCustom(ncrypt: NCrypt, key: Handle, name: string): Uint8Array | undefined {
  const stored = readProperty(ncrypt, key, customProperty(name));
  if (!stored || stored.length === 0 || stored[0] === REMOVED) return undefined;
  if (stored[0] === WHOLE) return stored.slice(1);
  const rest = readProperty(ncrypt, key, customProperty(`${name}\0`)) ?? new Uint8Array(0);
  const value = new Uint8Array(stored.length - 1 + rest.length);
  value.set(stored.subarray(1));
  value.set(rest, stored.length - 1);
  return value;
}

// oxlint-disable-next-line max-params -- a name and its value, of a key
export function writeCustom(
  ncrypt: NCrypt,
  key: Handle,
  name: string,
  value: Uint8Array | undefined,
): void {
  const set = (property: string, bytes: Uint8Array): void =>
    ncrypt.setProperty(key, property, bytes, NCRYPT_PERSIST_FLAG);
  if (value === undefined) return set(customProperty(name), Uint8Array.of(REMOVED));
  const fits = value.length < LIMITS.customValue.max;
  const head = fits ? value : value.subarray(0, -1);
  // The rest first: the head then tells of it.
  if (!fits) set(customProperty(`${name}\0`), value.slice(-1));
  const stored = new Uint8Array(1 + head.length);
  stored[0] = fits ? WHOLE : CUT;
  stored.set(head, 1);
  set(customProperty(name), stored);
}

/** @returns undefined where the key has no such property. */
export function readProperty(ncrypt: NCrypt, key: Handle, name: string): Uint8Array | undefined {
  return unlessAbsent(() => ncrypt.getProperty(key, name));
}

function unlessAbsent<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (hasStatus(error, ...ABSENT)) return undefined;
    throw error;
  }
}

export function readDword(bytes: Uint8Array | undefined): number | undefined {
  if (bytes?.length !== 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** A wide string, up to its terminating zero. */
export function readText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf16le');
  return text.replace(/\0.*$/s, '');
}

export function dword(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** FILETIME (minwinbase.h): 100 ns since 1601. The epoch where there is none. */
function readFileTime(bytes: Uint8Array | undefined): Date {
  if (bytes?.length !== 8) return new Date(0);
  const ticks = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  return new Date(Number(ticks / TICKS_PER_MS - MS_FROM_1601_TO_1970));
}

/** Not the name itself: `Length` or `Export Policy` would be Windows' own, and a prefix would not fit into 64 characters. */
function customProperty(name: string): string {
  const digest = createHash('sha256').update(encodeUtf8(name)).digest().subarray(0, 20);
  return `keycask:${toHex(digest)}`;
}

const FACTS_PROPERTY = 'keycask facts';
const LEGACY_STORE_PROPERTY = 'keycask legacy store';
const REMOVED = 0;
const WHOLE = 1;
const CUT = 2;
const ABSENT = [
  WINDOWS_STATUS.NTE_NOT_FOUND,
  WINDOWS_STATUS.NTE_NOT_SUPPORTED,
  // Wine's own ncrypt.
  WINDOWS_STATUS.NTE_INVALID_PARAMETER,
];
const TICKS_PER_MS = 10_000n;
const MS_FROM_1601_TO_1970 = 11_644_473_600_000n;
