/** What hardening a process gave, and what the system refused. */

export type HardeningName =
  | 'not-dumpable'
  | 'no-debugger'
  | 'no-core-file'
  | 'no-new-privileges'
  | 'secrets-locked'
  | 'private-keys-locked'
  | 'not-swapped'
  | 'clean-environment'
  | 'clean-start'
  | 'umask';

/** One thing that was tried. */
export interface HardeningMeasure {
  readonly name: HardeningName;
  readonly isInForce: boolean;
  /** What follows from it, or why it could not be had; one sentence. */
  readonly detail: string;
}

/** What came of it, as JSON; `describeHardening` has it in words. */
export interface HardeningReport {
  readonly measures: readonly HardeningMeasure[];
}

/** The report in words, one line each. */
export function describeHardening({ measures }: HardeningReport): string[] {
  return measures.map(({ name, isInForce, detail }) => {
    const words = name.replaceAll('-', ' ');
    return isInForce ? `${words}: ${detail}` : `missing: ${words}: ${detail}`;
  });
}
