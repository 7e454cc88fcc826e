/**
 * The ciphers of CryptoAPI without padding: AES and 3DES by node:crypto, RC2, RC4 and DES by OpenSSL's legacy provider.
 *
 *   DES        = DES-EDE3 with K ‖ K ‖ K where there is no such provider: the second of the three undoes the first, in three times the time
 *   3DES_112   = DES-EDE3 with K1 ‖ K2 ‖ K1
 *   CFB        = 8-bit feedback (KP_MODE_BITS 8); OpenSSL has none for RC2
 */
import { createCipheriv, createDecipheriv, type Cipher, type Decipher } from 'node:crypto';
import { ALG_ID, describeAlgId } from '../blobs/alg-id.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { loadOpenSslLegacy, type OpenSslLegacy } from '../../native-bindings/openssl-legacy.ts';
import type { CapiKey } from './capi-key.ts';
import { Cfb8 } from './cfb8.ts';

/** KP_MODE: CRYPT_MODE_CBC, CRYPT_MODE_ECB, CRYPT_MODE_CFB. */
export type CapiMode = 'cbc' | 'ecb' | 'cfb';

/** A cipher at work on one message. */
export interface RawCipher extends Disposable {
  /**
   * @param output - At least a block longer than `input`; another array than it.
   * @returns How many bytes were written there.
   */
  update(input: Uint8Array, output: Uint8Array): number;
  /** Ends the message. @throws KeyStoreError PARAMETER_INVALID where a part of a block is left. */
  final(): void;
}

/** Starts the cipher for a message. */
type StartCipher = (mode: { readonly iv: Uint8Array; readonly encrypt: boolean }) => RawCipher;

/** A key that is ready for use. */
export interface CipherSetup extends Disposable {
  /** In bytes; 0 of a stream cipher. */
  readonly blockLength: number;
  readonly start: StartCipher;
}

/**
 * Prepares a key: loads what its cipher needs, and copies what goes into the key schedule.
 *
 * @throws KeyStoreError ALGORITHM_UNSUPPORTED, MODULE_MISSING, PROVIDER_UNAVAILABLE: see `capiDecrypt`.
 */
export async function prepareCipher(key: CapiKey, mode: CapiMode): Promise<CipherSetup> {
  if (key.algId === ALG_ID.CALG_RC4) return rc4(key, await loadOpenSslLegacy());
  if (!MODES.includes(mode))
    throw new KeyStoreError(
      'ALGORITHM_UNSUPPORTED',
      `CryptoAPI's providers encrypt in the modes ${MODES.join(', ')}, not ${mode as string}`,
    );
  if (key.algId === ALG_ID.CALG_RC2) return rc2(key, mode, await loadOpenSslLegacy());
  if (key.algId === ALG_ID.CALG_DES) {
    const openssl = await loadOpenSslLegacy().catch(() => undefined);
    if (openssl !== undefined) return des(key, mode, openssl);
  }
  return nodeSetup(key, mode);
}

/** In bytes; 0 of a stream cipher. @throws KeyStoreError ALGORITHM_UNSUPPORTED for what is no cipher. */
export function blockLengthOf(algId: number): number {
  const length = BLOCK_LENGTHS.get(algId);
  if (length === undefined)
    throw new KeyStoreError('ALGORITHM_UNSUPPORTED', `${describeAlgId(algId)} is no cipher`);
  return length;
}

function rc2(key: CapiKey, mode: CapiMode, openssl: OpenSslLegacy): CipherSetup {
  const schedule = keyAndSalt(key);
  const rc2EffectiveBits = key.effectiveBits;
  const open = (name: 'RC2-CBC' | 'RC2-ECB', encrypt: boolean, iv?: Uint8Array) =>
    openssl.openCipher(name, {
      key: schedule.bytes,
      encrypt,
      rc2EffectiveBits,
      ...(iv !== undefined && { iv }),
    });
  const start: StartCipher = ({ iv, encrypt }) => {
    if (mode === 'cbc') return open('RC2-CBC', encrypt, iv);
    if (mode === 'ecb') return open('RC2-ECB', encrypt);
    return new Cfb8(open('RC2-ECB', true), iv, encrypt);
  };
  return setup(key, schedule, start);
}

function rc4(key: CapiKey, openssl: OpenSslLegacy): CipherSetup {
  const schedule = keyAndSalt(key);
  return setup(key, schedule, ({ encrypt }) =>
    openssl.openCipher('RC4', { key: schedule.bytes, encrypt }),
  );
}

function des(key: CapiKey, mode: CapiMode, openssl: OpenSslLegacy): CipherSetup {
  const schedule = SecretBytes.copy(key.key.bytes);
  return setup(key, schedule, ({ iv, encrypt }) =>
    openssl.openCipher(DES_NAMES[mode], {
      key: schedule.bytes,
      encrypt,
      ...(mode !== 'ecb' && { iv }),
    }),
  );
}

function nodeSetup(key: CapiKey, mode: CapiMode): CipherSetup {
  const blockLength = blockLengthOf(key.algId);
  const isAes = blockLength === AES_BLOCK_LENGTH;
  const schedule = isAes ? SecretBytes.copy(key.key.bytes) : tripleDesKey(key.key.bytes);
  const name = `${isAes ? `aes-${schedule.length * 8}` : 'des-ede3'}-${mode === 'cfb' ? 'cfb8' : mode}`;
  return setup(
    key,
    schedule,
    ({ iv, encrypt }) =>
      new NodeCipher(
        (encrypt ? createCipheriv : createDecipheriv)(
          name,
          schedule.bytes,
          mode === 'ecb' ? null : iv,
        ),
      ),
  );
}

function setup(key: CapiKey, schedule: SecretBytes, start: StartCipher): CipherSetup {
  return {
    blockLength: blockLengthOf(key.algId),
    start,
    [Symbol.dispose]: () => schedule.dispose(),
  };
}

function keyAndSalt({ key, salt }: CapiKey): SecretBytes {
  const schedule = new SecretBytes(key.length + salt.length);
  schedule.bytes.set(key.bytes);
  schedule.bytes.set(salt, key.length);
  return schedule;
}

/** 8, 16 or 24 bytes, again and again until it is 24: K ‖ K ‖ K, K1 ‖ K2 ‖ K1. */
function tripleDesKey(key: Uint8Array): SecretBytes {
  const schedule = new SecretBytes(TRIPLE_DES_KEY_LENGTH);
  for (let i = 0; i < TRIPLE_DES_KEY_LENGTH; i++) schedule.bytes[i] = key[i % key.length]!;
  return schedule;
}

class NodeCipher implements RawCipher {
  readonly #cipher: Cipher | Decipher;

  constructor(cipher: Cipher | Decipher) {
    this.#cipher = cipher.setAutoPadding(false);
  }

  update(input: Uint8Array, output: Uint8Array): number {
    let total = 0;
    for (let at = 0; at < input.length; at += MAX_PIECE) {
      const piece = this.#cipher.update(input.subarray(at, at + MAX_PIECE));
      output.set(piece, total);
      total += piece.length;
      piece.fill(0);
    }
    return total;
  }

  final(): void {
    try {
      this.#cipher.final();
    } catch {
      throw new KeyStoreError('PARAMETER_INVALID', 'a part of a block is left');
    }
  }

  /** node:crypto frees its own when it is collected. */
  [Symbol.dispose](): void {}
}

const DES_NAMES = { cbc: 'DES-CBC', ecb: 'DES-ECB', cfb: 'DES-CFB8' } as const;
const MODES: readonly CapiMode[] = ['cbc', 'ecb', 'cfb'];
const AES_BLOCK_LENGTH = 16;
const TRIPLE_DES_KEY_LENGTH = 24;
/** What node:crypto makes for each call is as long as the input. */
const MAX_PIECE = 1 << 20;

const BLOCK_LENGTHS = new Map<number, number>([
  [ALG_ID.CALG_RC4, 0],
  [ALG_ID.CALG_RC2, 8],
  [ALG_ID.CALG_DES, 8],
  [ALG_ID.CALG_3DES_112, 8],
  [ALG_ID.CALG_3DES, 8],
  [ALG_ID.CALG_AES_128, AES_BLOCK_LENGTH],
  [ALG_ID.CALG_AES_192, AES_BLOCK_LENGTH],
  [ALG_ID.CALG_AES_256, AES_BLOCK_LENGTH],
  [ALG_ID.CALG_AES, AES_BLOCK_LENGTH],
]);
