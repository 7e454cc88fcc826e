/**
 * RSA keys as a container's file has them: BSAFE_PUB_KEY in clear, BSAFE_PRV_KEY under DPAPI. Source: mimikatz kull_m_key.c; dpapick; a sample
 * of Windows 10, 2048 bits.
 *
 *  off size field          meaning
 *    0    4 magic          0x31415352 "RSA1" public, 0x32415352 "RSA2" private
 *    4    4 keylen         B: bytes of the modulus and 8 more
 *    8    4 bitlen
 *   12    4 datalen        bytes of the modulus less 1: the most that it encrypts
 *   16    4 pubexp
 *   20    B modulus
 *     + B/2 prime1, prime2, exponent1, exponent2, coefficient, each       private only, as all that follows
 *     +   B privateExponent
 *     +     filler         zeros where seen
 *
 * Numbers are little-endian with zeros above in the file, and big-endian with zeros before them here.
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { copyBytes, reverseBytes } from '../bytes/octets.ts';
import { showWithout } from './show-without.ts';

/** The head and the modulus, which both forms have. */
export interface CapiRsaPublicKey {
  /** bitlen */
  readonly modulusBits: number;
  /** datalen */
  readonly dataLength: number;
  /** pubexp */
  readonly exponent: number;
  /** Big-endian, `keylen` bytes: 8 more than the modulus has. */
  readonly modulus: Uint8Array;
}

/** Both halves of the key. Big-endian numbers with zeros before them. */
export interface CapiRsaPrivateKey extends CapiRsaPublicKey {
  /** p */
  readonly prime1: Uint8Array;
  /** q */
  readonly prime2: Uint8Array;
  /** d mod p-1 */
  readonly exponent1: Uint8Array;
  /** d mod q-1 */
  readonly exponent2: Uint8Array;
  /** q^-1 mod p */
  readonly coefficient: Uint8Array;
  /** d */
  readonly privateExponent: Uint8Array;
  /** What follows, as it is. */
  readonly filler: Uint8Array;
}

/**
 * Reads the public key of a slot of a container's file.
 *
 * @returns Fresh arrays.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * const { modulusBits } = decodeCapiRsaPublicKey(file.exchange.publicKey);
 * ```
 */
export function decodeCapiRsaPublicKey(bytes: Uint8Array): CapiRsaPublicKey {
  const r = new BlobReader(bytes, 'CryptoAPI public key');
  const key = readPublicPart(r, RSA1);
  r.end();
  return key;
}

/** Writes the public key of a slot back as it was read. */
export function encodeCapiRsaPublicKey(key: CapiRsaPublicKey): Uint8Array {
  const w = new BlobWriter(HEADER_LENGTH + key.modulus.length);
  writePublicPart(w, RSA1, key);
  return w.finish();
}

/**
 * Reads what DPAPI gives of the private key of a slot.
 *
 * @returns Fresh arrays, which disposing of the result wipes. The caller still owns, and wipes, `bytes`.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA).
 * @example
 * ```ts
 * using key = decodeCapiRsaPrivateKey(plaintext.bytes);
 * ```
 */
export function decodeCapiRsaPrivateKey(bytes: Uint8Array): CapiRsaPrivateKey & Disposable {
  const r = new BlobReader(bytes, 'CryptoAPI private key');
  const head = readPublicPart(r, RSA2);
  const whole = head.modulus.length;
  if (whole % 2 !== 0) r.failAt(4, 'keylen', `want an even number, got ${whole}`);
  const views = SECRET_NUMBERS.map((field) =>
    r.bytes(field, field === 'privateExponent' ? whole : whole / 2),
  );
  const filler = copyBytes(r.rest('filler'));
  // Nothing is copied before all of it is there.
  const numbers = Object.fromEntries(
    SECRET_NUMBERS.map((field, i) => [field, reverseBytes(views[i]!)]),
  ) as Record<(typeof SECRET_NUMBERS)[number], Uint8Array>;
  const key = { ...head, ...numbers, filler };
  const wipe = (): void => {
    for (const field of SECRET_NUMBERS) numbers[field].fill(0);
    filler.fill(0);
  };
  Object.defineProperty(key, Symbol.dispose, { value: wipe });
  return showWithout(key as typeof key & Disposable, [...SECRET_NUMBERS, 'filler']);
}

/** Writes a private key back as it was read: a fresh array, which the caller wipes. */
export function encodeCapiRsaPrivateKey(key: CapiRsaPrivateKey): Uint8Array {
  const whole = key.modulus.length;
  const w = new BlobWriter(HEADER_LENGTH + 2 * whole + 5 * (whole / 2) + key.filler.length);
  writePublicPart(w, RSA2, key);
  for (const field of SECRET_NUMBERS) {
    const reversed = reverseBytes(key[field]);
    w.bytes(reversed);
    reversed.fill(0);
  }
  return w.bytes(key.filler).finish();
}

function readPublicPart(r: BlobReader, magic: number): CapiRsaPublicKey {
  r.expectU32le('magic', magic);
  const keyLength = r.u32le('keylen');
  const modulusBits = r.u32leIn('bitlen', { min: 1, max: MAX_RSA_BITS });
  if (8 * keyLength < modulusBits)
    r.failAt(r.offset - 8, 'keylen', `${keyLength} bytes do not hold ${modulusBits} bits`);
  const dataLength = r.u32le('datalen');
  const exponent = r.u32le('pubexp');
  const modulus = reverseBytes(r.bytes('modulus', keyLength));
  return { modulusBits, dataLength, exponent, modulus };
}

function writePublicPart(w: BlobWriter, magic: number, key: CapiRsaPublicKey): void {
  w.u32le(magic).u32le(key.modulus.length).u32le(key.modulusBits);
  w.u32le(key.dataLength).u32le(key.exponent).bytes(reverseBytes(key.modulus));
}

const RSA1 = 0x31415352;
const RSA2 = 0x32415352;
/** PP_ENUMALGS_EX: no Microsoft provider makes longer ones. */
const MAX_RSA_BITS = 16384;
const HEADER_LENGTH = 20;
/** In the order of the file. */
const SECRET_NUMBERS = [
  'prime1',
  'prime2',
  'exponent1',
  'exponent2',
  'coefficient',
  'privateExponent',
] as const;
