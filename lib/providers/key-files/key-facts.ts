/** KeyFacts: what a key file says of its key in the clear, authenticated with the private key. */
import type {
  ExportPolicy,
  Isolation,
  KeyScope,
  KeyUsage,
  LegacyKeySpec,
  UiPolicy,
} from '../../contracts/provider.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';

/** What names a key: two keys that differ in one of these are two keys. */
export interface KeyName {
  readonly scope: KeyScope;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly name: string;
}

/** Properties that are kept; the others of KeyProperties follow from them. */
export interface StoredProperties {
  readonly exportPolicy: ExportPolicy;
  readonly keyUsage: readonly KeyUsage[];
  readonly uiPolicy: UiPolicy;
  /** What was asked for when the key was made; this provider has no VBS, so `prefer-vbs` fell back. */
  readonly isolation: Isolation;
  /** To the second. */
  readonly modified: Date;
  /** By NAME of `custom:NAME`. */
  readonly custom: ReadonlyMap<string, Uint8Array>;
}

/** How the private key lies under the seal. */
export type SealedContent = 'pkcs8' | 'PRIVATEKEYBLOB';

export interface KeyFacts extends KeyName {
  /** Counts the changes of the file, from 1: an older file cannot pass as a newer one by its name. */
  readonly generation: number;
  readonly content: SealedContent;
  readonly algorithm: KeyAlgorithm;
  /** SPKI DER. */
  readonly publicKey: Uint8Array;
  readonly properties: StoredProperties;
  /** Of a per-boot key: which boot's secret it needs as well. 16 bytes. */
  readonly bootSecretId?: Uint8Array;
}

/** The folder decides about the content. */
export type FactsToWrite = Omit<KeyFacts, 'content'>;
