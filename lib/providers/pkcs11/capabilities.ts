/** What a token can do: its mechanisms, and whether OAEP goes with SHA-256 too. */
import type {
  Mechanism,
  ObjectHandle,
  Pkcs11,
  SessionHandle,
  SlotId,
} from '../../../native-bindings/pkcs11.ts';
import {
  CKA,
  CKF,
  CKG,
  CKK,
  CKM,
  CKO,
  CKZ_DATA_SPECIFIED,
} from '../../../native-bindings/pkcs11-constants.ts';
import type { MechanismInfo } from '../../../native-bindings/pkcs11.ts';
import type { ProviderCapabilities } from '../../contracts/provider.ts';
import type { OaepHash, WrappedKey } from '../../contracts/wrapped-key.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyAlgorithm, SignatureScheme } from '../../keys/key-algorithms.ts';
import { RSA_LENGTHS } from '../rules/private-key.ts';
import type { FoundToken } from './find-token.ts';
import type { Pkcs11Module } from './pkcs11-module.ts';

/** What uses of keys are chosen by. */
export interface TokenAbilities {
  readonly capabilities: ProviderCapabilities;
  /** RSA without any padding: then it is taken off here, in constant time. */
  readonly hasRawRsa: boolean;
  /** C_Decrypt with RSA; else C_UnwrapKey. */
  readonly decryptsRsa: boolean;
  /** The token is a device of its own, as it says; else its module uses the keys in this process. */
  readonly isHardware: boolean;
}

type Mechanisms = ReadonlyMap<number, MechanismInfo>;

/** Asks a token: more exactly where somebody is logged in. */
export async function abilitiesOf(
  module: Pkcs11Module,
  token: FoundToken,
): Promise<TokenAbilities> {
  const mechanisms = await readMechanisms(module.api, token.slot);
  const can = (type: number, flag: number): boolean =>
    ((mechanisms.get(type)?.flags ?? 0) & flag) !== 0;
  const decryptsRsa = [CKM.RSA_PKCS, CKM.RSA_PKCS_OAEP].some((type) => can(type, CKF.DECRYPT));
  const opening = decryptsRsa ? CKF.DECRYPT : CKF.UNWRAP;
  const algorithms = algorithmsOf(mechanisms, can);
  const has = (algorithm: KeyAlgorithm): boolean => algorithms.includes(algorithm);
  const hasOaep = has('RSA') && can(CKM.RSA_PKCS_OAEP, opening);
  const hasRawRsa = can(CKM.RSA_X_509, CKF.DECRYPT);
  const hasPkcs1 = has('RSA') && (hasRawRsa || can(CKM.RSA_PKCS, opening));
  const hasEcdh = has('ECDH_P256') || has('ECDH_P384');
  const unwraps: WrappedKey['type'][] = [
    ...(hasOaep ? (['rsa-oaep'] as const) : []),
    ...(hasPkcs1 ? (['rsa-pkcs1'] as const) : []),
    ...(hasEcdh ? (['ecdh-x963'] as const) : []),
  ];
  const signs: SignatureScheme[] = [
    ...(has('RSA') && can(CKM.RSA_PKCS, CKF.SIGN) ? (['rsa-pkcs1-sha256'] as const) : []),
    ...(has('RSA') && can(CKM.RSA_PKCS_PSS, CKF.SIGN) ? (['rsa-pss-sha256'] as const) : []),
    ...(has('ECDSA_P256') ? (['ecdsa-sha256'] as const) : []),
    ...(has('ECDSA_P384') ? (['ecdsa-sha384'] as const) : []),
  ];
  const isHardware = isDevice(token, mechanisms);
  const capabilities: ProviderCapabilities = {
    algorithms,
    rsaLengths: has('RSA') ? rsaLengthsOf(mechanisms) : [],
    unwraps,
    oaepHashes: hasOaep ? await oaepHashesOf(module, token) : [],
    signs,
    sessionKeyBlobs: false,
    scopes: ['user'],
    import: false,
    legacyStore: false,
    persisted: true,
    protectionLevel: isHardware ? 'token' : 'this process',
  };
  return { capabilities, hasRawRsa, decryptsRsa, isHardware };
}

/** CK_RSA_PKCS_OAEP_PARAMS: MGF1 with the same hash, an empty label. */
export function oaepMechanism(hash: OaepHash): Mechanism {
  const [hashAlg, mgf] = OAEP[hash];
  const parameter = [hashAlg, mgf, CKZ_DATA_SPECIFIED, { pointerAndLength: undefined }] as const;
  return { type: CKM.RSA_PKCS_OAEP, parameter };
}

async function readMechanisms(api: Pkcs11, slot: SlotId): Promise<Mechanisms> {
  const listed = new Set(await api.mechanisms(slot));
  // tpm2-pkcs11 has PSS and does not list it.
  if (listed.has(CKM.RSA_PKCS)) listed.add(CKM.RSA_PKCS_PSS);
  const mechanisms = new Map<number, MechanismInfo>();
  for (const type of USED)
    if (listed.has(type)) {
      const info = await api.mechanismInfo(slot, type).catch((error: unknown) => {
        if (!KeyStoreError.is(error)) throw error;
      });
      if (info) mechanisms.set(type, info);
    }
  return mechanisms;
}

function algorithmsOf(
  mechanisms: Mechanisms,
  can: (type: number, flag: number) => boolean,
): KeyAlgorithm[] {
  const makes = (type: number): boolean => can(type, CKF.GENERATE_KEY_PAIR);
  const fits = (type: number, bits: number): boolean => {
    const { minKeySize, maxKeySize } = mechanisms.get(type)!;
    return minKeySize <= bits && bits <= maxKeySize;
  };
  const curves = makes(CKM.EC_KEY_PAIR_GEN)
    ? ([256, 384] as const).filter((bits) => fits(CKM.EC_KEY_PAIR_GEN, bits))
    : [];
  return [
    ...(makes(CKM.RSA_PKCS_KEY_PAIR_GEN) ? (['RSA'] as const) : []),
    ...(can(CKM.ECDH1_DERIVE, CKF.DERIVE) ? curves.map((bits) => `ECDH_P${bits}` as const) : []),
    ...(can(CKM.ECDSA, CKF.SIGN) ? curves.map((bits) => `ECDSA_P${bits}` as const) : []),
  ];
}

function rsaLengthsOf(mechanisms: Mechanisms): number[] {
  const { minKeySize, maxKeySize } = mechanisms.get(CKM.RSA_PKCS_KEY_PAIR_GEN)!;
  return RSA_LENGTHS.filter((bits) => minKeySize <= bits && bits <= maxKeySize);
}

/**
 * Mechanism lists do not tell which hash goes with OAEP: SoftHSM 2.6.1 knows SHA-1 alone. Nothing is encrypted: with a public key that nobody
 * has, C_EncryptInit says whether it would. A token that cannot be asked is taken to know SHA-1, which every one does.
 */
async function oaepHashesOf(module: Pkcs11Module, { slot, info }: FoundToken): Promise<OaepHash[]> {
  const token = `${slot} ${info.serial} ${info.label}`;
  const known = module.oaepHashes.get(token);
  if (known) return known;
  const { api } = module;
  // A session of its own: the operation that it is left with, and the public key, end with it.
  const session = await api.openSession(slot);
  try {
    const key = await api.createObject(session, PUBLIC_KEY);
    const hashes = await tryOaep(api, session, key);
    module.oaepHashes.set(token, hashes);
    return hashes;
  } catch (error) {
    // It makes no objects without a login.
    if (KeyStoreError.is(error)) return ['sha1'];
    throw error;
  } finally {
    await api.closeSession(session);
  }
}

async function tryOaep(
  api: Pkcs11,
  session: SessionHandle,
  key: ObjectHandle,
): Promise<OaepHash[]> {
  try {
    await api.encryptInit({ session, key, mechanism: oaepMechanism('sha256') });
    return ['sha256', 'sha1'];
  } catch (error) {
    if (KeyStoreError.is(error)) return ['sha1'];
    throw error;
  }
}

/** Its slot, or its mechanisms, are said to be of hardware. */
function isDevice({ info }: FoundToken, mechanisms: Mechanisms): boolean {
  if ((info.slotFlags & CKF.HW_SLOT) !== 0) return true;
  return [...mechanisms.values()].some(({ flags }) => (flags & CKF.HW) !== 0);
}

const OAEP = {
  sha1: [CKM.SHA_1, CKG.MGF1_SHA1],
  sha256: [CKM.SHA256, CKG.MGF1_SHA256],
} as const;
const USED = [
  CKM.RSA_PKCS_KEY_PAIR_GEN,
  CKM.RSA_PKCS,
  CKM.RSA_X_509,
  CKM.RSA_PKCS_OAEP,
  CKM.RSA_PKCS_PSS,
  CKM.EC_KEY_PAIR_GEN,
  CKM.ECDSA,
  CKM.ECDH1_DERIVE,
];
/** A session object with a modulus of nobody's. */
const PUBLIC_KEY = [
  [CKA.CLASS, CKO.PUBLIC_KEY],
  [CKA.KEY_TYPE, CKK.RSA],
  [CKA.TOKEN, false],
  [CKA.MODULUS, new Uint8Array(256).fill(0xc1)],
  [CKA.PUBLIC_EXPONENT, Uint8Array.of(1, 0, 1)],
  [CKA.ENCRYPT, true],
] as const;
