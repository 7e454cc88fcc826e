/** Wycheproof's vectors: github.com/C2SP/wycheproof, testvectors_v1, Apache-2.0. */
import { sharedJson } from './shared.ts';

/** What all tests of Wycheproof have, and the fields of their kind. */
export type WycheproofTest<Fields extends string> = {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: 'valid' | 'invalid' | 'acceptable';
} & Readonly<Record<Fields, string>>;

export interface WycheproofFile<Group, Test> {
  readonly numberOfTests: number;
  readonly testGroups: readonly (Group & { readonly tests: readonly Test[] })[];
}

/** Reads one file, `ecdh_secp256r1` for ecdh_secp256r1_test.json. */
export function wycheproof<Group, Test>(name: string): WycheproofFile<Group, Test> {
  return sharedJson(`vectors/wycheproof/${name}_test.json`) as WycheproofFile<Group, Test>;
}

/** How often something happened, by name: asserted whole, so that no vector vanishes silently. */
export class Tally {
  readonly #counts: Record<string, number> = {};

  /** What happened to one vector; where it was not right, under a name of its own. */
  right(outcome: string, isRight: boolean, vector: unknown): void {
    this.add(isRight ? outcome : `WRONG: ${outcome} ${JSON.stringify(vector)}`);
  }

  add(outcome: string): void {
    this.#counts[outcome] = (this.#counts[outcome] ?? 0) + 1;
  }

  get counts(): Readonly<Record<string, number>> {
    return this.#counts;
  }
}
