/** What commands for legacy data share: the secrets that old keys may be under. */
import { Option, type Command } from 'commander';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import type { LegacySecrets } from '../migration/legacy-secrets.ts';
import { readMarkedText } from './byte-order-mark.ts';
import type { CommandContext } from './context.ts';
import { repeated } from './options.ts';

export interface LegacyOptions {
  readonly legacyPasswordFile?: string;
  readonly ntHashFile?: string;
  readonly dpapiSystemFile?: string;
  readonly domainKey?: readonly string[];
  readonly wineUser?: string;
}

/** Adds the options that say what old keys may be under. */
export function addLegacyOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--legacy-password-file <file>',
        'passwords that old keys may be under, one a line (else KEYCASK_LEGACY_PASSWORD)',
      ),
    )
    .option('--nt-hash-file <file>', 'NT hashes (MD4) of account passwords, hex, one a line')
    .option(
      '--dpapi-system-file <file>',
      'the LSA secret DPAPI_SYSTEM, hex: for keys of the machine',
    )
    .addOption(repeated('--domain-key <file>', 'DPAPI backup key of a domain, such as a PVK'))
    .option(
      '--wine-user <name>',
      'the account that a Wine prefix was used by (default: each folder of drive_c/users)',
    );
}

/** Secrets that are disposed of together. */
export interface ReadLegacySecrets extends Disposable {
  readonly secrets: LegacySecrets;
}

/** Every secret that was given; none is fine, and nobody is asked. */
export async function readLegacySecrets(
  context: CommandContext<LegacyOptions>,
): Promise<ReadLegacySecrets> {
  const { ntHashFile, dpapiSystemFile, domainKey = [], wineUser } = context.options;
  const { readHexLines } = await import('./legacy-secrets-file.ts');
  const made: SecretBytes[] = [];
  const keep = (secrets: readonly SecretBytes[]): readonly SecretBytes[] => {
    made.push(...secrets);
    return secrets;
  };
  const dispose = (): void => {
    for (const secret of made) secret.dispose();
  };
  try {
    const passwords = keep(await readPasswords(context));
    const ntHashes = ntHashFile === undefined ? [] : keep(await readHexLines(ntHashFile, [16]));
    const [dpapiSystem] =
      dpapiSystemFile === undefined ? [] : keep(await readHexLines(dpapiSystemFile, [40, 44]));
    const domainKeys: SecretBytes[] = [];
    for (const path of domainKey) domainKeys.push(...keep([await readDomainKey(path, passwords)]));
    return {
      secrets: {
        passwords,
        ntHashes,
        domainKeys,
        ...(dpapiSystem && { dpapiSystem }),
        ...(wineUser !== undefined && { wineUser }),
      },
      [Symbol.dispose]: dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

async function readPasswords(context: CommandContext<LegacyOptions>): Promise<SecretBytes[]> {
  const request = {
    name: 'legacy password',
    prompt: '',
    file: context.options.legacyPasswordFile,
  } as const;
  if (!context.isSecretGiven(request)) return [];
  using all = await context.readSecret(request);
  using text = readMarkedText(all.bytes);
  return linesOf(text);
}

/** A backup key that is none would be said of every master key, and of nothing that was given. */
async function readDomainKey(
  path: string,
  passwords: readonly SecretBytes[],
): Promise<SecretBytes> {
  const { readKeyFile } = await import('./legacy-secrets-file.ts');
  const { openDomainKeyFile } = await import('../migration/domain-key-file.ts');
  using file = await readKeyFile(path);
  try {
    return await openDomainKeyFile(file, passwords);
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    throw new KeyStoreError(error.code, `${path}: ${error.message}`, { hint: error.hint });
  }
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
