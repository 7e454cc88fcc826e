/**
 * Reading and changing trust.cms.
 *
 * A change is written to pending/ first, entered in the manifest (the moment at which it counts), then copied over trust.cms. The copy in
 * pending/ stays as long as it is the newest, so that a process that was slow to copy an older one does no harm.
 */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes, toHex } from '../bytes/octets.ts';
import { MAX_MESSAGE } from '../cms/signed-data.ts';
import { KeyStoreError } from '../errors.ts';
import type { SigningIdentity } from '../messages/sign-message.ts';
import { unlinkIfThere, writeDurably } from '../platform/durable-file.ts';
import { fsError, isFsError, withFsErrors } from '../platform/fs-error.ts';
import { makeFolder } from '../platform/make-folder.ts';
import { readSmallFile } from '../platform/read-small-file.ts';
import type { TrustList } from '../trust/trust-list.ts';
import { Trust } from '../trust/trust.ts';
import type { HomeFolder } from './home-folder.ts';
import type { ChangeAuthor, RecordShelf } from './record-shelf.ts';

export interface TrustChange {
  readonly shelf: RecordShelf;
  /** The newest list, and whose signature counts in the manifest under it. Asked again after another process was faster. */
  readonly present: () => Promise<{ readonly list: TrustList; readonly author: ChangeAuthor }>;
  readonly change: (list: TrustList) => TrustList;
  /** The container that the changed list calls current; default: the author's. */
  readonly next?: SigningIdentity;
}

export interface TrustFile {
  /** @throws KeyStoreError TRUST_NOT_FOUND, TRUST_INVALID where no copy is the one that the manifest lists. */
  load(sha256: Uint8Array): Promise<Trust>;
  commit(change: TrustChange): Promise<Trust>;
  /** Puts the one in force in its place, where whoever entered it was killed before that. */
  settle(sha256: Uint8Array): Promise<void>;
}

/** A process that is faster than this many times in a row is no accident. */
const MAX_ATTEMPTS = 16;
/** A copy in pending/ of another process may be about to count; after so long it is not. */
const STALE_AFTER_MS = 3_600_000;

/**
 * trust.cms of a home in a folder.
 *
 * @param keepsOlder - On an archive: a backup that is put back lists an older one, and says by it who may change what comes next.
 */
export function trustFileOf(folder: HomeFolder, keepsOlder = false): TrustFile {
  return {
    async load(sha256) {
      const own = await readTrust(folder.trust);
      if (own && equalBytes(hashOf(own), sha256)) return Trust.read(own);
      const pending = await readTrust(pendingPath(folder, sha256));
      if (!own && !pending)
        throw new KeyStoreError('TRUST_NOT_FOUND', `there is no ${folder.trust}`);
      if (!pending || !equalBytes(hashOf(pending), sha256))
        throw new KeyStoreError(
          'TRUST_INVALID',
          'trust.cms is not the one that the manifest lists',
        );
      return Trust.read(pending);
    },
    async settle(sha256) {
      const own = await readTrust(folder.trust);
      if (own && equalBytes(hashOf(own), sha256)) return;
      const pending = await readTrust(pendingPath(folder, sha256));
      if (!pending || !equalBytes(hashOf(pending), sha256)) return;
      if (keepsOlder) await keepPresent(folder);
      await writeDurably(folder.trust, pending, { place: 'replace' });
    },
    async commit(request) {
      // Copying a home may have lost an empty folder.
      await withFsErrors(folder.pending, () => makeFolder(folder.pending, 0o700));
      const trust = await commitWith(request, (candidate) =>
        writeDurably(pendingPath(folder, hashOfTrust(candidate)), candidate.bytes, {
          place: 'replace',
        }),
      );
      if (keepsOlder) await keepPresent(folder);
      await writeDurably(folder.trust, trust.bytes, { place: 'replace' });
      if (!keepsOlder) await sweep(folder, trust);
      return trust;
    },
  };
}

/** The trust of a home in memory. */
export function trustInMemory(initial: Trust): TrustFile {
  let present = initial;
  return {
    load: () => Promise.resolve(present),
    commit: async (request) => (present = await commitWith(request, () => Promise.resolve())),
    settle: () => Promise.resolve(),
  };
}

/**
 * The trust.cms in place, whether or not it is the newest: it names the store, which never changes.
 *
 * @throws KeyStoreError TRUST_NOT_FOUND, TRUST_INVALID.
 */
export async function readAnyTrust(folder: HomeFolder): Promise<Trust> {
  const bytes = await readTrust(folder.trust);
  if (!bytes) throw new KeyStoreError('TRUST_NOT_FOUND', `there is no ${folder.trust}`);
  return Trust.read(bytes);
}

function readTrust(path: string): Promise<Uint8Array | undefined> {
  return readSmallFile(path, MAX_MESSAGE);
}

async function commitWith(
  request: TrustChange,
  prepare: (trust: Trust) => Promise<void>,
): Promise<Trust> {
  const { shelf, present, change } = request;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const { list, author } = await present();
    const changed = change({
      ...list,
      trustVersion: list.trustVersion + 1,
      manifestHead: shelf.head,
    });
    const trust = await Trust.sign(changed, request.next ?? author.identity, author.clock());
    await prepare(trust);
    try {
      await shelf.enterTrust(changed.trustVersion, hashOfTrust(trust), author);
      return trust;
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'STORE_CONFLICT') throw error;
    }
  }
  throw new KeyStoreError('STORE_CONFLICT', 'other processes kept changing the trust');
}

async function listPending(folder: HomeFolder): Promise<string[]> {
  try {
    return (await readdir(folder.pending)).filter((name) => name.startsWith('trust-'));
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return [];
    throw fsError(error, folder.pending);
  }
}

/** The first of a home was never in pending/. */
async function keepPresent(folder: HomeFolder): Promise<void> {
  const bytes = await readTrust(folder.trust);
  if (bytes) await writeDurably(pendingPath(folder, hashOf(bytes)), bytes, { place: 'replace' });
}

async function sweep(folder: HomeFolder, trust: Trust): Promise<void> {
  const newest = pendingName(hashOfTrust(trust));
  for (const name of await listPending(folder)) {
    if (name === newest) continue;
    const path = join(folder.pending, name);
    const written = (await stat(path).catch(() => undefined))?.mtimeMs ?? Infinity;
    if (Date.now() - written > STALE_AFTER_MS) await unlinkIfThere(path);
  }
}

const pendingName = (sha256: Uint8Array): string => `trust-${toHex(sha256)}.cms`;
const pendingPath = (folder: HomeFolder, sha256: Uint8Array): string =>
  join(folder.pending, pendingName(sha256));

/** SHA-256 of the whole message, as the manifest lists it. */
export function hashOfTrust(trust: Trust): Uint8Array {
  return hashOf(trust.bytes);
}

function hashOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}
