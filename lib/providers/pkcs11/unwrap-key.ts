/** Unwrapping with a private key of a token. What fails is judged by the caller. */
import { createPublicKey } from 'node:crypto';
import type {
  Attribute,
  KeyUse,
  Mechanism,
  ObjectHandle,
} from '../../../native-bindings/pkcs11.ts';
import { CKA, CKD, CKK, CKM, CKO } from '../../../native-bindings/pkcs11-constants.ts';
import { CKR, hasCkr } from '../../../native-bindings/pkcs11-status.ts';
import { FIELD_LENGTH } from '../../cms/algorithms.ts';
import { encodeEcSpki, POINT_LENGTH } from '../../cms/spki.ts';
import type {
  EcdhWrappedKey,
  RsaOaepWrappedKey,
  RsaPkcs1WrappedKey,
} from '../../contracts/wrapped-key.ts';
import { KeyStoreError } from '../../errors.ts';
import { unwrapAesKey } from '../../keys/aes-key-wrap.ts';
import { curveOf, type KeyAlgorithm } from '../../keys/key-algorithms.ts';
import { unpadRsaPkcs1 } from '../../keys/rsa-pkcs1.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { x963Kdf } from '../../keys/x963-kdf.ts';
import { oaepMechanism, type TokenAbilities } from './capabilities.ts';
import type { KeyObject } from './key-objects.ts';
import type { TokenSession } from './token-sessions.ts';

/** A private key, and where it is used. */
export interface UsedKey {
  readonly session: TokenSession;
  readonly key: KeyObject;
  readonly abilities: TokenAbilities;
}

/** By C_Decrypt; by C_UnwrapKey where the key is allowed that alone. */
export async function unwrapByRsa(
  used: UsedKey,
  wrapped: RsaOaepWrappedKey | RsaPkcs1WrappedKey,
): Promise<SecretBytes> {
  const { encryptedKey } = wrapped;
  if (wrapped.type === 'rsa-oaep') return open(used, oaepMechanism(wrapped.hash), encryptedKey);
  const { plausibleLengths } = wrapped;
  if (used.abilities.hasRawRsa && used.key.can.decrypt) {
    // The padding is taken off here: bad padding, and good padding of another length, are one failure in one time.
    using block = new SecretBytes(encryptedKey.length);
    using raw = await open(used, { type: CKM.RSA_X_509 }, encryptedKey);
    block.bytes.set(raw.bytes, block.length - raw.length);
    return unpadRsaPkcs1(block.bytes, plausibleLengths);
  }
  const key = await open(used, { type: CKM.RSA_PKCS }, encryptedKey);
  if (plausibleLengths.includes(key.length)) return key;
  key.dispose();
  throw new KeyStoreError('KEY_UNWRAP_FAILED');
}

/** What of X9.63's derivation the token does itself; found out at the first use. */
export interface DerivationAbility {
  hasX963: boolean;
}

/** By C_DeriveKey (CKM_ECDH1_DERIVE). Where the token has no X9.63 derivation, the shared secret comes here for it, and is wiped. */
export async function unwrapByAgreement(
  used: UsedKey,
  algorithm: KeyAlgorithm,
  wrapped: EcdhWrappedKey,
  token: DerivationAbility,
): Promise<SecretBytes> {
  const curve = curveOf(algorithm);
  if (curve === undefined) throw new KeyStoreError('KEY_UNWRAP_FAILED');
  const { ephemeralPublicKey: point, sharedInfo, hash, encryptedKey } = wrapped;
  requirePoint(curve, point);
  if (token.hasX963) {
    const kdf = hash === 'sha384' ? CKD.SHA384_KDF : CKD.SHA256_KDF;
    const kek = await derive(used, derivation(kdf, sharedInfo, point), KEK_LENGTH).catch(
      (error: unknown) => {
        if (!hasCkr(error, ...NO_SUCH_KDF)) throw error;
        token.hasX963 = false;
      },
    );
    if (kek) {
      using owned = kek;
      return unwrapAesKey(owned.bytes, encryptedKey);
    }
  }
  using shared = await derive(used, derivation(CKD.NULL, undefined, point), FIELD_LENGTH[curve]);
  using kek = x963Kdf(hash, shared.bytes, sharedInfo, KEK_LENGTH);
  return unwrapAesKey(kek.bytes, encryptedKey);
}

/** Decrypts, or unwraps and reads. @returns The caller's to wipe. */
async function open(
  { session, key }: UsedKey,
  mechanism: Mechanism,
  encryptedKey: Uint8Array,
): Promise<SecretBytes> {
  const { api, handle } = session;
  const use: KeyUse = { session: handle, key: key.handle, mechanism };
  if (key.can.decrypt || !key.can.unwrap)
    return SecretBytes.take(await api.decrypt(use, encryptedKey));
  return readAndDestroy(session, await api.unwrapKey(use, encryptedKey, READABLE));
}

async function derive(
  { session, key }: UsedKey,
  mechanism: Mechanism,
  length: number,
): Promise<SecretBytes> {
  const { api, handle } = session;
  const use: KeyUse = { session: handle, key: key.handle, mechanism };
  const derived = await api.deriveKey(use, [...READABLE, [CKA.VALUE_LEN, length]]);
  const secret = await readAndDestroy(session, derived);
  if (secret.length === length) return secret;
  secret.dispose();
  throw new KeyStoreError('KEY_UNWRAP_FAILED');
}

/** The value of a session object, which is gone afterwards. */
async function readAndDestroy(
  { api, handle }: TokenSession,
  object: ObjectHandle,
): Promise<SecretBytes> {
  try {
    const [value] = await api.attributes(handle, object, [CKA.VALUE]);
    if (!value) throw new KeyStoreError('KEY_UNWRAP_FAILED');
    return SecretBytes.take(value);
  } finally {
    await api.destroyObject(handle, object);
  }
}

/** CK_ECDH1_DERIVE_PARAMS. */
function derivation(kdf: number, sharedInfo: Uint8Array | undefined, point: Uint8Array): Mechanism {
  const parameter = [kdf, { lengthAndPointer: sharedInfo }, { lengthAndPointer: point }] as const;
  return { type: CKM.ECDH1_DERIVE, parameter };
}

/** Uncompressed, and on the curve: that a token looks is not documented of every one. */
function requirePoint(curve: 'P-256' | 'P-384', point: Uint8Array): void {
  if (point.length !== POINT_LENGTH[curve] || point[0] !== UNCOMPRESSED)
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  try {
    createPublicKey({ key: Buffer.from(encodeEcSpki(curve, point)), format: 'der', type: 'spki' });
  } catch {
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  }
}

const UNCOMPRESSED = 0x04;
/** aes256-wrap */
const KEK_LENGTH = 32;
/** A session object whose value may be read. */
const READABLE: readonly Attribute[] = [
  [CKA.CLASS, CKO.SECRET_KEY],
  [CKA.KEY_TYPE, CKK.GENERIC_SECRET],
  [CKA.TOKEN, false],
  [CKA.SENSITIVE, false],
  [CKA.EXTRACTABLE, true],
];
const NO_SUCH_KDF = [CKR.MECHANISM_PARAM_INVALID, CKR.MECHANISM_INVALID, CKR.ARGUMENTS_BAD];
