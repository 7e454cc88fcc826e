/** Which properties a key has, and which changes of them are allowed when. */
import { decodeUtf8, encodeUtf8 } from '../../bytes/octets.ts';
import type {
  ExportPolicy,
  Isolation,
  KeyUsage,
  LegacyKeySpec,
  UiPolicy,
} from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import { LIMITS } from './limits.ts';

/** What decides about a key's properties. */
export interface KeyKind {
  readonly algorithm: KeyAlgorithm;
  readonly legacyKeySpec: LegacyKeySpec;
}

/** Properties that are kept; the others of KeyProperties follow from them. */
export interface StoredProperties {
  readonly exportPolicy: ExportPolicy;
  readonly keyUsage: readonly KeyUsage[];
  readonly uiPolicy: UiPolicy;
  /** What was asked for when the key was made; where there is no VBS, `prefer-vbs` fell back. */
  readonly isolation: Isolation;
  /** To the second. */
  readonly modified: Date;
  /** By NAME of `custom:NAME`. */
  readonly custom: ReadonlyMap<string, Uint8Array>;
}

/** A property as a caller without types may give it. */
export interface PropertyChange {
  readonly property: string;
  readonly value: unknown;
  /** After finalize nothing can be widened, and what is fixed by then is refused. */
  readonly isFinalized: boolean;
}

/** Properties of a new key: exportable, since archives need it, and with every use that its kind allows. */
export function defaultProperties(
  kind: KeyKind,
  isolation: Isolation,
  modified: Date,
): StoredProperties {
  return {
    exportPolicy: { export: true, plaintextExport: true, archive: false, plaintextArchive: false },
    keyUsage: possibleUsages(kind),
    uiPolicy: { level: 'none' },
    custom: new Map(),
    isolation,
    modified,
  };
}

/**
 * The properties after one change.
 *
 * @throws KeyStoreError PARAMETER_INVALID, NOT_SUPPORTED for a property that nobody knows, EXPORT_FORBIDDEN (NTE_BAD_KEY_STATE) where a finalized key would get more rights.
 */
export function changeProperty(
  present: StoredProperties,
  kind: KeyKind,
  change: PropertyChange,
): StoredProperties {
  const { property, value, isFinalized } = change;
  if (property.startsWith('custom:'))
    return {
      ...present,
      custom: changeCustom(present.custom, requireCustomProperty(property, value)),
    };
  switch (property) {
    case 'exportPolicy': {
      const exportPolicy = readExportPolicy(value);
      if (isFinalized) refuseWider(present.exportPolicy, exportPolicy);
      return { ...present, exportPolicy };
    }
    case 'keyUsage': {
      const keyUsage = readKeyUsage(value, kind);
      if (isFinalized && keyUsage.some((usage) => !present.keyUsage.includes(usage)))
        throw new KeyStoreError('EXPORT_FORBIDDEN', 'a finalized key gets no further usages');
      return { ...present, keyUsage };
    }
    case 'uiPolicy':
      if (isFinalized) throw invalid('uiPolicy can be set before the key is finalized only');
      return { ...present, uiPolicy: readUiPolicy(value) };
    case 'length':
      throw isFinalized
        ? invalid('length can be set before the key is finalized only')
        : invalid("length can be set for an RSA key that is being made; other keys' is fixed");
    case 'uniqueName':
    case 'modified':
    case 'posture':
      throw invalid(`${property} can only be read`);
    default:
      throw new KeyStoreError('NOT_SUPPORTED', 'there is no property of that name');
  }
}

/** Every usage that a key of this kind can have. A CryptoAPI exchange key signs too; a signature key does not decrypt. */
function possibleUsages({ algorithm, legacyKeySpec }: KeyKind): readonly KeyUsage[] {
  if (algorithm === 'RSA') return legacyKeySpec === 'AT_SIGNATURE' ? ['sign'] : ['decrypt', 'sign'];
  return algorithm.startsWith('ECDSA') ? ['sign'] : ['agree'];
}

/** A custom property as it is kept; a value of undefined removes it. */
export interface CustomProperty {
  /** NAME of `custom:NAME`. */
  readonly name: string;
  readonly value: Uint8Array | undefined;
}

/** @throws KeyStoreError PARAMETER_INVALID. */
export function requireCustomProperty(property: string, value: unknown): CustomProperty {
  const name = property.slice('custom:'.length);
  requireText('the name of a custom property', name, 1, LIMITS.customNameInCharacters);
  if (value === undefined) return { name, value };
  if (!(value instanceof Uint8Array) || value.length > LIMITS.customValue.max)
    throw invalid(`a custom property holds at most ${LIMITS.customValue.max} bytes`);
  return { name, value: Uint8Array.from(value) };
}

function changeCustom(
  present: ReadonlyMap<string, Uint8Array>,
  { name, value }: CustomProperty,
): ReadonlyMap<string, Uint8Array> {
  const custom = new Map(present);
  custom.delete(name);
  if (value === undefined) return custom;
  custom.set(name, value);
  let total = 0;
  for (const bytes of custom.values()) total += bytes.length;
  if (total > LIMITS.customTotal)
    throw invalid(`the custom properties of a key hold at most ${LIMITS.customTotal} bytes`);
  return custom;
}

function readExportPolicy(value: unknown): ExportPolicy {
  const policy = value as ExportPolicy | undefined;
  const flag = (name: keyof ExportPolicy): boolean => {
    const set: unknown = policy?.[name];
    if (typeof set !== 'boolean') throw invalid(`exportPolicy.${name} has to be true or false`);
    return set;
  };
  return {
    export: flag('export'),
    plaintextExport: flag('plaintextExport'),
    archive: flag('archive'),
    plaintextArchive: flag('plaintextArchive'),
  };
}

function refuseWider(present: ExportPolicy, wanted: ExportPolicy): void {
  for (const flag of Object.keys(present) as (keyof ExportPolicy)[])
    if (wanted[flag] && !present[flag])
      throw new KeyStoreError('EXPORT_FORBIDDEN', 'a finalized key gets no wider export policy');
}

function readKeyUsage(value: unknown, kind: KeyKind): readonly KeyUsage[] {
  const possible = possibleUsages(kind);
  const wanted: readonly unknown[] = Array.isArray(value) ? value : [];
  const isPossible = wanted.every((usage) => possible.some((known) => known === usage));
  if (wanted.length === 0 || !isPossible)
    throw invalid(`keyUsage: this key can have ${possible.join(', ')}`);
  return possible.filter((usage) => wanted.includes(usage));
}

function readUiPolicy(value: unknown): UiPolicy {
  const { level, title } = (value ?? {}) as { level?: unknown; title?: unknown };
  if (level !== 'none' && level !== 'protect' && level !== 'force-high')
    throw invalid('uiPolicy.level: want none, protect or force-high');
  if (title === undefined) return { level };
  requireText('uiPolicy.title', title, 0, LIMITS.uiTitleInCharacters);
  return { level, title };
}

/** Text that a key file can hold: well formed, without control characters. */
// oxlint-disable-next-line max-params -- what, and its bounds
export function requireText(
  what: string,
  value: unknown,
  min: number,
  max: number,
): asserts value is string {
  const isText = typeof value === 'string' && value.length >= min && value.length <= max;
  if (!isText || decodeUtf8(encodeUtf8(value)) !== value || CONTROL_CHARACTERS.test(value))
    throw invalid(`${what}: want ${min} to ${max} characters, no control characters`);
}

function invalid(message: string): KeyStoreError {
  return new KeyStoreError('PARAMETER_INVALID', message);
}

// oxlint-disable-next-line no-control-regex -- the same that DerReader refuses
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/;
