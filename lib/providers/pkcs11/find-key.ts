/** Finding keys on a token: those that keycask made, by their facts, then those of other programs, by label and id. */
import { CKA } from '../../../native-bindings/pkcs11-constants.ts';
import { equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import type { KeyName } from '../rules/key-storage.ts';
import { describeForeign, isForeign, specsOf } from './foreign-key.ts';
import { attributesOfName } from './key-name.ts';
import { findPrivateKeys, readSpki, type KeyObject } from './key-objects.ts';
import { readFacts, type TokenFacts } from './token-facts.ts';
import type { TokenSession } from './token-sessions.ts';

export interface FoundKey {
  readonly privateKey: KeyObject;
  readonly algorithm: KeyAlgorithm;
  /** SPKI DER. */
  readonly publicKey: Uint8Array;
  /** 0: another program made it, and keycask has changed nothing of it since. */
  readonly generation: number;
  readonly properties: StoredProperties;
}

/**
 * The key of that name.
 *
 * @throws KeyStoreError KEY_FILE_DAMAGED where what is kept of it cannot be read, or is of another key; PARAMETER_INVALID where several keys
 *   of other programs have that label.
 */
export async function findKey(session: TokenSession, name: KeyName): Promise<FoundKey | undefined> {
  if (name.scope === 'machine') return undefined;
  const known = await readFacts(session, name.name);
  for (const one of known)
    if (!KeyStoreError.is(one) && isOf(one, name)) return withFacts(session, one);
  for (const one of known) if (KeyStoreError.is(one)) throw one;
  return findForeign(session, name);
}

/** The private key with that id and public key. @returns undefined where it is no longer there. */
export async function findById(
  session: TokenSession,
  id: Uint8Array,
  publicKey: Uint8Array,
): Promise<KeyObject | undefined> {
  for (const key of await findPrivateKeys(session, [[CKA.ID, id]])) {
    const own = await readSpki(session, key);
    // An EC private key often keeps its point to itself.
    if (!own || equalBytes(own, publicKey)) return key;
  }
  return undefined;
}

async function withFacts(
  session: TokenSession,
  { keyId, facts }: TokenFacts,
): Promise<FoundKey | undefined> {
  const { algorithm, publicKey, generation, properties } = facts;
  const privateKey = await findById(session, keyId, publicKey);
  if (privateKey) return { privateKey, algorithm, publicKey, generation, properties };
  const [other] = await findPrivateKeys(session, [[CKA.ID, keyId]]);
  if (other)
    throw new KeyStoreError('KEY_FILE_DAMAGED', 'another key lies in the place of this one');
  return undefined;
}

async function findForeign(session: TokenSession, name: KeyName): Promise<FoundKey | undefined> {
  const objects = await findPrivateKeys(session, attributesOfName(name.name));
  const fitting = objects.filter(
    (key) => isForeign(key) && specsOf(key).includes(name.legacyKeySpec),
  );
  if (fitting.length > 1)
    throw new KeyStoreError(
      'PARAMETER_INVALID',
      `${fitting.length} keys of the token are called ${JSON.stringify(name.name)}`,
      { hint: 'Name one by its id as well: `keycask container list` shows how.' },
    );
  const [privateKey] = fitting;
  if (!privateKey) return undefined;
  const described = await describeForeign(session, privateKey, name.legacyKeySpec);
  return described && { ...described, privateKey, generation: 0 };
}

function isOf({ facts }: TokenFacts, { scope, legacyKeySpec }: KeyName): boolean {
  return facts.scope === scope && facts.legacyKeySpec === legacyKeySpec;
}
