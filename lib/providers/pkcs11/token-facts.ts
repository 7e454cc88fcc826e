/**
 * What PKCS #11 does not keep of a key: a private data object beside it on the token, which only whoever has logged in reads or makes.
 *
 *   CKA_APPLICATION "keycask"   CKA_LABEL the key's name
 *   CKA_VALUE TokenFacts ::= SEQUENCE { version INTEGER (1), keyId OCTET STRING, facts KeyFacts }        key-facts-der.ts
 *
 * A change is a new object with the next generation; the older ones are destroyed afterwards, so that a change that is interrupted leaves
 * either what was or what is to be. Of several the highest generation counts.
 */
import type { Attribute, ObjectHandle } from '../../../native-bindings/pkcs11.ts';
import { CKA, CKO } from '../../../native-bindings/pkcs11-constants.ts';
import { DerReader } from '../../bytes/der-reader.ts';
import { TAG } from '../../bytes/der-tags.ts';
import { integer, octetString, sequence } from '../../bytes/der-writer.ts';
import { compareBytes, concatBytes, encodeUtf8 } from '../../bytes/octets.ts';
import { BlobFormatError, KeyStoreError } from '../../errors.ts';
import { decodeKeyFacts, encodeKeyFacts } from '../key-files/key-facts-der.ts';
import type { FactsToWrite, KeyFacts } from '../key-files/key-facts.ts';
import { labelled } from './key-objects.ts';
import type { TokenSession } from './token-sessions.ts';

export interface TokenFacts {
  readonly handle: ObjectHandle;
  /** CKA_ID of the key. */
  readonly keyId: Uint8Array;
  readonly facts: KeyFacts;
}

/** Facts of every key of that name, or of all keys; those that a newer generation replaced are left out. For what cannot be read, the reason. */
export async function readFacts(
  session: TokenSession,
  name?: string,
): Promise<(TokenFacts | KeyStoreError)[]> {
  const newest = new Map<string, TokenFacts>();
  const unreadable: KeyStoreError[] = [];
  for (const read of await readAllFacts(session, name)) {
    if (KeyStoreError.is(read)) {
      unreadable.push(read);
      continue;
    }
    const { scope, legacyKeySpec, name: own } = read.facts;
    const key = `${scope}\0${legacyKeySpec}\0${own}`;
    const other = newest.get(key);
    if (!other || isNewer(read, other)) newest.set(key, read);
  }
  return [...newest.values(), ...unreadable];
}

/** Makes facts current, and destroys those that they replace. */
export async function writeFacts(
  session: TokenSession,
  keyId: Uint8Array,
  facts: FactsToWrite,
): Promise<void> {
  const { api, handle } = session;
  const before = await readAllFacts(session, facts.name);
  const value = sequence(
    V1,
    octetString(keyId),
    encodeKeyFacts({ ...facts, content: 'reference' }),
  );
  await api.createObject(handle, [
    ...dataObject(facts.name),
    [CKA.MODIFIABLE, false],
    [CKA.VALUE, value],
  ]);
  for (const old of before)
    if (!KeyStoreError.is(old) && isOf(old, facts)) await api.destroyObject(handle, old.handle);
}

/** Destroys the facts of a name. */
export async function removeFacts(
  session: TokenSession,
  name: Pick<KeyFacts, 'name' | 'scope' | 'legacyKeySpec'>,
): Promise<void> {
  for (const old of await readAllFacts(session, name.name))
    if (!KeyStoreError.is(old) && isOf(old, name))
      await session.api.destroyObject(session.handle, old.handle);
}

/** Two machines may have made one generation: to all of them the same one counts. */
function isNewer(one: TokenFacts, other: TokenFacts): boolean {
  const later = one.facts.generation - other.facts.generation;
  return later > 0 || (later === 0 && compareBytes(one.keyId, other.keyId) < 0);
}

async function readAllFacts(
  { api, handle, find }: TokenSession,
  name?: string,
): Promise<(TokenFacts | KeyStoreError)[]> {
  const found: (TokenFacts | KeyStoreError)[] = [];
  for (const object of await find(dataObject(name))) {
    const [value] = await api.attributes(handle, object, [CKA.VALUE]);
    // Destroyed by somebody else since it was found.
    if (value) found.push(decode(object, value));
  }
  return found;
}

/** Without a name, every data object of keycask's. Public ones are none of ours: on many tokens anybody can make one. */
function dataObject(name?: string): Attribute[] {
  return [
    [CKA.CLASS, CKO.DATA],
    [CKA.TOKEN, true],
    [CKA.PRIVATE, true],
    [CKA.APPLICATION, APPLICATION],
    ...(name === undefined ? [] : [labelled(name)]),
  ];
}

function decode(handle: ObjectHandle, value: Uint8Array): TokenFacts | KeyStoreError {
  try {
    const outer = new DerReader(value, 'TokenFacts');
    const fields = outer.enter(TAG.SEQUENCE, 'TokenFacts');
    outer.end();
    fields.expect(V1, 'version', 'BLOB_VERSION_UNSUPPORTED');
    const keyId = concatBytes(fields.octets('keyId', { min: 1, max: MOST_KEY_ID }));
    const facts = decodeKeyFacts(fields.element(TAG.SEQUENCE, 'facts'));
    fields.end();
    return { handle, keyId, facts };
  } catch (error) {
    if (error instanceof BlobFormatError)
      return error.code === 'BLOB_VERSION_UNSUPPORTED'
        ? error
        : new BlobFormatError(error, 'KEY_FILE_DAMAGED');
    throw error;
  }
}

function isOf(
  { facts }: TokenFacts,
  { name, scope, legacyKeySpec }: Pick<KeyFacts, 'name' | 'scope' | 'legacyKeySpec'>,
): boolean {
  return facts.name === name && facts.scope === scope && facts.legacyKeySpec === legacyKeySpec;
}

const V1 = integer(1);
const APPLICATION = encodeUtf8('keycask');
const MOST_KEY_ID = 255;
