/** SoftHSM 2: a PKCS #11 token of software, in a folder of its own. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { temporaryFolder } from './temporary-folder.ts';

const run = promisify(execFile);

/** Where distributions put the module. */
const MODULES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/lib/pkcs11/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];
export const SOFTHSM_MODULE = MODULES.find((path) => existsSync(path)) ?? MODULES[0]!;

export const USER_PIN = '1234';
export const SO_PIN = '5678';

/** Are its tests to run? Where it is missing they are left out, except on Linux under CI=true, where they then fail. */
export const hasSoftHsm =
  process.env['KEYCASK_HAVE_SOFTHSM'] === '1' ||
  (process.env['CI'] === 'true' && process.platform === 'linux');

/** A PIN as a program would give it. */
export function pinOf(text: string): () => Promise<SecretBytes> {
  return () => Promise.resolve(SecretBytes.take(Buffer.from(text)));
}

/** Tokens in a folder of this process, which SOFTHSM2_CONF names from now on: the module reads it when it is initialised. */
export interface SoftHsm {
  readonly folder: string;
  /** Where the tokens are. */
  readonly tokens: string;
  /** For other processes. */
  readonly environment: { readonly SOFTHSM2_CONF: string };
  /** One that exists before the module is initialised is seen by it. */
  addToken(label: string): Promise<void>;
  remove(): Promise<void>;
}

export async function makeSoftHsm(...labels: readonly string[]): Promise<SoftHsm> {
  const folder = await temporaryFolder();
  const tokens = join(folder.path, 'tokens');
  const configuration = join(folder.path, 'softhsm2.conf');
  await mkdir(tokens, { mode: 0o700 });
  const lines = [
    `directories.tokendir = ${tokens}`,
    'objectstore.backend = file',
    'log.level = ERROR',
  ];
  await writeFile(configuration, `${lines.join('\n')}\n`);
  process.env['SOFTHSM2_CONF'] = configuration;
  const addToken = async (label: string): Promise<void> => {
    const pins = ['--pin', USER_PIN, '--so-pin', SO_PIN];
    await run('softhsm2-util', ['--init-token', '--free', '--label', label, ...pins]);
  };
  for (const label of labels) await addToken(label);
  const environment = { SOFTHSM2_CONF: configuration };
  return { folder: folder.path, tokens, environment, addToken, remove: () => folder.remove() };
}
