/** Rule: one cause of trouble, how it is recognised, and what is said of it. A new cause is a row in the file of its family. */
import type { DiagnosisFinding } from '../diagnosis.ts';
import type { Facts } from './facts.ts';

export interface Rule {
  /** Stable: {@link DiagnosisFinding.id}. */
  readonly id: string;
  /** How it looks to who suffers from it: the first column of docs/DIAGNOSIS.md. */
  readonly symptom: string;
  /** One sentence. `{name}` stands for what `when` answers of that name. */
  readonly cause: string;
  /** One sentence, as `cause`. */
  readonly hint: string;
  readonly certainty: DiagnosisFinding['certainty'];
  /** What the sentences name; undefined or false where it is not so. */
  readonly when: (facts: Facts) => Names | boolean | undefined;
}

type Names = Readonly<Record<string, string | number>>;

/** What the rules say of facts, most certain first. */
export function applyRules(rules: readonly Rule[], facts: Facts): DiagnosisFinding[] {
  const findings = rules.flatMap((rule): DiagnosisFinding[] => {
    const names = rule.when(facts);
    if (names === undefined || names === false) return [];
    const given = names === true ? {} : names;
    const { id, certainty } = rule;
    return [{ id, cause: filled(rule.cause, given), hint: filled(rule.hint, given), certainty }];
  });
  return findings.toSorted(
    (a, b) => CERTAINTIES.indexOf(a.certainty) - CERTAINTIES.indexOf(b.certainty),
  );
}

function filled(template: string, names: Names): string {
  return template.replaceAll(/\{(\w+)\}/gu, (whole, name: string) => String(names[name] ?? whole));
}

const CERTAINTIES: readonly DiagnosisFinding['certainty'][] = ['certain', 'likely', 'possible'];
