/**
 * Which public key belongs to a private one that does not show it. On many tokens anybody may put public objects, under whatever label and id,
 * without a PIN: so the private key has to prove the one that it is taken for.
 */
import {
  createHash,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { CKA, CKD, CKK, CKM, CKO } from '../../../native-bindings/pkcs11-constants.ts';
import { concatBytes, encodeUtf8, equalBytes, plainBytes } from '../../bytes/octets.ts';
import { FIELD_LENGTH, type Curve } from '../../cms/algorithms.ts';
import { decodeSpki, POINT_LENGTH, readRsaPublicKey, subjectPublicKey } from '../../cms/spki.ts';
import { KeyStoreError } from '../../errors.ts';
import { ecdsaSignatureToDer } from '../../keys/ecdsa-signature.ts';
import { parsePublicKey, verifySignature } from '../../keys/signature.ts';
import { findPublicKeys, labelled, readSpki, type KeyObject } from './key-objects.ts';
import type { TokenSession } from './token-sessions.ts';

/** Does this SPKI belong to the private key that was asked? */
type Test = (publicKey: Uint8Array) => boolean;

/** The public keys that lie beside a private one: of the same id, or, where it has none, of the same label. Nothing says that they belong to it. */
export async function publicKeysBeside(
  session: TokenSession,
  { id, label, isRsa }: KeyObject,
): Promise<Uint8Array[]> {
  const same = id.length > 0 ? ([CKA.ID, id] as const) : labelled(label);
  const beside: Uint8Array[] = [];
  for (const key of await findPublicKeys(session, [same])) {
    const spki = key.isRsa === isRsa ? await readSpki(session, key) : undefined;
    if (spki) beside.push(spki);
  }
  return beside;
}

/**
 * The one of them that belongs to the private key. That is asked once for each curve, however many there are.
 *
 * @returns undefined where none does.
 */
export async function provenPublicKey(
  session: TokenSession,
  key: KeyObject,
  candidates: readonly Uint8Array[],
): Promise<Uint8Array | undefined> {
  const tests = new Map<string, Test>();
  let failure: KeyStoreError | undefined;
  for (const candidate of candidates) {
    const facts = decodeSpki(candidate);
    const kind = facts.type === 'rsa' ? 'RSA' : facts.curve;
    try {
      const test = tests.get(kind) ?? (await testOf(session, key, kind));
      tests.set(kind, test);
      if (test(candidate)) return candidate;
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
      // Of a curve that the key is not of; or the token is gone, which is told where nothing else is found.
      tests.set(kind, () => false);
      failure ??= error;
    }
  }
  if (failure) throw failure;
  return undefined;
}

function testOf(session: TokenSession, key: KeyObject, kind: Curve | 'RSA'): Promise<Test> {
  if (kind === 'RSA') return modulusOf(session, key);
  return key.can.derive ? agreementOf(session, key, kind) : signatureOf(session, key, kind);
}

/** An RSA key shows its modulus at least. */
async function modulusOf({ api, handle }: TokenSession, key: KeyObject): Promise<Test> {
  const [modulus] = await api.attributes(handle, key.handle, [CKA.MODULUS]);
  if (!modulus) return () => false;
  const own = significant(modulus);
  return (publicKey) => equalBytes(readRsaPublicKey(subjectPublicKey(publicKey)).modulus, own);
}

/** C_DeriveKey with a key pair that lives for this. */
async function agreementOf(
  { api, handle }: TokenSession,
  key: KeyObject,
  curve: Curve,
): Promise<Test> {
  const ours = generateKeyPairSync('ec', { namedCurve: curve });
  const spki = plainBytes(ours.publicKey.export({ type: 'spki', format: 'der' }));
  const point = spki.subarray(-POINT_LENGTH[curve]);
  const parameter = [CKD.NULL, { lengthAndPointer: undefined }, { lengthAndPointer: point }];
  const derived = await api.deriveKey(
    { session: handle, key: key.handle, mechanism: { type: CKM.ECDH1_DERIVE, parameter } },
    [
      [CKA.CLASS, CKO.SECRET_KEY],
      [CKA.KEY_TYPE, CKK.GENERIC_SECRET],
      [CKA.TOKEN, false],
      [CKA.SENSITIVE, false],
      [CKA.EXTRACTABLE, true],
      [CKA.VALUE_LEN, FIELD_LENGTH[curve]],
    ],
  );
  const [shared] = await api.attributes(handle, derived, [CKA.VALUE]);
  await api.destroyObject(handle, derived);
  return (publicKey) => {
    const theirs = parsePublicKey(publicKey);
    const expected = diffieHellman({ privateKey: ours.privateKey, publicKey: theirs });
    return shared?.length === expected.length && timingSafeEqual(shared, expected);
  };
}

/** C_Sign of a message that nobody could want to have signed. */
async function signatureOf(
  { api, handle }: TokenSession,
  key: KeyObject,
  curve: Curve,
): Promise<Test> {
  const [scheme, hash] = SCHEMES[curve];
  const message = concatBytes(encodeUtf8('keycask: which key is this? '), randomBytes(32));
  const digest = createHash(hash).update(message).digest();
  const use = { session: handle, key: key.handle, mechanism: { type: CKM.ECDSA } };
  const signature = ecdsaSignatureToDer(await api.sign(use, digest));
  return (publicKey) => verifySignature(publicKey, scheme, message, signature);
}

function significant(modulus: Uint8Array): Uint8Array {
  return modulus.subarray(modulus.findIndex((byte) => byte !== 0));
}

const SCHEMES = {
  'P-256': ['ecdsa-sha256', 'sha256'],
  'P-384': ['ecdsa-sha384', 'sha384'],
} as const;
