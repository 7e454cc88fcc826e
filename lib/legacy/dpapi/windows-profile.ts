/** WindowsProfile: a copied profile of Windows with the secrets that open it. Reads, and never writes. */
import { KeyStoreError } from '../../errors.ts';
import { readSmallFile } from '../../platform/read-small-file.ts';
import { decodeMasterKeyFile } from '../../windows-files/master-key-file.ts';
import { openContainerFile, type OpenedContainer } from './container-file.ts';
import { openCredHist, type FormerPassword, type OpenedCredHist } from './cred-hist.ts';
import type { DomainKeySource } from './domain-key.ts';
import { openMasterKey, type MasterKeySecret, type OpenedMasterKey } from './master-key.ts';
import { masterKeyNotFound, type OpenContainerOptions } from './open-blob.ts';
import type { UserSecret } from './pre-key.ts';
import {
  listProfileFiles,
  type ProfileContainer,
  type ProfileFile,
  type ProfileFilesOptions,
  type ProfileMasterKey,
} from './profile-files.ts';

/** What may open master keys of a profile. The caller still owns it, and wipes it when the profile is disposed of. */
export type ProfileSecret =
  /** A password (UTF-16LE, without a null) or its hash. Without a SID it is tried for every user of the profile. */
  | (UserSecret & { readonly sid?: string })
  /** The LSA secret DPAPI_SYSTEM. */
  | { readonly dpapiSystem: Uint8Array }
  /** The backup key of the domain: see {@link openMasterKey}. */
  | { readonly domainKey: DomainKeySource };

/**
 * A copied profile: finds master keys and containers in a folder, and opens containers with what secrets are known.
 *
 * For each master key all secrets are tried that can be meant for it: passwords as they are, then the former ones that they open in
 * CREDHIST. Master keys that were opened are kept until the profile is disposed of, which wipes them.
 *
 * @example
 * ```ts
 * using profile = await WindowsProfile.open('/mnt/C/Users/alice/AppData/Roaming/Microsoft', [{ password }]);
 * for await (const file of profile.containers()) {
 *   using container = await profile.openContainer(file);
 *   console.log(file.path, container.name);
 * }
 * ```
 */
export class WindowsProfile implements Disposable {
  readonly folder: string;
  readonly #secrets: readonly ProfileSecret[];
  readonly #options: ProfileFilesOptions;
  readonly #masterKeyFiles: readonly ProfileMasterKey[];
  readonly #credHistFiles: readonly string[];
  /** By GUID; failures are kept too, since the next container would only fail again. */
  readonly #opening = new Map<string, Promise<OpenedMasterKey>>();
  readonly #opened: Disposable[] = [];
  #credHists: Promise<readonly OpenedCredHist[]> | undefined;
  #disposed = false;

  private constructor(
    folder: string,
    secrets: readonly ProfileSecret[],
    found: { readonly options: ProfileFilesOptions; readonly files: readonly ProfileFile[] },
  ) {
    this.folder = folder;
    this.#secrets = secrets;
    this.#options = found.options;
    this.#masterKeyFiles = found.files.filter((file) => file.kind === 'master-key');
    this.#credHistFiles = found.files.flatMap((file) =>
      file.kind === 'cred-hist' ? [file.path] : [],
    );
  }

  /**
   * Looks for master keys and CREDHIST; opens nothing yet.
   *
   * @param folder - A profile, or any folder around one or inside it: see {@link listProfileFiles}.
   * @param secrets - What may open it; none is fine for a list.
   * @throws KeyStoreError FILE_NOT_FOUND, FILE_WRONG_TYPE, PERMISSION_DENIED, IO_FAILED.
   */
  static async open(
    folder: string,
    secrets: readonly ProfileSecret[] = [],
    options: ProfileFilesOptions = {},
  ): Promise<WindowsProfile> {
    const files: ProfileFile[] = [];
    for await (const file of listProfileFiles(folder, options))
      if (file.kind !== 'container') files.push(file);
    return new WindowsProfile(folder, secrets, { options, files });
  }

  /** Master keys that are there, open or not. */
  get masterKeys(): readonly ProfileMasterKey[] {
    return this.#masterKeyFiles;
  }

  /** Users that have master keys here. */
  get sids(): readonly string[] {
    return [
      ...new Set(this.#masterKeyFiles.flatMap(({ sid }) => (sid === undefined ? [] : [sid]))),
    ];
  }

  /** Containers' files, one after the other; nothing is opened. Throws as {@link WindowsProfile.open} does. */
  async *containers(): AsyncGenerator<ProfileContainer> {
    for await (const file of listProfileFiles(this.folder, this.#options))
      if (file.kind === 'container') yield file;
  }

  /**
   * Opens a master key of the profile, once.
   *
   * @param guid - Lower case, no braces, as DPAPI blobs name it.
   * @returns It stays the profile's: do not dispose of it.
   * @throws KeyStoreError KEY_NOT_FOUND (NTE_NO_KEY), naming the GUID, where the profile has no such file; PASSWORD_WRONG (NTE_INCORRECT_PASSWORD)
   * where no secret opens it; HANDLE_INVALID after dispose; BlobFormatError where the file is none.
   */
  openMasterKey(guid: string): Promise<OpenedMasterKey> {
    if (this.#disposed)
      return Promise.reject(new KeyStoreError('HANDLE_INVALID', 'this profile was disposed of'));
    const known = this.#opening.get(guid);
    if (known) return known;
    const opening = this.#openMasterKey(guid);
    this.#opening.set(guid, opening);
    return opening;
  }

  /**
   * Opens a container.
   *
   * @param file - What {@link WindowsProfile.containers} gave, or the path of a file.
   * @param options - Strong password, PIN: see {@link openContainerFile}.
   * @returns The caller disposes of it.
   * @throws KeyStoreError FILE_NOT_FOUND, BLOB_TOO_LARGE above 1 MiB, and as {@link openContainerFile} and
   * {@link WindowsProfile.openMasterKey} do.
   */
  async openContainer(
    file: ProfileContainer | string,
    options: OpenContainerOptions = {},
  ): Promise<OpenedContainer> {
    const bytes = await readFile(typeof file === 'string' ? file : file.path);
    return openContainerFile(bytes, async (guid) => (await this.openMasterKey(guid)).key, options);
  }

  /** Wipes the master keys and hashes that were opened. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const each of this.#opened.splice(0)) each[Symbol.dispose]();
  }

  async #openMasterKey(guid: string): Promise<OpenedMasterKey> {
    const files = this.#masterKeyFiles.filter((file) => file.guid === guid);
    if (files.length === 0) throw masterKeyNotFound(guid);
    for (const file of files) {
      const bytes = await readFile(file.path);
      for await (const secret of this.#secretsFor(file, bytes)) {
        const opened = await openOrUndefined(bytes, secret);
        if (opened) return this.#keep(opened);
      }
    }
    throw new KeyStoreError('PASSWORD_WRONG', `no secret that was given opens master key ${guid}`, {
      hint: `Give the password that its owner had when it was last in use${ownersOf(files)}, its hash, DPAPI_SYSTEM, or the backup key of the domain.`,
    });
  }

  /** Secrets as they were given, then those of CREDHIST; the entry that the file names goes first. */
  async *#secretsFor(file: ProfileMasterKey, bytes: Uint8Array): AsyncGenerator<MasterKeySecret> {
    for (const secret of this.#secrets) yield* secretsOf(secret, file.sid);
    const entry = decodeMasterKeyFile(bytes).credHist?.guid;
    const isNamed = ({ guid }: FormerPassword): number => (guid === entry ? 0 : 1);
    const passwords = (await this.#formerPasswords())
      .filter(({ sid }) => file.sid === undefined || sid === file.sid)
      .toSorted((a, b) => isNamed(a) - isNamed(b));
    for (const { sid, sha1, ntHash } of passwords) {
      yield { sha1: sha1.bytes, sid };
      yield { ntHash: ntHash.bytes, sid };
    }
  }

  async #formerPasswords(): Promise<readonly FormerPassword[]> {
    this.#credHists ??= this.#openCredHists();
    return (await this.#credHists).flatMap(({ passwords }) => passwords);
  }

  async #openCredHists(): Promise<readonly OpenedCredHist[]> {
    const opened: OpenedCredHist[] = [];
    for (const path of this.#credHistFiles) {
      const bytes = await readFile(path);
      for (const secret of this.#secrets) {
        if ('dpapiSystem' in secret || 'domainKey' in secret) continue;
        // A CREDHIST that is damaged leads to no password; the master key says that none fits.
        const credHist = await unless([...DOES_NOT_FIT, 'BLOB_MALFORMED'], () =>
          openCredHist(bytes, secret),
        );
        if (credHist) opened.push(this.#keep(credHist));
      }
    }
    return opened;
  }

  #keep<T extends Disposable>(opened: T): T {
    if (this.#disposed) {
      opened[Symbol.dispose]();
      throw new KeyStoreError('HANDLE_INVALID', 'this profile was disposed of');
    }
    this.#opened.push(opened);
    return opened;
  }
}

/** The forms of a secret that can be meant for a master key of this user. */
function* secretsOf(secret: ProfileSecret, owner: string | undefined): Generator<MasterKeySecret> {
  if ('domainKey' in secret) {
    yield secret;
  } else if ('dpapiSystem' in secret) {
    if (owner === undefined || !isAccount(owner)) yield secret;
  } else {
    const sid = secret.sid ?? owner;
    if (sid === undefined || (owner !== undefined && owner !== sid.toUpperCase())) return;
    yield { ...secret, sid };
  }
}

/** A SID of a person's account, local, of a domain or of Entra ID: DPAPI_SYSTEM is for the others. */
function isAccount(sid: string): boolean {
  return sid.startsWith('S-1-5-21-') || sid.startsWith('S-1-12-1-');
}

function openOrUndefined(
  bytes: Uint8Array,
  secret: MasterKeySecret,
): Promise<OpenedMasterKey | undefined> {
  return unless(DOES_NOT_FIT, () => openMasterKey(bytes, secret));
}

async function unless<T>(codes: readonly string[], open: () => Promise<T>): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    if (KeyStoreError.is(error) && codes.includes(error.code)) return undefined;
    throw error;
  }
}

async function readFile(path: string): Promise<Uint8Array> {
  const bytes = await readSmallFile(path, MAX_FILE_LENGTH);
  if (!bytes) throw new KeyStoreError('FILE_NOT_FOUND', `${path}: there is no such file`);
  return bytes;
}

function ownersOf(files: readonly ProfileMasterKey[]): string {
  const sids = files.flatMap(({ sid }) => (sid === undefined ? [] : [sid]));
  return sids.length === 0 ? '' : ` (${[...new Set(sids)].join(', ')})`;
}

/** KEY_NOT_FOUND: the file has no section for this kind of secret. */
const DOES_NOT_FIT: readonly string[] = ['PASSWORD_WRONG', 'KEY_UNWRAP_FAILED', 'KEY_NOT_FOUND'];
/** Keys of 16384 bits with all their properties are below 64 KiB. */
const MAX_FILE_LENGTH = 1 << 20;
