/** What diagnose answers. JSON-safe, and without a secret: no key, no password, no plaintext. */
import type { InspectionState } from './inspection.ts';

/** What is wrong with old key material, and what to do. */
export interface Diagnosis {
  /** What it is: as inspect has it. */
  readonly format: string;
  readonly what: string;
  readonly summary: string;
  readonly state: InspectionState;
  /**
   * `opened`: with what is at hand. `closed`: nothing at hand opens it. `damaged`: it is not whole. `nothing-to-open`: it is public, or there
   * was no file.
   */
  readonly outcome: 'opened' | 'closed' | 'damaged' | 'nothing-to-open';
  /** How it opens. */
  readonly opened?: OpenedHow;
  /** Most certain first. */
  readonly findings: readonly DiagnosisFinding[];
  /** What was tried, in order. */
  readonly attempts: readonly DiagnosisAttempt[];
}

/** A cause of trouble that was recognised. Switch on `id`; sentences may change in any release. */
export interface DiagnosisFinding {
  /** Stable: a row of docs/DIAGNOSIS.md. */
  readonly id: string;
  /** One sentence: why it is as it is. */
  readonly cause: string;
  /** One sentence: what to do. */
  readonly hint: string;
  /** `certain`: it was seen. `likely`: what was seen has hardly another cause. `possible`: one of several. */
  readonly certainty: 'certain' | 'likely' | 'possible';
}

/** How a session key is wrapped; what CryptoAPI writes is `pkcs1` and `oaep`. */
export type Wrapping =
  | 'pkcs1'
  | 'pkcs1-short'
  | 'oaep'
  | 'oaep-sha256'
  | 'oaep-sha384'
  | 'oaep-sha512'
  | 'none';

/** How it opens: everything that a blob does not tell of itself. What does not apply is absent. */
export interface OpenedHow {
  /** The private key, session key or password: `keys/exchange.pvk`, `password 1`; `no key` where it is in the clear. */
  readonly by: string;
  /** Subject key identifier of the private key, hex. */
  readonly keyId?: string;
  /** Name of the key container that it is in. */
  readonly container?: string;
  /** AT_KEYEXCHANGE or AT_SIGNATURE. */
  readonly slot?: 'exchange' | 'signature';
  readonly scope?: 'user' | 'machine';
  /** Of the account that the container is of. */
  readonly sid?: string;
  readonly padding?: Wrapping;
  /** How the RSA block lies in the blob. */
  readonly byteOrder?: 'little-endian' | 'big-endian';
  /** Whether the session key inside is the wrong way round. */
  readonly keyOrder?: 'natural' | 'reversed';
  /** Of the session key: `CALG_RC4`. */
  readonly algorithm?: string;
  /** Bytes of the session key. */
  readonly keyLength?: number;
  /** How the session key decrypts the data: `CALG_RC2, no salt, 40 effective bits, CBC, IV of zeros`. */
  readonly cipher?: string;
  readonly mode?: string;
  /** Bytes of salt. */
  readonly saltLength?: number;
  readonly effectiveBits?: number;
  /** KP_IV in hex; zeros by default. Not secret. */
  readonly iv?: string;
  /** Whether the ciphertext is the wrong way round. */
  readonly dataOrder?: 'natural' | 'reversed';
  /** What came of the data: `a PDF file`, `text`. */
  readonly content?: string;
  /** As `searchCipher` has it. */
  readonly certainty?: 'known-plaintext' | 'recognised-content' | 'padding' | 'none';
  /** `UTF-16LE with its null`. */
  readonly passwordEncoding?: string;
  /** Of the password: `CALG_SHA1`. */
  readonly hash?: string;
}

/** Something that was tried. */
export interface DiagnosisAttempt {
  /** As in {@link OpenedHow.by}. */
  readonly with: string;
  readonly padding?: Wrapping;
  readonly byteOrder?: 'little-endian' | 'big-endian';
  readonly cipher?: string;
  readonly passwordEncoding?: string;
  /** How many ways this stands for; default one. */
  readonly tried?: number;
  readonly opened: boolean;
}
