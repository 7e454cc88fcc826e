/** Making, finding, opening, rotating and removing the keys of a home. */
import { createHash, randomFillSync } from 'node:crypto';
import { ALG_ID } from '../blobs/alg-id.ts';
import { toHex } from '../bytes/octets.ts';
import { decodeCertificate } from '../cms/certificate.ts';
import { decodeSpki } from '../cms/spki.ts';
import type { KeyMetadata, Provenance } from '../cms/metadata.ts';
import type { SignerTrust, VerifiedKeyRecord } from '../contracts/verified-record.ts';
import { KeyStoreError } from '../errors.ts';
import { argon2idCost } from '../kdf/argon2id.ts';
import { keyIdentifier } from '../keys/key-identifier.ts';
import { SecretBytes, type RandomFill } from '../keys/secret-bytes.ts';
import { SessionKey } from '../keys/session-key.ts';
import { openKeyRecord } from '../records/open.ts';
import { DEFAULT_PBKDF2, type Recipient } from '../records/recipient.ts';
import { sealClassic, sealRecord, type SealedRecord } from '../records/seal.ts';
import type { ListedRecord } from '../stores/manifest/manifested-store.ts';
import type { OpenContainer } from './container.ts';
import { isDecryptOnly } from './describe.ts';
import type { Home } from './home.ts';
import type { CacheSource } from './key-cache.ts';
import { checkTexts } from './key-texts.ts';
import { makeSessionKeyBlob, ownRecipient } from './own-recipient.ts';
import type { CreateKeyOptions, OpenKeyOptions, RewrapKeyOptions } from './types.ts';

/** A new key and its record, not yet in the store. */
export interface MadeKey {
  readonly key: SessionKey;
  readonly record: Uint8Array;
}

/** Makes a session key and seals its record for this home's exchange key and for whoever else is named. */
export async function makeKey(
  home: Home,
  label: string,
  options: CreateKeyOptions = {},
): Promise<MadeKey> {
  const { lengthInBits = 256, profile = 'envelope' } = options;
  const wanted: NewKey = { ...options, label };
  if (profile === 'classic') {
    const made = await makeSessionKeyBlob(home.provider, await home.container(), lengthInBits);
    using secret = made.sessionKey;
    const classic = { ...wanted, simpleBlob: made.simpleBlob };
    return madeOf(secret, await sealNewKey(home, secret, classic, 'generated'));
  }
  using secret = SecretBytes.random(lengthInBits / 8);
  return madeOf(secret, await sealNewKey(home, secret, wanted, 'generated'));
}

/** Makes a key and stores its record. */
export async function createKey(
  home: Home,
  label: string,
  options: CreateKeyOptions = {},
): Promise<MadeKey> {
  return storeNew(home, () => makeKey(home, label, options));
}

/** Stores a key that was made elsewhere: nobody vouches for it, so it decrypts only. */
export async function importSecret(
  home: Home,
  secret: SecretBytes,
  facts: ForeignKeyFacts,
): Promise<MadeKey> {
  return storeNew(home, async () => madeOf(secret, await sealForeign(home, secret, facts)));
}

/** The record of a key that was made elsewhere, not yet in the store. */
export function sealForeign(
  home: Home,
  secret: SecretBytes,
  facts: ForeignKeyFacts,
  sealing: SealingOptions = {},
): Promise<SealedRecord> {
  return sealNewKey(home, secret, { ...facts, ...sealing }, 'imported-unsigned');
}

/** For many keys at once: asked for once. */
export interface SealingOptions {
  /** The home's, a moment ago; default: now. */
  readonly container?: OpenContainer;
  readonly random?: RandomFill;
}

/** What is known of a key that was made elsewhere. */
export interface ForeignKeyFacts extends Pick<CreateKeyOptions, 'purpose' | 'attributes'> {
  readonly label: string;
  /** 16 bytes; default: random ones. The same id is not stored twice. */
  readonly recordId?: Uint8Array;
  /** ALG_ID; default: AES of the key's length. */
  readonly algorithm?: number;
  /** Default: the key's length. */
  readonly effectiveBits?: number;
}

interface NewKey extends CreateKeyOptions, ForeignKeyFacts, SealingOptions {
  /** Of a classic record: its content, which only the home's own exchange key opens. */
  readonly simpleBlob?: Uint8Array;
}

// oxlint-disable-next-line max-params -- where, what, what is said of it, and where it came from
async function sealNewKey(
  home: Home,
  secret: SecretBytes,
  options: NewKey,
  provenance: Provenance,
): Promise<SealedRecord> {
  const { label, purpose = 'data', attributes = [], notAfter, random = randomFillSync } = options;
  checkTexts(label, purpose, attributes);
  const algorithm = options.algorithm ?? AES_ALG_ID.get(secret.length);
  if (algorithm === undefined)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `an AES key has 128, 192 or 256 bits, not ${secret.length * 8}`,
    );
  const container = options.container ?? (await home.container());
  const metadata = {
    recordId: options.recordId ?? new Uint8Array(randomFillSync(Buffer.alloc(16))),
    recordVersion: 1,
    label,
    purpose,
    attributes,
    algorithm,
    provenance,
    effectiveBits: options.effectiveBits ?? secret.length * 8,
    created: home.now(),
    storeId: home.storeId,
    ...(notAfter && { notAfter: new Date(Math.floor(notAfter.getTime() / 1000) * 1000) }),
  };
  const others = await recipientsOf(options.recipients, options.password, options.passwordKdf);
  if (options.simpleBlob && others.length > 0)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      'a classic record has one recipient, the exchange key of the home',
    );
  const { identity: signer } = container;
  const signingTime = home.now();
  // Both read it back: what we could not read later must not be stored. That also tells the commitment.
  if (options.simpleBlob)
    return sealClassic(secret, options.simpleBlob, metadata, { signer, signingTime });
  const recipients = [ownRecipient(home.provider, container), ...others];
  return sealRecord(secret, metadata, { recipients, signer, signingTime, random });
}

/** Copies the secret: the caller still owns it. */
function madeOf(secret: SecretBytes, { bytes, metadata }: SealedRecord): MadeKey {
  return { key: sessionKeyOf(secret, metadata, isDecryptOnly(metadata)), record: bytes };
}

/** Stores a new record; where another process rotated the container meanwhile, it is made again for the new one. */
async function storeNew(home: Home, make: () => Promise<MadeKey>): Promise<MadeKey> {
  for (let attempt = 1; ; attempt++) {
    await home.refresh();
    const made = await make();
    try {
      const { id, label } = made.key;
      await home.shelf.put({ id, version: 1, label, bytes: made.record }, await home.author());
      return made;
    } catch (error) {
      made.key.dispose();
      if (attempt === MAX_ATTEMPTS || !KeyStoreError.is(error) || error.code !== 'STORE_CONFLICT')
        throw error;
    }
  }
}

/**
 * The id that a label, an id or the beginning of one means.
 *
 * A label means its newest key that may encrypt, and where none may, its newest: a key that came from elsewhere under the same label
 * takes nobody's place.
 */
export async function resolve(home: Home, query: string): Promise<string> {
  const { shelf } = home;
  if (/^[0-9a-f]{32}$/i.test(query) && (await shelf.find(query.toLowerCase())))
    return query.toLowerCase();
  let newest: string | undefined;
  for await (const { id } of shelf.labelled(query)) {
    if (!(await isForeign(home, id))) return id;
    newest ??= id;
  }
  if (newest !== undefined) return newest;
  const matches: string[] = [];
  if (SHORTEST_PREFIX.test(query))
    for await (const { id } of shelf.beginningWith(query.toLowerCase())) matches.push(id);
  if (matches.length > 1)
    throw new KeyStoreError('KEY_AMBIGUOUS', `${matches.length} keys begin with ${query}`);
  if (matches[0] === undefined)
    throw new KeyStoreError(
      'KEY_NOT_FOUND',
      `there is no key ${JSON.stringify(query)} in this store`,
    );
  return matches[0];
}

/**
 * What the manifest lists for an id that was there a moment ago.
 *
 * @throws KeyStoreError KEY_NOT_FOUND
 */
export async function listed(home: Home, id: string): Promise<ListedRecord> {
  const record = await home.shelf.find(id);
  if (record) return record;
  throw new KeyStoreError('KEY_NOT_FOUND', `there is no key ${id} in this store`);
}

/** The ids of all keys, in the order in which they were made. */
export async function idsOf(home: Home): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of home.shelf.list()) ids.push(id);
  return ids;
}

/** A record that cannot be read counts as one's own: what is wrong with it has to be told. */
async function isForeign(home: Home, id: string): Promise<boolean> {
  try {
    return isDecryptOnly((await home.readRecord(id)).metadata);
  } catch (error) {
    if (KeyStoreError.is(error)) return false;
    throw error;
  }
}

/** Opens a stored key. */
export async function openKey(
  home: Home,
  query: string,
  options: OpenKeyOptions = {},
): Promise<SessionKey> {
  await home.refresh();
  return (await openStored(home, await resolve(home, query), options)).key;
}

/** A stored key and the record it came from. */
export async function openStored(
  home: Home,
  id: string,
  options: OpenKeyOptions = {},
): Promise<MadeKey> {
  const record = await home.readRecord(id);
  return { key: await openVerified(home, record, options), record: record.parts.bytes };
}

/** Opens a verified record, from memory where it was opened a moment ago. */
export async function openVerified(
  home: Home,
  record: VerifiedKeyRecord,
  { password }: OpenKeyOptions = {},
): Promise<SessionKey> {
  const { bytes, trust } = record.parts;
  const source = cacheSource(home, { record: bytes, trust, password });
  const known = home.cache.get(source);
  if (known) return known;
  if (home.readOnly && !password)
    throw new KeyStoreError('PASSWORD_REQUIRED', 'the store was opened to list and verify only');
  using secret = await openKeyRecord(record, {
    exchangeKeys: await home.exchangeKeys(record),
    ...(password && { password }),
  });
  const key = sessionKeyOf(
    secret,
    record.metadata,
    isDecryptOnly(record.metadata) || trust !== 'pinned',
  );
  home.cache.set(source, key);
  return key;
}

/** What an opened key of these bytes is kept under. Asked for when they are verified, since the trust may change before they are opened. */
export function cacheSource(
  home: Home,
  {
    record,
    trust,
    password,
  }: Omit<CacheSource, 'trust'> & { readonly trust: SignerTrust | 'header' },
): CacheSource {
  const version = home.trust.list.trustVersion;
  return {
    record: createHash('sha256').update(record).digest(),
    trust: `${trust} ${version}`,
    password,
  };
}

/** A new session key under the same label; the old ones still decrypt. */
export async function rotateKey(
  home: Home,
  label: string,
  options: CreateKeyOptions = {},
): Promise<MadeKey> {
  await home.refresh();
  const { metadata } = await home.readRecord(await resolve(home, label));
  return createKey(home, metadata.label, {
    purpose: metadata.purpose,
    attributes: metadata.attributes,
    ...options,
  });
}

export async function removeKey(home: Home, query: string): Promise<void> {
  await home.refresh();
  const id = await resolve(home, query);
  const { version } = await listed(home, id);
  await home.shelf.delete(id, version + 1, await home.author());
}

/** Recipients from certificates and a password. */
export async function recipientsOf(
  certificates: readonly Uint8Array[] = [],
  password?: SecretBytes,
  kdf: RewrapKeyOptions['passwordKdf'] = 'argon2id',
): Promise<Recipient[]> {
  const recipients: Recipient[] = [];
  for (const certificate of certificates) recipients.push(await certifiedRecipient(certificate));
  if (password)
    recipients.push({
      type: 'password',
      password,
      kdf: kdf === 'pbkdf2' ? DEFAULT_PBKDF2 : { type: 'argon2id', ...(await argon2idCost()) },
    });
  return recipients;
}

function canWrapFor(publicKey: Uint8Array): boolean {
  try {
    decodeSpki(publicKey);
    return true;
  } catch {
    return false;
  }
}

async function certifiedRecipient(certificate: Uint8Array): Promise<Recipient> {
  const { publicKey, keyId, keyUsage, notAfter, subject } = await decodeCertificate(certificate);
  if (keyUsage && !keyUsage.includes('keyAgreement') && !keyUsage.includes('keyEncipherment')) {
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `the certificate ${subject} is not for exchanging keys`,
      {
        hint: 'Use the exchange certificate (`keycask container certificate`), not the signing one.',
      },
    );
  }
  if (!canWrapFor(publicKey))
    throw new KeyStoreError(
      'ALGORITHM_UNSUPPORTED',
      `the certificate ${subject} has a key of another kind than RSA, P-256 and P-384`,
      { hint: 'Ask for a certificate of one of those kinds.' },
    );
  if (notAfter.getTime() < Date.now())
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `the certificate ${subject} ended on ${notAfter.toISOString().slice(0, 10)}`,
    );
  return { type: 'public-key', publicKey, keyId: keyId ?? keyIdentifier(publicKey) };
}

/** Copies the secret: the caller still owns it. */
function sessionKeyOf(
  secret: SecretBytes,
  metadata: KeyMetadata,
  decryptOnly: boolean,
): SessionKey {
  const { recordId, label, algorithm, effectiveBits, commitment, notAfter } = metadata;
  const facts = { id: toHex(recordId), label, algorithm, effectiveBits, decryptOnly };
  return new SessionKey(SecretBytes.copy(secret.bytes), {
    ...facts,
    ...(commitment && { commitment }),
    ...(notAfter && { notAfter }),
  });
}

/** By length in bytes. */
const AES_ALG_ID: ReadonlyMap<number, number> = new Map([
  [16, ALG_ID.CALG_AES_128],
  [24, ALG_ID.CALG_AES_192],
  [32, ALG_ID.CALG_AES_256],
]);
/** A container is not rotated more often than this while keys are being made. */
export const MAX_ATTEMPTS = 3;
/** Shorter beginnings of an id would soon mean several keys. */
const SHORTEST_PREFIX = /^[0-9a-f]{4,32}$/i;
