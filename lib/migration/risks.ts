/** The risk list: what is wrong with old key material, in how many files, and what to do about it. */
import type { InspectionNote } from './inspection.ts';
import type { InventoryItem } from './inventory-item.ts';

export interface Risk {
  /** Stable. Notes of inspect's, and what only many files show. */
  readonly id: string;
  readonly severity: 'high' | 'medium' | 'low';
  /** One sentence. */
  readonly text: string;
  /** One sentence: what to do. */
  readonly advice: string;
  /** How many files. */
  readonly count: number;
  /** The first of them. */
  readonly paths: readonly string[];
}

/**
 * What the files show of themselves. Most severe first.
 *
 * @param replaced - Paths of keys all data of which has been encrypted again: what is left to do about those is another thing.
 */
export function risksOf(
  items: readonly InventoryItem[],
  replaced: ReadonlySet<string> = new Set(),
): Risk[] {
  const found = new Map<string, FoundRisk>();
  const add = (id: string, text: string, path: string): void => {
    const rule = RULES.get(id);
    if (!rule) return;
    const advice = (replaced.has(path) ? rule.afterwards : undefined) ?? rule.advice;
    const key = [id, advice, text].join(' ');
    const risk = found.get(key) ?? { rule, text, advice, paths: [], count: 0 };
    risk.count++;
    if (risk.paths.length < MAX_PATHS) risk.paths.push(path);
    found.set(key, risk);
  };
  for (const item of items) {
    for (const { id, text } of item.notes) add(id, text, item.path);
    if (item.format === 'simpleblob') add('UNSIGNED_BLOB', UNSIGNED, item.path);
    if (isInTheClear(item) && (item.mode & OTHERS) !== 0)
      add('READABLE_BY_OTHERS', READABLE, item.path);
    if (item.format === 'capi-container-file' || item.format === 'cng-container-file')
      add('ONE_USER_ONLY', ONE_USER, item.path);
  }
  const risks = [...found.entries()].map(([key, { rule, text, advice, paths, count }]) => {
    const id = key.slice(0, key.indexOf(' '));
    return { id, severity: rule.severity, text, advice, count, paths };
  });
  return risks.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

function isInTheClear({ notes }: { readonly notes: readonly InspectionNote[] }): boolean {
  return notes.some(({ id }) => id === 'KEY_IN_THE_CLEAR' || id === 'PRIVATE_KEY_IN_THE_CLEAR');
}

interface Rule {
  readonly severity: Risk['severity'];
  readonly advice: string;
  /** Once its data is encrypted again. */
  readonly afterwards?: string;
}

interface FoundRisk {
  readonly rule: Rule;
  readonly text: string;
  readonly advice: string;
  readonly paths: string[];
  count: number;
}

const UNSIGNED =
  'Nothing says who made this SIMPLEBLOB: anybody with the public key can wrap a session key of his own.';
const READABLE = 'A key in the clear lies in a file that other users of this machine can read.';
const ONE_USER =
  'A private key is sealed under the password of one Windows account: a reset password or a new profile loses it.';

const REPLACED = 'Its data was encrypted again: destroy the old data, this file and their copies.';

const SEVERITIES: readonly Risk['severity'][] = ['high', 'medium', 'low'];
/** Enough to see which folder it is. */
const MAX_PATHS = 20;
/** Permission to read, of group and others. */
const OTHERS = 0o044;

/** By the id of inspect's note, or of this file's own. */
const RULES = new Map<string, Rule>([
  [
    'EXPONENT_OF_ONE',
    {
      severity: 'high',
      advice:
        'Treat every session key that was wrapped for it as known, and encrypt its data again.',
      afterwards: `${REPLACED} Treat what was in it as known.`,
    },
  ],
  [
    'KEY_IN_THE_CLEAR',
    {
      severity: 'high',
      advice: 'Migrate it, encrypt its data again, and destroy the file and its copies.',
      afterwards: REPLACED,
    },
  ],
  [
    'PRIVATE_KEY_IN_THE_CLEAR',
    {
      severity: 'high',
      advice: 'Migrate what was wrapped for it, then destroy the file and its copies.',
    },
  ],
  ['READABLE_BY_OTHERS', { severity: 'high', advice: 'Change its permissions to 0600 now.' }],
  [
    'SHORT_KEY',
    {
      severity: 'high',
      advice: 'Migrate what was wrapped for it to a container of 3072 bits or P-256.',
      afterwards: REPLACED,
    },
  ],
  [
    'UNSIGNED_BLOB',
    {
      severity: 'medium',
      advice:
        'Migrated keys decrypt only. Check that the data is what you expect, then `keycask trust adopt ID`.',
    },
  ],
  ['ONE_USER_ONLY', { severity: 'medium', advice: 'Migrate it while the password is known.' }],
  [
    'WEAK_CIPHER',
    {
      severity: 'medium',
      advice: 'Encrypt the data again: `keycask migrate --data FOLDER`.',
      afterwards: REPLACED,
    },
  ],
  ['WEAK_HASH', { severity: 'medium', advice: 'Do not rely on signatures over it.' }],
  [
    'CERTIFICATE_SIGNED_WITH_MD5',
    { severity: 'medium', advice: 'Have the certificate issued again with SHA-256.' },
  ],
  [
    'CERTIFICATE_SIGNED_WITH_SHA1',
    { severity: 'low', advice: 'Have the certificate issued again with SHA-256.' },
  ],
  [
    'WINE_NOT_DPAPI',
    { severity: 'medium', advice: 'Whoever reads the prefix has the keys: migrate them.' },
  ],
]);
