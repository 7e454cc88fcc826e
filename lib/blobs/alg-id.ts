/**
 * ALG_ID: how CryptoAPI names algorithms. Source: wincrypt.h; MS "ALG_ID".
 *
 *   ALG_ID = class << 13 | type << 9 | sid        GET_ALG_CLASS, GET_ALG_TYPE, GET_ALG_SID
 */

/** Every CALG_* of wincrypt.h. */
export const ALG_ID = {
  // Hashes
  CALG_MD2: 0x8001,
  CALG_MD4: 0x8002,
  CALG_MD5: 0x8003,
  CALG_SHA1: 0x8004,
  CALG_MAC: 0x8005,
  CALG_SSL3_SHAMD5: 0x8008,
  CALG_HMAC: 0x8009,
  CALG_TLS1PRF: 0x800a,
  CALG_HASH_REPLACE_OWF: 0x800b,
  CALG_SHA_256: 0x800c,
  CALG_SHA_384: 0x800d,
  CALG_SHA_512: 0x800e,
  // Signatures
  CALG_RSA_SIGN: 0x2400,
  CALG_DSS_SIGN: 0x2200,
  CALG_ECDSA: 0x2203,
  CALG_NO_SIGN: 0x2000,
  // Key exchange
  CALG_RSA_KEYX: 0xa400,
  CALG_ECMQV: 0xa001,
  CALG_HUGHES_MD5: 0xa003,
  CALG_DH_SF: 0xaa01,
  CALG_DH_EPHEM: 0xaa02,
  CALG_AGREEDKEY_ANY: 0xaa03,
  CALG_KEA_KEYX: 0xaa04,
  CALG_ECDH: 0xaa05,
  CALG_ECDH_EPHEM: 0xae06,
  // Block ciphers
  CALG_DES: 0x6601,
  CALG_RC2: 0x6602,
  CALG_3DES: 0x6603,
  CALG_DESX: 0x6604,
  CALG_3DES_112: 0x6609,
  CALG_SKIPJACK: 0x660a,
  CALG_TEK: 0x660b,
  CALG_CYLINK_MEK: 0x660c,
  CALG_RC5: 0x660d,
  CALG_AES_128: 0x660e,
  CALG_AES_192: 0x660f,
  CALG_AES_256: 0x6610,
  CALG_AES: 0x6611,
  // Stream ciphers
  CALG_RC4: 0x6801,
  CALG_SEAL: 0x6802,
  // Schannel
  CALG_SSL3_MASTER: 0x4c01,
  CALG_SCHANNEL_MASTER_HASH: 0x4c02,
  CALG_SCHANNEL_MAC_KEY: 0x4c03,
  CALG_PCT1_MASTER: 0x4c04,
  CALG_SSL2_MASTER: 0x4c05,
  CALG_TLS1_MASTER: 0x4c06,
  CALG_SCHANNEL_ENC_KEY: 0x4c07,
  /** Not an ALG_ID, but a mark that there is none. */
  CALG_OID_INFO_CNG_ONLY: 0xffffffff,
} as const;

/** Name of an algorithm in {@link ALG_ID}. */
export type AlgIdName = keyof typeof ALG_ID;

/** GET_ALG_CLASS, by name. */
export type AlgClass =
  | 'any'
  | 'signature'
  | 'msg-encrypt'
  | 'data-encrypt'
  | 'hash'
  | 'key-exchange';

/** GET_ALG_TYPE, by name. */
export type AlgType = 'any' | 'dss' | 'rsa' | 'block' | 'stream' | 'dh' | 'secure-channel' | 'ecdh';

/** The name of an ALG_ID in wincrypt.h, `CALG_AES_256`, or undefined for a number that is not there. */
export function algIdName(algId: number): AlgIdName | undefined {
  return NAMES.get(algId);
}

/** For people: `CALG_AES_256 (0x6610)`, or the number alone. */
export function describeAlgId(algId: number): string {
  const number = `0x${algId.toString(16).padStart(4, '0')}`;
  const name = algIdName(algId);
  return name === undefined ? number : `${name} (${number})`;
}

/** GET_ALG_CLASS; undefined for a class that wincrypt.h does not have. */
export function algClass(algId: number): AlgClass | undefined {
  return algId > 0xffff ? undefined : CLASSES[(algId >>> 13) & 0x7];
}

/** GET_ALG_TYPE; undefined for a type that wincrypt.h does not have. */
export function algType(algId: number): AlgType | undefined {
  return algId > 0xffff ? undefined : TYPES[(algId >>> 9) & 0xf];
}

/** Is it a key of RSA: CALG_RSA_KEYX, CALG_RSA_SIGN? */
export function isRsa(algId: number): boolean {
  return algId === ALG_ID.CALG_RSA_KEYX || algId === ALG_ID.CALG_RSA_SIGN;
}

/** Is it a key of DSS: CALG_DSS_SIGN? */
export function isDss(algId: number): boolean {
  return algId === ALG_ID.CALG_DSS_SIGN;
}

/** Is it a key of Diffie-Hellman: CALG_DH_SF, CALG_DH_EPHEM? */
export function isDh(algId: number): boolean {
  return algId === ALG_ID.CALG_DH_SF || algId === ALG_ID.CALG_DH_EPHEM;
}

/** GET_ALG_SID: the number within its class and type. */
export function algSid(algId: number): number {
  return algId & 0x1ff;
}

/**
 * Lengths in bytes that a session key of this algorithm can have in a SIMPLEBLOB or PLAINTEXTKEYBLOB, in ascending order; empty for an
 * algorithm that has no session keys, or that no Microsoft provider does.
 *
 * DES keys include their parity bits. RC2 and RC4 take 40 to 128 bits in steps of 8 (longer RC2 keys are HMAC keys in disguise:
 * CRYPT_IPSEC_HMAC_KEY).
 */
export function plausibleKeyLengths(algId: number): readonly number[] {
  return KEY_LENGTHS.get(algId) ?? [];
}

const NAMES = new Map<number, AlgIdName>(
  Object.entries(ALG_ID).map(([name, id]) => [id, name as AlgIdName]),
);

/** By number; ALG_CLASS_ANY is 0. */
const CLASSES: readonly AlgClass[] = [
  'any',
  'signature',
  'msg-encrypt',
  'data-encrypt',
  'hash',
  'key-exchange',
];

/** By number; ALG_TYPE_ANY is 0. */
const TYPES: readonly AlgType[] = [
  'any',
  'dss',
  'rsa',
  'block',
  'stream',
  'dh',
  'secure-channel',
  'ecdh',
];

/** 40 to 128 bits. */
const RC_LENGTHS: readonly number[] = Array.from({ length: 12 }, (_, i) => 5 + i);

const KEY_LENGTHS = new Map<number, readonly number[]>([
  [ALG_ID.CALG_DES, [8]],
  [ALG_ID.CALG_3DES_112, [16]],
  [ALG_ID.CALG_3DES, [24]],
  [ALG_ID.CALG_AES_128, [16]],
  [ALG_ID.CALG_AES_192, [24]],
  [ALG_ID.CALG_AES_256, [32]],
  [ALG_ID.CALG_AES, [16, 24, 32]],
  [ALG_ID.CALG_RC2, RC_LENGTHS],
  [ALG_ID.CALG_RC4, RC_LENGTHS],
]);
