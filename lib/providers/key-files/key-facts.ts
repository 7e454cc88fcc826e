/** KeyFacts: what a key file says of its key in the clear, authenticated with the private key. */
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import type { KeyName } from '../rules/key-storage.ts';

/** How the private key lies under the seal; `reference`: it lies elsewhere, and its name there is sealed. */
export type SealedContent = 'pkcs8' | 'PRIVATEKEYBLOB' | 'reference';

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
