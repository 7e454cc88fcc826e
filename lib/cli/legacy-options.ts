/** What commands for legacy data share: passwords that old keys may be under. */
import { Option } from 'commander';
import { SecretBytes } from '../keys/secret-bytes.ts';
import type { CommandContext } from './context.ts';

export interface LegacyPasswordOption {
  readonly legacyPasswordFile?: string;
}

export function legacyPasswordOption(): Option {
  return new Option(
    '--legacy-password-file <file>',
    'passwords that old keys may be under, one a line (else KEYCASK_LEGACY_PASSWORD)',
  );
}

/** Secrets that are disposed of together. */
export interface LegacyPasswords extends Disposable {
  readonly passwords: readonly SecretBytes[];
}

/** Every password that was given; none is fine, and nobody is asked. */
export async function readLegacyPasswords(
  context: CommandContext<LegacyPasswordOption>,
): Promise<LegacyPasswords> {
  const request = {
    name: 'legacy password',
    prompt: '',
    file: context.options.legacyPasswordFile,
  } as const;
  if (!context.isSecretGiven(request)) return disposable([]);
  using all = await context.readSecret(request);
  return disposable(linesOf(all));
}

function disposable(passwords: readonly SecretBytes[]): LegacyPasswords {
  return {
    passwords,
    [Symbol.dispose]: () => {
      for (const password of passwords) password.dispose();
    },
  };
}

/** Lines without their ends; empty ones are none. */
function linesOf({ bytes }: SecretBytes): SecretBytes[] {
  const lines: SecretBytes[] = [];
  let start = 0;
  for (let at = 0; at <= bytes.length; at++) {
    if (at < bytes.length && bytes[at] !== LINE_FEED) continue;
    const end = at > start && bytes[at - 1] === CARRIAGE_RETURN ? at - 1 : at;
    if (end > start) lines.push(SecretBytes.copy(bytes.subarray(start, end)));
    start = at + 1;
  }
  return lines;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
