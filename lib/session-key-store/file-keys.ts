/** The session keys of encrypted files: from the store, made for a run, or out of a file's header. */
import { equalBytes, toHex } from '../bytes/octets.ts';
import type {
  DecryptionKeyOptions,
  EncryptionKeyOptions,
  FileKey,
} from '../contracts/file-keys.ts';
import type { VerifiedKeyRecord } from '../contracts/verified-record.ts';
import { KeyStoreError } from '../errors.ts';
import type { SessionKey } from '../keys/session-key.ts';
import type { Home } from './home.ts';
import {
  cacheSource,
  createKey,
  makeKey,
  openStored,
  openVerified,
  resolve,
  type MadeKey,
} from './keys.ts';
import { verifyOutside } from './rewrap.ts';

/** A key to encrypt with, and the record for the file's header. */
export async function fileKey(home: Home, options: EncryptionKeyOptions = {}): Promise<FileKey> {
  const { key, recipients, password, headerOnly, label = 'files' } = options;
  if (key === undefined) {
    const wanted = {
      purpose: 'files',
      ...(recipients && { recipients }),
      ...(password && { password }),
    };
    return disposable(
      await (headerOnly ? makeKey(home, label, wanted) : createKey(home, label, wanted)),
    );
  }
  if (recipients?.length || password) {
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      'recipients and passwords are those of the stored key',
      { hint: 'Add them to the key first: `keycask rewrap ID --add CERT`.' },
    );
  }
  await home.refresh();
  const stored = await openStored(home, await resolve(home, key));
  try {
    checkEncrypts(stored.key, home.now());
  } catch (error) {
    stored.key.dispose();
    throw error;
  }
  return disposable(stored);
}

/**
 * Opens the record of a file's header; where the store has a newer one of that id, that one. The key decrypts only.
 */
export async function openHeaderRecord(
  home: Home,
  bytes: Uint8Array,
  options: DecryptionKeyOptions = {},
): Promise<SessionKey> {
  await home.refresh();
  const { password, signers } = options;
  const source = cacheSource(home, { record: bytes, trust: 'header', password });
  const known = signers?.length ? undefined : home.cache.get(source);
  if (known) return known;
  const header = verifyOutside(home, bytes, options);
  using key = await openVerified(home, await newest(home, header), options);
  const decryptOnly = key.duplicate({ decryptOnly: true });
  if (header.parts.trust !== 'password' && !signers?.length) home.cache.set(source, decryptOnly);
  return decryptOnly;
}

/** A key that may encrypt now: adopted, in time. */
function checkEncrypts(key: SessionKey, now: Date): void {
  if (key.decryptOnly)
    throw new KeyStoreError('KEY_DECRYPT_ONLY', `the key ${key.id} may decrypt only`);
  if (key.notAfter && key.notAfter < now)
    throw new KeyStoreError(
      'RECORD_EXPIRED',
      `the key ${key.id} ended on ${key.notAfter.toISOString()}`,
    );
}

/** The store's record of the same id, if it has one: re-wrapping the store rescues old files. It must hold the same key. */
async function newest(home: Home, header: VerifiedKeyRecord): Promise<VerifiedKeyRecord> {
  const id = toHex(header.metadata.recordId);
  if (header.parts.trust === 'password' || !(await home.shelf.find(id))) return header;
  const stored = await readIfIntact(home, id);
  if (!stored) return header;
  const [inHeader, inStore] = [header.metadata.commitment, stored.metadata.commitment];
  if (!inHeader || !inStore || !equalBytes(inHeader, inStore))
    throw new KeyStoreError(
      'KEY_COMMITMENT_MISMATCH',
      'the header names another key than the store has under its id',
    );
  return stored;
}

function disposable({ key, record }: MadeKey): FileKey {
  return { key, record, [Symbol.dispose]: () => key.dispose() };
}

/** A damaged store does not close files whose own header is whole: the header was verified by a pin too. `verify` tells of the damage. */
async function readIfIntact(home: Home, id: string): Promise<VerifiedKeyRecord | undefined> {
  try {
    return await home.readRecord(id);
  } catch (error) {
    if (KeyStoreError.is(error)) return undefined;
    throw error;
  }
}
