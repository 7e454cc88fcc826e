/** Trial: what diagnose has at hand while it tries, and the trace of what it tried. */
import type { KeyStoreError } from '../../errors.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import type { CapiKey } from '../../legacy/capi-key.ts';
import type { DiagnosisAttempt } from '../diagnosis.ts';
import type { KeyAtHand } from '../key-at-hand.ts';
import { isOfTheMachine } from './trouble.ts';

/** The trace grows with every try and nothing else changes. */
export class Trial {
  readonly keys: readonly KeyAtHand[];
  readonly sessionKeys: readonly CapiKey[];
  readonly passwords: readonly SecretBytes[];
  readonly attempts: DiagnosisAttempt[] = [];
  readonly trouble: KeyStoreError[] = [];

  constructor(atHand: Pick<Trial, 'keys' | 'sessionKeys' | 'passwords'>) {
    this.keys = atHand.keys;
    this.sessionKeys = atHand.sessionKeys;
    this.passwords = atHand.passwords;
  }

  note(attempt: DiagnosisAttempt): void {
    if (this.attempts.length < MAX_ATTEMPTS) this.attempts.push(attempt);
  }

  /** What `work` answers; undefined, and a note, where this machine cannot do it. */
  async orTrouble<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.noteTrouble(error);
      return undefined;
    }
  }

  /** Throws what says nothing of the machine. */
  readonly noteTrouble = (error: unknown): void => {
    if (!isOfTheMachine(error)) throw error;
    if (!this.trouble.some(({ code }) => code === error.code)) this.trouble.push(error);
  };
}

/** A folder of a thousand keys makes no longer answer. */
const MAX_ATTEMPTS = 1000;
