/**
 * Secrets that people give: the container's passphrase, a record's password, and passwords that old data is under.
 *
 * From a file, the environment or a prompt, in this order; never an argument, which every user of the machine can read. As bytes, since
 * strings cannot be wiped.
 */
import { open, type FileHandle } from 'node:fs/promises';
import process from 'node:process';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { withFsErrors } from '../platform/fs-error.ts';
import { usage } from './errors.ts';
import { MAX_LINE, Terminal } from './terminal.ts';

/** Which secret is meant: they are easily confused, so each has its own option and variable. */
type SecretName = 'passphrase' | 'new passphrase' | 'password' | 'legacy password' | 'PIN';

/** The URL of a database may hold a password. It is never asked for. */
type EnvironmentName = SecretName | 'store URL';

const VARIABLES: Record<EnvironmentName, string> = {
  passphrase: 'KEYCASK_PASSPHRASE',
  'new passphrase': 'KEYCASK_NEW_PASSPHRASE',
  password: 'KEYCASK_PASSWORD',
  'legacy password': 'KEYCASK_LEGACY_PASSWORD',
  PIN: 'KEYCASK_PIN',
  'store URL': 'KEYCASK_STORE_URL',
};

const OPTIONS: Record<SecretName, string> = {
  passphrase: '--passphrase-file',
  'new passphrase': '--new-passphrase-file',
  password: '--password-file',
  'legacy password': '--legacy-password-file',
  PIN: '--pin-file',
};

export type EnvironmentSecrets = Partial<Record<EnvironmentName, SecretBytes>>;

export interface SecretRequest {
  readonly name: SecretName;
  /** What the prompt says: `Passphrase of container default`. */
  readonly prompt: string;
  readonly file?: string | undefined;
  /** A new secret is asked for twice, and must not be empty. */
  readonly isNew?: boolean;
}

export interface SecretSources {
  readonly environment: EnvironmentSecrets;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

/** Takes the secrets out of the environment, so that no child process and no report of it has them. */
export function takeEnvironmentSecrets(environment: NodeJS.ProcessEnv): EnvironmentSecrets {
  const secrets: EnvironmentSecrets = {};
  for (const name of Object.keys(VARIABLES) as EnvironmentName[]) {
    const value = environment[VARIABLES[name]];
    delete environment[VARIABLES[name]];
    if (value) secrets[name] = encodeSecret(value);
  }
  return secrets;
}

/**
 * The secret, from where it is first found.
 *
 * @returns Bytes that the caller owns.
 * @throws KeyStoreError PASSWORD_REQUIRED where there is none and nobody to ask.
 */
export async function readSecret(
  request: SecretRequest,
  sources: SecretSources,
): Promise<SecretBytes> {
  const { name, file, prompt, isNew = false } = request;
  if (file !== undefined) return readSecretFile(file, sources.warn);
  const given = sources.environment[name];
  if (given) return SecretBytes.copy(given.bytes);
  using terminal = Terminal.open();
  if (!terminal)
    throw new KeyStoreError('PASSWORD_REQUIRED', `a ${name} is needed and there is nobody to ask`, {
      hint: `give ${OPTIONS[name]} FILE or ${VARIABLES[name]}`,
    });
  const { signal } = sources;
  // Awaited here: the terminal is closed when this function ends.
  return await (isNew
    ? askTwice(terminal, prompt, signal)
    : terminal.readLine({ prompt: `${prompt}: `, echo: false, signal }));
}

/** Is it given by file or environment, so that nobody need be asked? */
export function isSecretGiven(
  { name, file }: Pick<SecretRequest, 'name' | 'file'>,
  { environment }: SecretSources,
): boolean {
  return file !== undefined || environment[name] !== undefined;
}

/** The string itself is beyond reach; at least it is copied only once. */
function encodeSecret(value: string): SecretBytes {
  using encoded = new SecretBytes(3 * value.length); // a UTF-16 unit has at most three bytes in UTF-8
  const { written } = new TextEncoder().encodeInto(value, encoded.bytes);
  return SecretBytes.copy(encoded.bytes.subarray(0, written));
}

async function askTwice(
  terminal: Terminal,
  prompt: string,
  signal: AbortSignal,
): Promise<SecretBytes> {
  const first = await terminal.readLine({ prompt: `${prompt}: `, echo: false, signal });
  try {
    if (first.length === 0) throw usage('it must not be empty', 'run the command again');
    using second = await terminal.readLine({ prompt: `${prompt}, again: `, echo: false, signal });
    const { bytes } = second;
    if (first.length !== bytes.length || !first.bytes.every((byte, i) => byte === bytes[i]))
      throw usage('the two entries differ', 'run the command again');
    return first;
  } catch (error) {
    first.dispose();
    throw error;
  }
}

/** All of a file but one newline at its end. Pipes will do too: `--password-file <(pass show backup)`. */
async function readSecretFile(path: string, warn: (message: string) => void): Promise<SecretBytes> {
  return withFsErrors(path, async () => {
    const file = await open(path, 'r');
    try {
      const stats = await file.stat();
      if (stats.isFile() && process.platform !== 'win32' && (stats.mode & 0o044) !== 0)
        warn(`${path} can be read by other users: chmod 600 it`);
      return await readAll(file, path);
    } finally {
      await file.close();
    }
  });
}

async function readAll(file: FileHandle, path: string): Promise<SecretBytes> {
  // One byte more than allowed, so that too long is told from just right.
  using whole = new SecretBytes(MAX_LINE + 3);
  const { bytes } = whole;
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await file.read(bytes, length, bytes.length - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  if (length > 0 && bytes[length - 1] === 0x0a) length--;
  if (length > 0 && bytes[length - 1] === 0x0d) length--;
  if (length === 0) throw usage(`${path} is empty`, 'put the secret into the file');
  if (length > MAX_LINE)
    throw usage(`${path} has more than ${MAX_LINE} bytes`, 'is it the right file?');
  return SecretBytes.copy(bytes.subarray(0, length));
}
