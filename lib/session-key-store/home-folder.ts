/** The folder of a home: what lies where, and keycask.json, which holds nothing that security depends on. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeUtf8, encodeUtf8, equalBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { unlinkIfThere, writeDurably } from '../platform/durable-file.ts';
import { isFsError, withFsErrors } from '../platform/fs-error.ts';
import { readSmallFile } from '../platform/read-small-file.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { PROTECTORS, type ProtectorName } from './types.ts';

/** keycask.json. */
export interface HomeConfiguration {
  /** 2 where the records lie on an archive: releases that know none must not take the home for one that lost its manifest. */
  readonly version: 1 | 2;
  readonly provider: string;
  /** Of the software provider; the others protect their keys themselves. */
  readonly protector?: ProtectorName;
  /** Of the CSP or key storage provider, where it is not the default one. */
  readonly providerName?: string;
  /** Of isolated: path of the agent's socket, where it is not the default one. */
  readonly agentSocket?: string;
  /** Of isolated: the user that the agent runs as. */
  readonly agentUser?: string;
  /** Of pkcs11: path of the PKCS #11 module. */
  readonly pkcs11Module?: string;
  /** Of pkcs11: label of the token. */
  readonly token?: string;
  /** Where the records are, unless they are in the folder: `lmdb`, `postgres`. */
  readonly store?: string;
  /** Of lmdb: its file, where it is not in the folder. */
  readonly storePath?: string;
  /** Of postgres: a file with the URL of the database. Without it: KEYCASK_STORE_URL, and the PG variables. */
  readonly storeUrlFile?: string;
  /** Of postgres: the schema of its tables, where it is not `keycask`. */
  readonly storeSchema?: string;
  /** Which of the homes on the archive this is, 32 hex digits. */
  readonly homeId?: string;
}

export class HomeFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get configuration(): string {
    return join(this.path, 'keycask.json');
  }

  get trust(): string {
    return join(this.path, 'trust.cms');
  }

  get keys(): string {
    return join(this.path, 'keys');
  }

  get records(): string {
    return join(this.path, 'records');
  }

  get manifest(): string {
    return join(this.path, 'manifest.log');
  }

  get pending(): string {
    return join(this.path, 'pending');
  }

  /** The file of an lmdb archive. */
  get database(): string {
    return join(this.path, 'records.mdb');
  }

  /** The newest checkpoint of an archive's log that this home has seen. */
  get seen(): string {
    return join(this.path, 'seen');
  }

  async create(): Promise<void> {
    await withFsErrors(this.path, async () => {
      for (const folder of [this.path, this.keys, this.records, this.pending])
        await makeFolder(folder, 0o700);
    });
  }

  /** @throws KeyStoreError HOME_NOT_FOUND, BLOB_MALFORMED. */
  async readConfiguration(): Promise<HomeConfiguration> {
    const text = await this.#readConfigurationText();
    try {
      const read = JSON.parse(text) as Record<string, unknown>;
      const { provider, protector } = read;
      const known = PROTECTORS.find((name) => name === protector);
      const isProtected =
        known !== undefined || (provider !== 'software' && protector === undefined);
      const texts = readTexts(read);
      const version = texts && versionFor(texts.store);
      if (version && version === read['version'] && typeof provider === 'string' && isProtected)
        return { version, provider, ...(known && { protector: known }), ...texts };
    } catch {
      // Said below, as for every other content that is not a configuration.
    }
    throw new KeyStoreError(
      'BLOB_MALFORMED',
      `${this.configuration} is not a keycask.json that this release reads`,
    );
  }

  async writeConfiguration(configuration: HomeConfiguration): Promise<void> {
    await writeDurably(
      this.configuration,
      encodeUtf8(`${JSON.stringify(configuration, undefined, 2)}\n`),
      { place: 'replace', mode: 0o600 },
    );
  }

  /** Is there a finished home? keycask.json is the last file that `init` writes. */
  async exists(): Promise<boolean> {
    try {
      await this.#readConfigurationText();
      return true;
    } catch (error) {
      if (KeyStoreError.is(error) && error.code === 'HOME_NOT_FOUND') return false;
      throw error;
    }
  }

  /**
   * Clears what an interrupted `init` left: it had no record yet.
   *
   * @throws KeyStoreError HOME_EXISTS where there are records, or the log of records elsewhere was seen: then keycask.json was lost, and nothing is cleared. Also where another
   *   process began to make this home a moment ago.
   */
  async clearUnfinished(): Promise<void> {
    await withFsErrors(this.path, async () => {
      if ((await readdir(this.records)).length > 0) {
        throw new KeyStoreError('HOME_EXISTS', `${this.path} has records but no keycask.json`, {
          hint: 'Restore keycask.json from a copy, or choose another folder.',
        });
      }
      if (await hasEntries(this.seen)) {
        throw new KeyStoreError(
          'HOME_EXISTS',
          `${this.path} has seen the log of a store, but has no keycask.json`,
          {
            hint: 'Restore keycask.json from a copy, or choose another folder. Where nothing but an interrupted `keycask init` was ever here, remove it.',
          },
        );
      }
      const begun = await stat(this.trust).catch(() => undefined);
      if (begun && Date.now() - begun.mtimeMs < INIT_TAKES_MS) throw beingMade(this.path);
      await unlinkIfThere(this.trust);
    });
  }

  /**
   * Puts the first trust.cms in place: of several processes that make this home at once, one can.
   *
   * @throws KeyStoreError HOME_EXISTS
   */
  async claim(trust: Uint8Array): Promise<void> {
    try {
      await writeDurably(this.trust, trust, { place: 'create' });
    } catch (error) {
      if (KeyStoreError.is(error) && error.code === 'FILE_EXISTS') throw beingMade(this.path);
      throw error;
    }
    // Left by an interrupted `init` that had claimed the home before.
    await this.#clearClaimed();
  }

  /** Takes back a claim, after a failure: nobody has to wait for it to look abandoned. */
  async giveUp(trust: Uint8Array): Promise<void> {
    const present = await readSmallFile(this.trust, trust.length);
    // Another process thought it abandoned, and has claimed the home since.
    if (!present || !equalBytes(present, trust)) return;
    await this.#clearClaimed();
    await withFsErrors(this.trust, () => unlinkIfThere(this.trust));
  }

  async #clearClaimed(): Promise<void> {
    await withFsErrors(this.manifest, () => unlinkIfThere(this.manifest));
    // What an invitation said of another log.
    await withFsErrors(this.seen, () => rm(this.seen, { recursive: true, force: true }));
  }

  async #readConfigurationText(): Promise<string> {
    const bytes = await readSmallFile(this.configuration, MAX_CONFIGURATION);
    if (!bytes)
      throw new KeyStoreError('HOME_NOT_FOUND', `there is no keycask home in ${this.path}`);
    return decodeUtf8(bytes) ?? '';
  }
}

/** @returns undefined where one of them is no text. */
function readTexts(
  read: Record<string, unknown>,
): Partial<Record<(typeof TEXTS)[number], string>> | undefined {
  const texts: Partial<Record<(typeof TEXTS)[number], string>> = {};
  for (const name of TEXTS) {
    const value = read[name];
    if (value === undefined) continue;
    if (typeof value !== 'string') return undefined;
    if (value !== '') texts[name] = value;
  }
  return texts;
}

/** The version of a keycask.json that names this store; undefined where no release knows it. */
export function versionFor(store: string | undefined): HomeConfiguration['version'] | undefined {
  if (store === undefined) return 1;
  return store === 'lmdb' || store === 'postgres' ? 2 : undefined;
}

async function hasEntries(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length > 0;
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return false;
    throw error;
  }
}

function beingMade(path: string): KeyStoreError {
  return new KeyStoreError('HOME_EXISTS', `a home is being made in ${path}`, {
    hint: 'Another process is at it, or one was interrupted: try again in ten seconds.',
  });
}

/** From the first file of a new home to its last; slower machines meet the same error once more. */
const INIT_TAKES_MS = 10_000;
/** It has three short fields. */
const MAX_CONFIGURATION = 64 * 1024;
/** Of the configuration, what is text and may be left out. */
const TEXTS = [
  'providerName',
  'agentSocket',
  'agentUser',
  'pkcs11Module',
  'token',
  'store',
  'storePath',
  'storeUrlFile',
  'storeSchema',
  'homeId',
] as const;
