/** Re-wrapping records of a home: other recipients, a new container, a record from elsewhere. */
import { equalBytes, toHex } from '../bytes/octets.ts';
import type { Provenance } from '../cms/metadata.ts';
import type { VerifiedKeyRecord } from '../contracts/verified-record.ts';
import { KeyStoreError } from '../errors.ts';
import { signerOf } from '../keys/certificate-signer.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import { rewrapKeyRecord, type RewrapOptions } from '../records/rewrap.ts';
import { verifyKeyRecord, type TrustedSigner } from '../records/verify.ts';
import { describeVerified, isDecryptOnly } from './describe.ts';
import type { Home } from './home.ts';
import { recipientsOf, resolve } from './keys.ts';
import { ownRecipient } from './own-recipient.ts';
import type { KeyInfo, RewrapKeyOptions } from './types.ts';

/** How a record from outside is to be trusted. */
export interface OutsideOptions {
  /** Opens a password recipient. The caller still owns it. */
  readonly password?: SecretBytes;
  /** Certificates (DER) of signers that are trusted for this call only. */
  readonly signers?: readonly Uint8Array[];
}

/** Writes the next version of a stored record. */
export async function rewrapStored(
  home: Home,
  query: string,
  options: RewrapKeyOptions = {},
): Promise<KeyInfo> {
  await home.refresh();
  const id = await resolve(home, query);
  return storeNext(home, await home.readRecord(id), options);
}

/** The next version of a record that is not from the store, such as a file's header. */
export async function rewrapRecord(
  home: Home,
  bytes: Uint8Array,
  options: RewrapKeyOptions & OutsideOptions = {},
): Promise<Uint8Array> {
  await home.refresh();
  const record = verifyOutside(home, bytes, options);
  // What a stranger made, one's own signature must not call one's own.
  const changes = isOwn(home, record) ? {} : { provenance: outsideProvenance(record) };
  return rewrapVerified(home, record, { ...options, changes });
}

/**
 * Takes a record in from elsewhere: from another store, from a file's header, or opened by a password.
 *
 * Its signer must be pinned; a record opened by a password alone may decrypt only, until somebody adopts it.
 */
export async function importRecord(
  home: Home,
  bytes: Uint8Array,
  options: OutsideOptions = {},
): Promise<KeyInfo> {
  await home.refresh();
  const record = verifyOutside(home, bytes, options);
  const id = toHex(record.metadata.recordId);
  if (await home.shelf.find(id))
    throw new KeyStoreError('STORE_CONFLICT', `the store has a key ${id} already`, {
      hint: 'There is nothing to import. To replace that key by this one, remove it first.',
    });
  const provenance = outsideProvenance(record);
  const version = ((await home.shelf.lastVersion(id)) ?? 0) + 1;
  return storeNext(home, record, {
    ...options,
    changes: { provenance, storeId: home.storeId, recordVersion: version },
  });
}

/** Makes a decrypt-only key a full one: somebody looked at where it came from and said yes. */
export async function adoptRecord(home: Home, query: string): Promise<KeyInfo> {
  await home.refresh();
  const record = await home.readRecord(await resolve(home, query));
  if (!isDecryptOnly(record.metadata))
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      'this key is no stranger: there is nothing to adopt',
      { hint: 'It encrypts as it is: it was made here, or adopted before.' },
    );
  return storeNext(home, record, { changes: { provenance: 'adopted' } });
}

/** Is there a record that a container signed which is not the current one? */
export async function findSignedBy(
  home: Home,
  isSigner: (keyId: Uint8Array) => boolean,
): Promise<string | undefined> {
  for await (const { id } of home.shelf.list()) {
    const record = await readIntact(home, id);
    if (!KeyStoreError.is(record) && isSigner(record.parts.signer.keyId)) return id;
  }
  return undefined;
}

/**
 * Verifies a record that did not come from this store: signer, signature, form. Its version and store are its own affair.
 *
 * A signer without a pin is accepted only where a password is given, and then for password recipients alone.
 */
export function verifyOutside(
  home: Home,
  bytes: Uint8Array,
  { password, signers = [] }: OutsideOptions = {},
): VerifiedKeyRecord {
  const pinned = signers.map((certificate) => signerOf(certificate));
  const findSigner = (keyId: Uint8Array, certificate: Uint8Array): TrustedSigner => {
    const named = pinned.find((pin) => equalBytes(pin.keyId, keyId));
    if (named) return { ...named, trust: 'pinned' };
    const pin = home.trust.find(keyId);
    if (pin || !password) return home.trust.signer(keyId);
    const claimed = signerOf(certificate);
    if (!equalBytes(claimed.keyId, keyId))
      throw new KeyStoreError(
        'BLOB_SIGNATURE_INVALID',
        'the signer is not the one of its certificate',
      );
    return { ...claimed, trust: 'password' };
  };
  return verifyKeyRecord(bytes, { findSigner });
}

type NextOptions = RewrapKeyOptions & Pick<RewrapOptions, 'changes'>;

async function storeNext(
  home: Home,
  record: VerifiedKeyRecord,
  options: NextOptions,
): Promise<KeyInfo> {
  const bytes = await rewrapVerified(home, record, options);
  const id = toHex(record.metadata.recordId);
  const version = options.changes?.recordVersion ?? record.metadata.recordVersion + 1;
  await home.shelf.put({ id, version, label: record.metadata.label, bytes }, await home.author());
  return describeVerified(await home.readRecord(id), home.ownKeyIds);
}

/** The next version of a verified record; nothing is written. */
export async function rewrapVerified(
  home: Home,
  record: VerifiedKeyRecord,
  options: NextOptions,
): Promise<Uint8Array> {
  const { add, addPassword, passwordKdf, drop = [], password, toContainer, changes } = options;
  const dropped = new Set(drop.flatMap((named) => recipientsNamed(record, named)));
  // One's own exchange key is always wrapped anew, so that a retired one does not stay.
  const keep = record.recipients.flatMap((recipient, index) => {
    const own =
      'keyId' in recipient &&
      (recipient.keyId.length === 0 || home.ownKeyIds.has(toHex(recipient.keyId)));
    return own || dropped.has(index) ? [] : [index];
  });
  const target = toContainer ? await home.openContainer(toContainer) : await home.container();
  const openers = { exchangeKeys: await home.exchangeKeys(record), ...(password && { password }) };
  return rewrapKeyRecord(record, openers, {
    keep,
    add: [
      ownRecipient(home.provider, target),
      ...(await recipientsOf(add, addPassword, passwordKdf)),
    ],
    ...(changes && { changes }),
    signer: await home.identity(),
    signingTime: home.now(),
  });
}

/** By index, or by a beginning of the key's identifier: of several such all are meant, since they are named to be left out. */
function recipientsNamed({ recipients }: VerifiedKeyRecord, named: number | string): number[] {
  const isPrefix = typeof named === 'string' && /^[0-9a-f]{4,64}$/iu.test(named);
  const indexes = recipients.flatMap((recipient, index) => {
    if (!isPrefix) return index === named ? [index] : [];
    const keyId = 'keyId' in recipient ? toHex(recipient.keyId) : '';
    return keyId.startsWith(named.toLowerCase()) ? [index] : [];
  });
  if (indexes.length === 0)
    throw new KeyStoreError('PARAMETER_INVALID', `there is no recipient ${named} to drop`);
  return indexes;
}

/** A key of unsigned origin stays one, wherever it comes from. */
function outsideProvenance({ parts }: VerifiedKeyRecord): Provenance {
  return parts.trust !== 'pinned' || parts.metadata.provenance === 'imported-unsigned'
    ? 'imported-unsigned'
    : 'imported-signed';
}

/** Did a container of this home sign it? One that was brought in was never in force here (retired at entry 0). */
function isOwn(home: Home, { parts }: VerifiedKeyRecord): boolean {
  const container = home.trust.find(parts.signer.keyId)?.container;
  return parts.trust !== 'password' && container !== undefined && container.retiredAt !== 0;
}

/** The record, or why the store does not have it as the manifest lists it. */
async function readIntact(home: Home, id: string): Promise<VerifiedKeyRecord | KeyStoreError> {
  try {
    return await home.readRecord(id);
  } catch (error) {
    if (KeyStoreError.is(error)) return error;
    throw error;
  }
}
