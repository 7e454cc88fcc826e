/** Facts: what was seen and tried, before rules say what it means. Without secrets. */
import type { KeyStoreError } from '../../errors.ts';
import type { DiagnosisAttempt, OpenedHow } from '../diagnosis.ts';
import type { KeyAtHand } from '../key-at-hand.ts';
import type { ClosedKeyFile } from '../keys-at-hand.ts';
import type { Recognised } from '../recognise.ts';
import type { CipherFinding } from '../search-cipher.ts';
import type { ContainerFacts, SealFacts } from './containers.ts';
import type { Symptom } from './symptom.ts';

export interface Facts {
  /** What the file is; format `none` where there is no file. */
  readonly recognised: Recognised;
  /** The file; empty where there is none. */
  readonly bytes: Uint8Array;
  readonly path: string | undefined;
  readonly symptom: Symptom;
  readonly keys: readonly KeyAtHand[];
  readonly closed: readonly ClosedKeyFile[];
  /** Paths among those that were looked through that this account cannot read. */
  readonly unreadable: readonly string[];
  readonly containers: readonly ContainerFacts[];
  /** Whether a CREDHIST is among the files. */
  readonly hasCredHist: boolean;
  /** Of a DPAPI blob or a container's file: what became of opening it. */
  readonly seal: SealFacts | undefined;
  readonly opened: OpenedHow | undefined;
  /** Of a SIMPLEBLOB. */
  readonly wrapped: WrappedFacts | undefined;
  readonly data: DataFacts | undefined;
  /** Bytes of the data that was given beside the file. */
  readonly dataSize: number | undefined;
  readonly derived: DerivedFacts | undefined;
  readonly passwords: number;
  readonly attempts: readonly DiagnosisAttempt[];
  /** What the machine could not do. */
  readonly trouble: readonly KeyStoreError[];
  /** The account that keycask runs as, for people. */
  readonly whoami: string;
}

export interface WrappedFacts {
  readonly algId: number;
  /** Of the modulus, where the blob is all of the file. */
  readonly modulusBits: number;
  /** The padding was right and the key's length is none of its ALG_ID's. */
  readonly oddLength?: number;
}

/** What is known of the data. */
export interface DataFacts {
  readonly size: number;
  readonly algId: number;
  /** Bytes of the cipher's block; 0 of RC4. */
  readonly block: number;
  readonly finding: Pick<
    CipherFinding,
    'certainty' | 'firstBlock' | 'ivWasFound' | 'ivIsInFront' | 'isPadded' | 'text'
  >;
  /** `cbc`, `ecb`, `cfb`; absent for RC4. */
  readonly mode?: string;
  readonly saltLength: number;
  readonly effectiveBits: number;
  readonly keyLength: number;
  readonly keyOrder: 'natural' | 'reversed';
  readonly dataOrder: 'natural' | 'reversed';
}

export interface DerivedFacts {
  readonly hash: string;
  readonly encoding: string;
  readonly isBaseDefault: boolean;
}
