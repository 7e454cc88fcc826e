/** Telling a container that does not exist from one that may not be read: CryptAcquireContext says NTE_BAD_KEYSET of both. */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyStoreError, type NativeStatus } from '../../errors.ts';
import type { KeyScope } from '../../contracts/provider.ts';
import { isFsError } from '../../platform/fs-error.ts';
import type { Csp } from './csp.ts';

export interface ContainerPlace {
  readonly container: string;
  readonly scope: KeyScope;
}

/** @returns The error to throw where the container exists, undefined where it does not. */
export async function whyDenied(
  csp: Csp,
  place: ContainerPlace,
  native: NativeStatus | undefined,
): Promise<KeyStoreError | undefined> {
  const keyFile = await findKeyFile(csp, place);
  if (keyFile === undefined && !isListed(csp, place)) return undefined;
  const { container, scope } = place;
  const owner = keyFile === undefined ? 'whoever made it' : `the owner of ${keyFile.path}`;
  return new KeyStoreError(
    'PERMISSION_DENIED',
    `the ${scope} container ${JSON.stringify(container)} exists, but this account may not read it`,
    {
      ...(native && { native }),
      hint: `Ask ${owner}, or an administrator of this machine, to let this account read it.`,
    },
  );
}

export interface ContainerKeyFile {
  readonly path: string;
  readonly modified: Date;
}

/** The file in which Microsoft's CSPs keep a container; undefined where there is none, or this is Wine, which has them in its registry. */
export async function findKeyFile(
  csp: Csp,
  { container, scope }: ContainerPlace,
): Promise<ContainerKeyFile | undefined> {
  const machineGuid = csp.api.regGetString('HKLM', CRYPTOGRAPHY_KEY, 'MachineGuid');
  if (machineGuid === undefined) return undefined;
  const name = `${keyFileStem(container)}_${machineGuid}`;
  for (const folder of await keyFolders(scope)) {
    const path = join(folder, name);
    try {
      return { path, modified: (await stat(path)).mtime };
    } catch (error) {
      // Not even its date may be read, but it is there.
      if (isFsError(error, 'EPERM', 'EACCES')) return { path, modified: new Date(0) };
    }
  }
  return undefined;
}

/** The first half of a key file's name: MD5 of the name, lower-case, in ANSI, with its terminating zero, as four DWORDs. */
export function keyFileStem(container: string): string {
  const digest = createHash('md5')
    .update(Buffer.from(`${container.toLowerCase()}\0`, 'latin1'))
    .digest();
  return [0, 4, 8, 12]
    .map((offset) => digest.readUInt32LE(offset).toString(16).padStart(8, '0'))
    .join('');
}

/** Of a user: a folder for each security identifier, seldom more than one. */
async function keyFolders(scope: KeyScope): Promise<string[]> {
  const { APPDATA = '', ProgramData = '' } = process.env;
  if (scope === 'machine') return [join(ProgramData, KEY_FOLDER, 'MachineKeys')];
  const folder = join(APPDATA, KEY_FOLDER);
  try {
    return (await readdir(folder)).map((sid) => join(folder, sid));
  } catch {
    return [];
  }
}

/** Wine, and CSPs that keep containers on a token, list what they do not open. */
function isListed(csp: Csp, { container, scope }: ContainerPlace): boolean {
  const wanted = container.toLowerCase();
  return csp.containers(scope).some((name) => name.toLowerCase() === wanted);
}

const CRYPTOGRAPHY_KEY = 'SOFTWARE\\Microsoft\\Cryptography';
/** Below %APPDATA% and %ProgramData%. */
const KEY_FOLDER = join('Microsoft', 'Crypto', 'RSA');
