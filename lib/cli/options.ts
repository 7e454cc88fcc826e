/** Options that several commands share, and the form of their help. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Isolation } from '../contracts/provider.ts';
import type { ProtectorName } from '../session-key-store/types.ts';

/** What every command has. */
export interface GlobalOptions {
  readonly home?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly passphraseFile?: string;
  readonly pinFile?: string;
}

/** Of commands that may replace or remove something. */
export interface ForceOption {
  readonly force?: boolean;
}

/** Of commands that open or make a record for a password. */
export interface PasswordOption {
  readonly passwordFile?: string;
}

export interface OutOption {
  readonly out?: string;
}

const CONTAINER_ALGORITHMS = ['p-256', 'p-384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;
const ISOLATIONS: readonly Isolation[] = ['none', 'prefer-vbs', 'require-vbs'];
export const PROTECTORS: readonly ProtectorName[] = ['machine-secret', 'passphrase', 'dpapi'];

export function addGlobalOptions(program: Command): void {
  program
    .option(
      '--home <dir>',
      "folder of the home (else KEYCASK_HOME, else the platform's data folder)",
    )
    .option('--json', 'answer with one JSON object a line')
    .option('--quiet', 'no remarks and no progress, only answers and errors')
    .option(
      '--passphrase-file <file>',
      "the container's passphrase (else KEYCASK_PASSPHRASE, else a prompt)",
    )
    .option('--pin-file <file>', "the token's PIN (else KEYCASK_PIN, else a prompt)");
}

export function forceOption(what: string): Option {
  return new Option('--force', what);
}

export function passwordFileOption(): Option {
  return new Option(
    '--password-file <file>',
    "a record's password (else KEYCASK_PASSWORD, else a prompt)",
  );
}

export function outOption(what: string): Option {
  return new Option('-o, --out <path>', what);
}

export function algorithmOption(
  otherwise = 'p-256, or rsa-3072 where the provider has no elliptic curves to wrap with',
): Option {
  return new Option('--algorithm <name>', "of the container's keys")
    .choices(CONTAINER_ALGORITHMS)
    .default(undefined, otherwise);
}

export function isolationOption(): Option {
  return new Option(
    '--isolation <kind>',
    'require-vbs: VBS, a token or a TPM, else none; prefer-vbs: the strongest that is here',
  )
    .choices(ISOLATIONS)
    .default('none');
}

/** An option that may be given several times; the values in order. */
export function repeated(flags: string, what: string): Option {
  return new Option(flags, `${what} (may be repeated)`).argParser(
    (value: string, previous: string[] | undefined) => [...(previous ?? []), value],
  );
}

/** `--recipient cert`, repeated: `readCertificates` reads them. */
export function recipientOption(): Option {
  return repeated(
    '-r, --recipient <cert>',
    'certificate (PEM or DER) of someone else who can open it',
  );
}

/** `--context name=value`, repeated. */
export function contextOption(what: string): Option {
  return new Option('--context <name=value>', `${what} (may be repeated)`).argParser(
    (pair: string, previous: Record<string, string> | undefined) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new InvalidArgumentError('Want name=value.');
      const name = pair.slice(0, at);
      if (previous && Object.hasOwn(previous, name))
        throw new InvalidArgumentError('That name was given before.');
      return { ...previous, [name]: pair.slice(at + 1) };
    },
  );
}

/** What an unset variable of a shell leaves is no path: it must not mean the current folder, or the default. */
export function notEmpty(text: string): string {
  if (text === '') throw new InvalidArgumentError('It is empty.');
  return text;
}

/** A whole number within bounds. */
export function numberIn(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/u.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      throw new InvalidArgumentError(`Want a number from ${min} to ${max}.`);
    return value;
  };
}

/** The last part of every command's help. */
export function examples(command: Command, ...lines: readonly string[]): Command {
  const title = lines.length === 1 ? 'Example:' : 'Examples:';
  return command.addHelpText('after', ['', title, ...lines.map((line) => `  ${line}`)].join('\n'));
}
