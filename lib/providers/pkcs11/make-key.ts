/** Making key pairs on a token: private halves that it never gives out. */
import type { Attribute, Mechanism, ObjectHandle } from '../../../native-bindings/pkcs11.ts';
import { CKA, CKM, CKO } from '../../../native-bindings/pkcs11-constants.ts';
import { CKR, hasCkr } from '../../../native-bindings/pkcs11-status.ts';
import { KeyStoreError } from '../../errors.ts';
import { curveOf } from '../../keys/key-algorithms.ts';
import type { KeyToMake } from '../rules/key-storage.ts';
import {
  curveParameters,
  destroyObjects,
  labelled,
  readSpki,
  type KeyObject,
} from './key-objects.ts';
import type { TokenSession } from './token-sessions.ts';

export interface KeyPlace {
  /** Kept by the token, or gone with the session. */
  readonly isKept: boolean;
  readonly label: string;
  readonly id: Uint8Array;
}

export interface MadeKey {
  readonly privateKey: KeyObject;
  readonly publicHandle: ObjectHandle;
  /** SPKI DER. */
  readonly publicKey: Uint8Array;
}

/** What is known of a token that makes keys. */
export interface MakerFacts {
  /** Else the token unwraps with RSA. */
  readonly decryptsRsa: boolean;
  /** Does it take attributes that say what a key may not do? Found out when it first does not. */
  takesRefusals: boolean;
}

/**
 * C_GenerateKeyPair.
 *
 * @throws KeyStoreError ALGORITHM_UNSUPPORTED, STORAGE_FULL, STORAGE_READ_ONLY, what the token answers.
 */
export async function makeKeyPair(
  session: TokenSession,
  key: KeyToMake<unknown>,
  place: KeyPlace,
  maker: MakerFacts,
): Promise<MadeKey> {
  const { api, handle } = session;
  const isRsa = key.algorithm === 'RSA';
  const usage = usageOf(key, maker.decryptsRsa);
  const names: Attribute[] = [[CKA.TOKEN, place.isKept], labelled(place.label), [CKA.ID, place.id]];
  const generate = (isAllowed: (attribute: Attribute) => boolean) =>
    api.generateKeyPair(handle, mechanismOf(key), {
      publicKey: [
        ...names,
        [CKA.PRIVATE, false],
        ...usage.publicKey.filter(isAllowed),
        ...sizeOf(key),
      ],
      privateKey: [
        ...names,
        [CKA.PRIVATE, true],
        [CKA.SENSITIVE, true],
        [CKA.EXTRACTABLE, false],
        ...usage.privateKey.filter(isAllowed),
      ],
    });
  const made = await generateAs(maker, generate);
  try {
    const publicKey = await readSpki(session, { handle: made.publicKey, isRsa });
    if (!publicKey) throw new KeyStoreError('INTERNAL', 'the token made another key');
    const [sensitive, extractable] = await api.attributes(handle, made.privateKey, SECRECY);
    if (sensitive?.[0] !== 1 || extractable?.[0] !== 0)
      throw new KeyStoreError('NOT_SUPPORTED', 'the token makes no keys that it keeps to itself');
    session.noteMade();
    const { can } = usage;
    const { label, id } = place;
    const privateKey = { handle: made.privateKey, label, id, isRsa, can };
    return { privateKey, publicHandle: made.publicKey, publicKey };
  } catch (error) {
    await api.destroyObject(handle, made.privateKey).catch(() => undefined);
    await api.destroyObject(handle, made.publicKey).catch(() => undefined);
    throw error;
  }
}

/** Says what a key may not do too, which some tokens allow unless told; tpm2-pkcs11 makes no key that is told. */
async function generateAs<Made>(
  maker: MakerFacts,
  generate: (isAllowed: (attribute: Attribute) => boolean) => Promise<Made>,
): Promise<Made> {
  if (maker.takesRefusals) {
    try {
      return await generate(() => true);
    } catch (error) {
      if (!hasCkr(error, ...NO_REFUSALS)) throw error;
    }
  }
  const made = await generate(([, value]) => value !== false);
  // Only now: what failed before may have been the algorithm.
  maker.takesRefusals = false;
  return made;
}

/** Both halves of a pair that the token keeps. */
export async function destroyPair(session: TokenSession, id: Uint8Array): Promise<void> {
  // The private half first: a public one alone is harmless.
  await destroyObjects(session, CKO.PRIVATE_KEY, [[CKA.ID, id]]);
  await destroyObjects(session, CKO.PUBLIC_KEY, [[CKA.ID, id]]);
}

/** Has the token refuse too what the usages no longer allow, where it lets us: keycask's own, which every use asks, are narrower by then. */
export async function narrowUsage(
  { api, handle }: TokenSession,
  { handle: key, can }: KeyObject,
  usages: KeyToMake<unknown>['properties']['keyUsage'],
): Promise<void> {
  const off: Attribute[] = [];
  if (can.sign && !usages.includes('sign')) off.push([CKA.SIGN, false]);
  if (can.decrypt && !usages.includes('decrypt')) off.push([CKA.DECRYPT, false]);
  if (can.unwrap && !usages.includes('decrypt')) off.push([CKA.UNWRAP, false]);
  for (const attribute of off)
    await api.setAttributes(handle, key, [attribute]).catch((error: unknown) => {
      if (!KeyStoreError.is(error)) throw error;
    });
}

/** Does a failure say that the token keeps every key pair that it makes? tpm2-pkcs11 does. */
export function hasNoSessionKeys(error: unknown): boolean {
  return hasCkr(
    error,
    CKR.ATTRIBUTE_VALUE_INVALID,
    CKR.TEMPLATE_INCONSISTENT,
    CKR.ATTRIBUTE_TYPE_INVALID,
  );
}

function mechanismOf({ algorithm }: KeyToMake<unknown>): Mechanism {
  return { type: algorithm === 'RSA' ? CKM.RSA_PKCS_KEY_PAIR_GEN : CKM.EC_KEY_PAIR_GEN };
}

function sizeOf({ algorithm, rsaLength }: KeyToMake<unknown>): Attribute[] {
  const curve = curveOf(algorithm);
  if (curve) return [[CKA.EC_PARAMS, curveParameters(curve)]];
  return [
    [CKA.MODULUS_BITS, rsaLength],
    [CKA.PUBLIC_EXPONENT, F4],
  ];
}

/** The token's own attributes of what a key may do, and may not. */
function usageOf({ algorithm, properties }: KeyToMake<unknown>, decryptsRsa: boolean) {
  const { keyUsage } = properties;
  const sign = keyUsage.includes('sign');
  const open = keyUsage.includes('decrypt');
  const derive = keyUsage.includes('agree');
  const can = { sign, decrypt: open && decryptsRsa, unwrap: open && !decryptsRsa, derive };
  const isRsa = algorithm === 'RSA';
  const publicKey: Attribute[] = isRsa
    ? [
        [CKA.VERIFY, sign],
        [CKA.ENCRYPT, open],
      ]
    : sign
      ? [[CKA.VERIFY, true]]
      : [];
  const privateKey: Attribute[] = isRsa
    ? [
        [CKA.SIGN, sign],
        [CKA.DECRYPT, can.decrypt],
        ...(can.unwrap ? ([[CKA.UNWRAP, true]] as const) : []),
      ]
    : [[CKA.SIGN, sign], ...(derive ? ([[CKA.DERIVE, true]] as const) : [])];
  return { can, publicKey, privateKey };
}

const NO_REFUSALS = [
  CKR.GENERAL_ERROR,
  CKR.ATTRIBUTE_VALUE_INVALID,
  CKR.TEMPLATE_INCONSISTENT,
  CKR.ATTRIBUTE_TYPE_INVALID,
];
const SECRECY = [CKA.SENSITIVE, CKA.EXTRACTABLE];
/** 65537, big-endian. */
const F4 = Uint8Array.of(1, 0, 1);
