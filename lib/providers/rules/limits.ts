/** Bounds of what a key file and its properties may hold. */

/** NCryptSetProperty: a property's name has at most 64 characters (NCRYPT_MAX_PROPERTY_NAME), its value at most 1 MiB. */
export const LIMITS = {
  /** MAX_PATH, which bounds a CryptoAPI container's name. */
  nameInCharacters: 260,
  /** Three bytes a UTF-16 unit at most. */
  nameInBytes: { min: 1, max: 3 * 260 },
  customNameInCharacters: 64,
  customNameInBytes: { min: 1, max: 3 * 64 },
  customValue: { min: 0, max: 1 << 20 },
  /** All custom properties of a key together: DER lengths in a key file have at most three bytes. */
  customTotal: 8 << 20,
  uiTitleInCharacters: 256,
  uiTitleInBytes: { min: 0, max: 3 * 256 },
  /** PKCS#8 of an RSA-16384 key has under 10 KiB; the smallest, of P-256, has over 60 bytes. */
  sealedPrivateKey: { min: 32, max: 16 << 10 },
  /** AES key wrap of a 32-byte key has 40 bytes; a DPAPI blob has a few hundred. */
  wrappedFileKey: { min: 40, max: 4 << 10 },
  keyFile: 9 << 20,
  /** ToBeSigned: signed attributes or a TBSCertificate. */
  message: 64 << 10,
} as const;
