/**
 * CryptDecrypt: the data that programs encrypted with session keys of CryptoAPI.
 *
 *   CBC, ECB, CFB    PKCS#5 padding in all three, a whole block where the plaintext fills its last one; IV of zeros by default
 *   RC4              no padding; one stream until Final
 *
 * Source: MS "CryptEncrypt", "CryptSetKeyParam" (KP_IV, KP_MODE, KP_PADDING); FORMATS section 2.
 */
import { KeyStoreError } from '../errors.ts';
import type { CapiKey } from './capi-key.ts';
import { prepareCipher, type CapiMode, type CipherSetup, type RawCipher } from './raw-cipher.ts';

export type { CapiMode } from './raw-cipher.ts';

export interface CapiCipherOptions {
  /** KP_MODE. Default `cbc`. CFB has 8 bits of feedback. RC4 has no modes and does not look at it. */
  readonly mode?: CapiMode;
  /** KP_IV, as long as a block: 16 bytes with AES, 8 with the others. Default zeros. ECB and RC4 do not look at it. */
  readonly iv?: Uint8Array;
  /**
   * Default `pkcs5`, which is all that CryptoAPI has. `none` shows what the key, mode and IV make of the bytes, padding included, to find out
   * which of them is wrong. RC4 has no padding.
   */
  readonly padding?: 'pkcs5' | 'none';
}

/** Decrypts messages piece by piece, as CryptDecrypt with Final = FALSE. */
export interface CapiDecryptor extends Disposable {
  /**
   * Decrypts a piece of a message. Of a padded message the last block is kept back until `final`.
   *
   * Nothing says that this plaintext is what was encrypted: CryptoAPI's ciphers authenticate nothing.
   *
   * @param chunk - Of any length; 1 MiB is fast. Read, not kept.
   * @param output - Where to write, for who decrypts much and uses it again: at least 32 bytes longer than `chunk`. Default: a fresh array.
   * @returns The plaintext so far, 0 to 16 bytes longer or shorter than the piece: the beginning of `output`, which the caller owns, and
   *   wipes.
   * @throws KeyStoreError HANDLE_INVALID after it was disposed of, PARAMETER_INVALID where `output` is too short.
   */
  update(chunk: Uint8Array, output?: Uint8Array): Uint8Array;
  /**
   * Ends the message, as Final = TRUE. The next `update` begins another one, with the same IV.
   *
   * @returns The rest of the plaintext, without padding: a fresh array.
   * @throws KeyStoreError LEGACY_DECRYPTION_FAILED (NTE_BAD_DATA) where padding or length is wrong; it says no more, on purpose.
   */
  final(): Uint8Array;
}

/**
 * Decrypts what CryptEncrypt encrypted in one message.
 *
 * It keeps this thread until it is done: 3DES takes about 30 ms for 1 MiB. `openCapiDecryptor` takes more in pieces.
 *
 * @param key - Read, not kept.
 * @param ciphertext - The whole message. Of a block cipher it is a multiple of the block long.
 * @returns The plaintext in memory that nobody else holds; the caller owns, and wipes, it. Nothing says that it is what was encrypted:
 *   CryptoAPI's ciphers authenticate nothing, and of 256 wrong keys one makes a padding that looks right.
 * @throws KeyStoreError LEGACY_DECRYPTION_FAILED (NTE_BAD_DATA) where padding or length is wrong: another key, salt, effective length, mode
 *   or IV, or other data; it does not say which, on purpose. PARAMETER_INVALID for an IV of another length. ALGORITHM_UNSUPPORTED
 *   (NTE_BAD_ALGID) for another mode. HANDLE_INVALID for a key that was disposed of. With RC2 and RC4 also MODULE_MISSING without koffi,
 *   PROVIDER_UNAVAILABLE where the runtime has no OpenSSL to call (Electron), ALGORITHM_UNSUPPORTED where that has no legacy provider.
 * @example
 * Data that was encrypted with a 3DES key, which came in a PLAINTEXTKEYBLOB.
 * ```ts
 * using key = importCapiKey(blob.algId, blob.key);
 * const plaintext = await capiDecrypt(key, ciphertext, { iv });
 * ```
 */
export async function capiDecrypt(
  key: CapiKey,
  ciphertext: Uint8Array,
  options: CapiCipherOptions = {},
): Promise<Uint8Array> {
  using decryptor = await open(key, options, false);
  return decryptor.whole(ciphertext);
}

/**
 * Opens a decryptor for messages of any length, files for example.
 *
 * @param key - Read, not kept: it may be disposed of before the decryptor is.
 * @returns The caller disposes of it, which wipes the key schedule.
 * @throws KeyStoreError As `capiDecrypt` does, before anything is decrypted.
 * @example
 * ```ts
 * using decryptor = await openCapiDecryptor(key, { mode: 'cbc' });
 * for await (const chunk of createReadStream(path)) await write(decryptor.update(chunk));
 * await write(decryptor.final());
 * ```
 */
export async function openCapiDecryptor(
  key: CapiKey,
  options: CapiCipherOptions = {},
): Promise<CapiDecryptor> {
  return await open(key, options, false);
}

/**
 * CryptEncrypt, to check the reading against; keycask makes no new data with these ciphers, so no subpath exports it.
 *
 * @throws KeyStoreError As `capiDecrypt`; LEGACY_DECRYPTION_FAILED does not occur. PARAMETER_INVALID where the plaintext does not fill its last
 *   block and there is no padding.
 */
export async function capiEncrypt(
  key: CapiKey,
  plaintext: Uint8Array,
  options: CapiCipherOptions = {},
): Promise<Uint8Array> {
  using encryptor = await open(key, options, true);
  return encryptor.whole(plaintext);
}

/** CryptEncrypt in pieces; as {@link capiEncrypt} it is of no subpath. */
export async function openCapiEncryptor(
  key: CapiKey,
  options: CapiCipherOptions = {},
): Promise<CapiDecryptor> {
  return await open(key, options, true);
}

async function open(key: CapiKey, options: CapiCipherOptions, encrypt: boolean): Promise<Messages> {
  const setup = await prepareCipher(key, options.mode ?? 'cbc');
  try {
    const { blockLength } = setup;
    const iv = Uint8Array.from(options.iv ?? new Uint8Array(blockLength));
    if (blockLength > 0 && iv.length !== blockLength)
      throw new KeyStoreError(
        'PARAMETER_INVALID',
        `the IV of this cipher has ${blockLength} bytes`,
      );
    const isPadded = blockLength > 0 && (options.padding ?? 'pkcs5') === 'pkcs5';
    return new Messages(setup, { iv, encrypt, isPadded });
  } catch (error) {
    setup[Symbol.dispose]();
    throw error;
  }
}

interface MessageFacts {
  readonly iv: Uint8Array;
  readonly encrypt: boolean;
  readonly isPadded: boolean;
}

/** Messages under one key, one after the other. */
class Messages implements CapiDecryptor {
  readonly #setup: CipherSetup;
  readonly #facts: MessageFacts;
  /** Ciphertext that may be the last block of a padded message: its last bytes so far. */
  readonly #held: Uint8Array;
  #heldLength = 0;
  /** Bytes of the message so far. */
  #length = 0;
  #cipher: RawCipher | undefined;

  constructor(setup: CipherSetup, facts: MessageFacts) {
    this.#setup = setup;
    this.#facts = facts;
    this.#held = new Uint8Array(facts.isPadded && !facts.encrypt ? setup.blockLength : 0);
  }

  update(chunk: Uint8Array, output: Uint8Array = new Uint8Array(chunk.length + ROOM)): Uint8Array {
    if (output.length < chunk.length + ROOM)
      throw new KeyStoreError(
        'PARAMETER_INVALID',
        `the output must be ${ROOM} bytes longer than the input`,
      );
    const cipher = this.#begin();
    this.#length += chunk.length;
    const ready = this.#heldLength + chunk.length - this.#held.length;
    const fromHeld = Math.min(Math.max(ready, 0), this.#heldLength);
    const fromChunk = Math.max(ready, 0) - fromHeld;
    let written = 0;
    if (fromHeld > 0) written += cipher.update(this.#held.subarray(0, fromHeld), output);
    if (fromChunk > 0)
      written += cipher.update(chunk.subarray(0, fromChunk), output.subarray(written));
    this.#held.copyWithin(0, fromHeld, this.#heldLength);
    this.#held.set(chunk.subarray(fromChunk), this.#heldLength - fromHeld);
    this.#heldLength += chunk.length - fromHeld - fromChunk;
    return output.subarray(0, written);
  }

  final(): Uint8Array {
    const { encrypt, isPadded } = this.#facts;
    try {
      if (!encrypt) return this.#finishDecryption(isPadded);
      return this.#finishEncryption(isPadded);
    } finally {
      this.#end();
    }
  }

  /** One message in one array. */
  whole(input: Uint8Array): Uint8Array {
    const output = new Uint8Array(input.length + 2 * ROOM);
    try {
      const { length } = this.update(input, output);
      const last = this.final();
      output.set(last, length);
      const total = length + last.length;
      last.fill(0);
      return output.subarray(0, total);
    } catch (error) {
      // Nobody may see what did not end well.
      output.fill(0);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#end();
    this.#setup[Symbol.dispose]();
  }

  #begin(): RawCipher {
    return (this.#cipher ??= this.#setup.start(this.#facts));
  }

  /** The state goes back to the IV. */
  #end(): void {
    this.#cipher?.[Symbol.dispose]();
    this.#cipher = undefined;
    this.#held.fill(0);
    this.#heldLength = 0;
    this.#length = 0;
  }

  #finishDecryption(isPadded: boolean): Uint8Array {
    const cipher = this.#begin();
    const { blockLength } = this.#setup;
    // A message that was padded is some blocks long in each mode.
    const isWhole = !isPadded || (this.#length > 0 && this.#length % blockLength === 0);
    const last = new Uint8Array(ROOM);
    try {
      const length = cipher.update(this.#held.subarray(0, this.#heldLength), last);
      if (endsWell(cipher) && isWhole) {
        if (!isPadded) return last.slice(0, length);
        const padding = paddingLength(last.subarray(0, blockLength));
        if (padding > 0) return last.slice(0, blockLength - padding);
      }
      throw new KeyStoreError('LEGACY_DECRYPTION_FAILED');
    } finally {
      last.fill(0);
    }
  }

  #finishEncryption(isPadded: boolean): Uint8Array {
    const cipher = this.#begin();
    const { blockLength } = this.#setup;
    const count = isPadded ? blockLength - (this.#length % blockLength) : 0;
    const output = new Uint8Array(count + ROOM);
    const length = cipher.update(new Uint8Array(count).fill(count), output);
    cipher.final();
    return output.slice(0, length);
  }
}

/** Whether no part of a block is left. */
function endsWell(cipher: RawCipher): boolean {
  try {
    cipher.final();
    return true;
  } catch {
    return false;
  }
}

/** PKCS#5: n bytes of value n, 1 to a block; 0 where it is not. Looks at every byte whatever it finds. */
function paddingLength(block: Uint8Array): number {
  const count = block[block.length - 1]!;
  let wrong = Number(count === 0) | Number(count > block.length);
  for (let i = 1; i <= block.length; i++)
    wrong |= Number(i <= count) & Number(block[block.length - i] !== count);
  return wrong === 0 ? count : 0;
}

/** Two blocks of AES: one that was kept back, and one that OpenSSL wants to have room for. */
const ROOM = 32;
