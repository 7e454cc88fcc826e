/**
 * Finds what matters in a copied profile, or in any folder around one: master keys, CREDHIST, Preferred, containers. Only names are looked
 * at, nothing is opened, links are not followed. Source: MSDN "Key Storage and Retrieval"; mimikatz.
 *
 *   Protect\CREDHIST, Protect\<SID>\<GUID>, Protect\S-1-5-18\User\<GUID>, Protect\<SID>\Preferred
 *   Crypto\RSA\<SID>\*, Crypto\RSA\MachineKeys\*, Crypto\DSS\<SID>\*       CryptoAPI
 *   Crypto\Keys\*, Crypto\SystemKeys\*                                     CNG
 *   Crypto\PCPKSP\*\*.PCPKEY                                               TPM
 */
import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import path from 'node:path';
import { guidBytes } from '../../bytes/guid.ts';
import { KeyStoreError } from '../../errors.ts';
import { fsError } from '../../platform/fs-error.ts';
import { isSid } from '../../windows-files/sid.ts';

/** A file of a profile, by its name and its folders. */
export type ProfileFile = ProfileMasterKey | ProfileContainer | ProfileOther;

/** A master key's file. */
export interface ProfileMasterKey {
  readonly kind: 'master-key';
  readonly path: string;
  /** The file's name, lower case. */
  readonly guid: string;
  /** Whose it is: the nearest folder that is a SID. */
  readonly sid?: string;
}

/** A container's file. */
export interface ProfileContainer {
  readonly kind: 'container';
  readonly path: string;
  /** By its folders; absent where they do not say. */
  readonly format?: 'capi' | 'cng' | 'tpm';
  /** Whose it is: the nearest folder that is a SID; absent for those of the machine, and for CNG's, which have no such folder. */
  readonly sid?: string;
}

/** CREDHIST or Preferred. */
export interface ProfileOther {
  readonly kind: 'cred-hist' | 'preferred';
  readonly path: string;
  readonly sid?: string;
}

/** How to walk. */
export interface ProfileFilesOptions {
  /** Told of a folder that cannot be read, which is then left out. Without it such a folder is an error. */
  readonly onUnreadable?: (error: KeyStoreError) => void;
}

/**
 * Lists a profile's files, one after the other, as the file system gives them. Nothing is written, nothing is opened.
 *
 * @param folder - Any of the folders above, or one around them: a user's, `ProgramData`, a whole copied disk. Case does not matter.
 * @throws KeyStoreError FILE_NOT_FOUND, FILE_WRONG_TYPE, PERMISSION_DENIED, IO_FAILED.
 * @example
 * ```ts
 * for await (const file of listProfileFiles('/mnt/C/Users/alice')) console.log(file.kind, file.path);
 * ```
 */
export async function* listProfileFiles(
  folder: string,
  options: ProfileFilesOptions = {},
): AsyncGenerator<ProfileFile> {
  yield* walk(path.resolve(folder), { ...options, depth: 0 });
}

async function* walk(
  folder: string,
  options: ProfileFilesOptions & { readonly depth: number },
): AsyncGenerator<ProfileFile> {
  const below = { ...options, depth: options.depth + 1 };
  for await (const entry of entriesOf(folder, options)) {
    const at = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      if (below.depth <= MAX_DEPTH) yield* walk(at, below);
    } else if (entry.isFile()) {
      const file = recognise(at, options.depth === 0);
      if (file) yield file;
    }
  }
}

async function* entriesOf(
  folder: string,
  { onUnreadable }: ProfileFilesOptions,
): AsyncGenerator<Dirent> {
  try {
    yield* await opendir(folder);
  } catch (error) {
    const known = fsError(error, folder);
    if (!onUnreadable || !KeyStoreError.is(known)) throw known;
    onUnreadable(known);
  }
}

/** @param isTop - It lies in the folder itself that was asked for: its folders may have lost their names. */
function recognise(at: string, isTop: boolean): ProfileFile | undefined {
  const name = path.basename(at);
  const folders = path.dirname(at).split(path.sep).toReversed();
  const owner = folders.find(isSid);
  const sid = owner === undefined ? {} : { sid: owner.toUpperCase() };
  if (/^CREDHIST$/iu.test(name)) return { kind: 'cred-hist', path: at, ...sid };
  if (/^Preferred$/iu.test(name)) return { kind: 'preferred', path: at, ...sid };
  if (guidBytes(name) && !name.startsWith('{') && (isTop || isOfProtect(folders)))
    return { kind: 'master-key', path: at, guid: name.toLowerCase(), ...sid };
  if (/\.PCPKEY$/iu.test(name)) return { kind: 'container', path: at, format: 'tpm' };
  if (!/^[0-9a-f]{32}_./iu.test(name)) return undefined;
  const format = formatOf(folders);
  return { kind: 'container', path: at, ...(format && { format }), ...sid };
}

/** @param folders - Nearest first. */
function isOfProtect(folders: readonly string[]): boolean {
  const [parent = '', grandparent = ''] = folders;
  return isSid(parent) || /^Protect$/iu.test(parent) || isSid(grandparent);
}

function formatOf(folders: readonly string[]): 'capi' | 'cng' | undefined {
  for (const folder of folders) {
    if (/^(?:RSA|DSS|MachineKeys)$/iu.test(folder)) return 'capi';
    if (/^(?:Keys|SystemKeys)$/iu.test(folder)) return 'cng';
  }
  return undefined;
}

/** No profile is deeper; a loop of mounts would be. */
const MAX_DEPTH = 32;
