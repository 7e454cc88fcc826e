/** diagnose: what old key material is, what opens it, or why nothing does and what to do. The causes are tables in diagnose/. */
import { userInfo } from 'node:os';
import { containersOf } from './diagnose/containers.ts';
import type { Facts } from './diagnose/facts.ts';
import type { DiagnoseInput, DiagnoseOptions } from './diagnose/options.ts';
import { Profiles } from './diagnose/profiles.ts';
import { applyRules } from './diagnose/rule.ts';
import { RULES } from './diagnose/rules.ts';
import { readSymptom } from './diagnose/symptom.ts';
import { Trial } from './diagnose/trial.ts';
import { isClosedFormat, tryFile } from './diagnose/try-file.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { Inventory } from './inventory.ts';
import { recognise, type Recognised } from './recognise.ts';

export type { DiagnoseInput, DiagnoseOptions } from './diagnose/options.ts';

/**
 * Finds out what old key material is, which key, padding, byte order, salt, effective length, mode and password encoding open it, or why
 * none can and what to do.
 *
 * For data at rest: it tells more of a blob under a key than who guards that key would tell a stranger. Nothing is written.
 *
 * @returns JSON-safe and without a secret.
 * @throws KeyStoreError PARAMETER_INVALID for an IV of another length than the cipher's block. Bytes of any kind are an answer, not an error.
 * @example
 * ```ts
 * const found = await inventory(['/mnt/old']);
 * using keys = await KeysAtHand.find(found, secrets);
 * const { outcome, opened, findings } = await diagnose({ bytes, path: 'session.key' }, { inventory: found, keys, secrets });
 * for (const { cause, hint } of findings) console.log(cause, hint);
 * ```
 */
export async function diagnose(
  input: DiagnoseInput,
  options: DiagnoseOptions = {},
): Promise<Diagnosis> {
  const { keys, secrets = {}, inventory } = options;
  const trial = new Trial({
    keys: keys?.privateKeys ?? [],
    sessionKeys: keys?.sessionKeys ?? [],
    passwords: secrets.passwords ?? [],
  });
  using profiles = await Profiles.open(inventory, secrets);
  const bytes = input.bytes ?? new Uint8Array();
  const recognised = recognisedOf(input);
  const file = { bytes, recognised, path: input.path, unread: unreadOf(input) };
  const found = await tryFile(file, options, { trial, profiles });
  const facts: Facts = {
    recognised,
    bytes,
    path: input.path,
    symptom: readSymptom(input.symptom),
    keys: trial.keys,
    closed: keys?.closed ?? [],
    unreadable: unreadableOf(inventory),
    containers: await containersOf(inventory, profiles),
    hasCredHist: inventory?.items.some(({ format }) => format === 'credhist') ?? false,
    seal: found.seal,
    opened: found.opened,
    wrapped: found.wrapped,
    data: found.data?.facts,
    dataSize: options.data?.size,
    derived: found.derived,
    passwords: trial.passwords.length,
    attempts: trial.attempts,
    trouble: trial.trouble,
    whoami: whoami(),
  };
  const { format, what, summary, state } = recognised;
  return {
    format,
    what,
    summary,
    state,
    outcome: outcomeOf(facts),
    ...(found.opened && { opened: found.opened }),
    findings: applyRules(RULES, facts),
    attempts: trial.attempts,
  };
}

function recognisedOf({ bytes, path, size }: DiagnoseInput): Recognised {
  if (!bytes) return NOTHING;
  const name = path?.split(/[/\\]/u).at(-1);
  return recognise({ bytes, size: Math.max(size ?? 0, bytes.length), name });
}

function unreadOf({ bytes, size = 0 }: DiagnoseInput): number {
  return Math.max(0, size - (bytes?.length ?? 0));
}

function outcomeOf({ recognised, opened, data, dataSize, trouble }: Facts): Diagnosis['outcome'] {
  if (recognised.state === 'damaged') return 'damaged';
  // Data that was given and could not be tried stays closed too.
  const isDataClosed = data
    ? data.finding.certainty === 'none'
    : dataSize !== undefined && trouble.length > 0;
  if (opened) return isDataClosed ? 'closed' : 'opened';
  return isClosedFormat(recognised.format) ? 'closed' : 'nothing-to-open';
}

function unreadableOf(inventory: Inventory | undefined): string[] {
  const skipped = inventory?.skipped ?? [];
  return skipped.filter(({ reason }) => reason === 'unreadable').map(({ path }) => path);
}

function whoami(): string {
  try {
    const { username, uid } = userInfo();
    return uid < 0 ? username : `${username}, ${uid}`;
  } catch {
    // As in some containers.
    return 'an account without a name';
  }
}

const NOTHING: Recognised = {
  format: 'none',
  what: 'no file',
  summary: 'No file was given.',
  state: 'unknown',
  notes: [],
};
