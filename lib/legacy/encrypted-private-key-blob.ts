/**
 * PRIVATEKEYBLOBs that CryptExportKey encrypted with a session key. Source: MS "Base Provider Private-Key BLOB", "DSS Provider Private-Key BLOB".
 *
 *   BLOBHEADER ‖ CryptEncrypt(session key, magic ‖ sizes ‖ numbers)
 *
 * Which key, cipher and mode it was is stored nowhere: what comes out has to be a private key of exactly its length. With a key fresh from
 * CryptGenKey or CryptImportKey it is CBC, an IV of zeros and PKCS#5 padding. Whether every provider padded is not known, so both are read.
 */
import { decodeEncryptedPrivateKeyBlob } from '../blobs/encrypted-private-key-blob.ts';
import { ALG_ID, plausibleKeyLengths } from '../blobs/alg-id.ts';
import { BLOB_HEADER_LENGTH } from '../blobs/key-blob-header.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { importCapiKey, type CapiKey } from './capi-key.ts';
import { capiDecrypt, type CapiMode } from './cipher.ts';
import { isClearPrivateKey } from './clear-private-key.ts';

/** A key that may have encrypted a private key: a session key, or bytes of one whose cipher nobody remembers. */
export type PrivateKeyBlobCandidate = CapiKey | SecretBytes | Uint8Array;

/** State of the session key when it was used. */
export interface OpenEncryptedPrivateKeyBlobOptions {
  /** KP_MODE. Default: CBC, then ECB and CFB, are tried. */
  readonly mode?: CapiMode;
  /** KP_IV. Default zeros. */
  readonly iv?: Uint8Array;
}

/** Which key and state it was. */
export interface PrivateKeyBlobEncryption {
  /** Place in the list of candidates. */
  readonly candidate: number;
  /** ALG_ID of the cipher. */
  readonly algId: number;
  /** KP_EFFECTIVE_KEYLEN of RC2; with other ciphers as many bits as the key has. */
  readonly effectiveBits: number;
  /** Bytes of salt that followed the key (RC2, RC4). */
  readonly saltLength: number;
  /** Undefined for RC4, which has no modes. */
  readonly mode: CapiMode | undefined;
  readonly padding: 'pkcs5' | 'none';
}

/** A private key that was encrypted. Disposing of it wipes the key. */
export interface OpenedPrivateKeyBlob extends Disposable {
  /** PRIVATEKEYBLOB, in the clear: for `decodeKeyBlob`. */
  readonly blob: SecretBytes;
  /** Absent where the blob was in the clear: some providers take the key for export and do not use it. */
  readonly encryption?: PrivateKeyBlobEncryption;
}

/**
 * Opens a PRIVATEKEYBLOB that is encrypted with one of some session keys.
 *
 * Candidates that are bytes are tried with every cipher of CryptoAPI's whose keys can have their length: of RC2 with effective lengths of 40, 56, 64
 * and 128 bits too, of 40-bit keys with and without salt.
 *
 * @param blob - PRIVATEKEYBLOB of RSA, DSS or Diffie-Hellman. The caller still owns it.
 * @param candidates - Read, not kept; the first that fits is the answer. The caller still owns, and disposes of, them.
 * @returns The private key, which the caller owns, and disposes of, and what opened it.
 * @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE), without a cause, where no candidate fits. Where none fits and one could not be
 * tried, what {@link capiDecrypt} threw of it. BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA), BLOB_VERSION_UNSUPPORTED (NTE_BAD_VER),
 * BLOB_ALGORITHM_UNSUPPORTED (NTE_BAD_ALGID) for what is no such blob under any key.
 * @example
 * ```ts
 * using opened = await openEncryptedPrivateKeyBlob(await readFile('exchange.key'), [key, oldKeyBytes]);
 * const privateKey = importLegacyPrivateKey(opened.blob.bytes);
 * ```
 */
export async function openEncryptedPrivateKeyBlob(
  blob: Uint8Array,
  candidates: readonly PrivateKeyBlobCandidate[],
  options: OpenEncryptedPrivateKeyBlobOptions = {},
): Promise<OpenedPrivateKeyBlob> {
  if (isClearPrivateKey(blob)) return opened(SecretBytes.copy(blob));
  decodeEncryptedPrivateKeyBlob(blob);
  let untried: KeyStoreError | undefined;
  for (const [candidate, source] of candidates.entries()) {
    for (const attempt of attemptsWith(source, options)) {
      using own = attempt.own;
      try {
        const found = await tryToOpen(blob, own ?? (source as CapiKey), attempt, options.iv);
        if (found) return opened(found.blob, { candidate, ...found.encryption });
      } catch (error) {
        if (!KeyStoreError.is(error)) throw error;
        untried ??= error;
      }
    }
  }
  throw untried ?? new KeyStoreError('KEY_UNWRAP_FAILED');
}

/** One key in one mode. */
interface Attempt {
  /** A key made of bytes, to be disposed of; undefined where the candidate is a key. */
  readonly own: CapiKey | undefined;
  readonly mode: CapiMode | undefined;
}

function* attemptsWith(
  source: PrivateKeyBlobCandidate,
  options: OpenEncryptedPrivateKeyBlobOptions,
): Generator<Attempt> {
  if ('algId' in source) {
    for (const mode of modesOf(source.algId, options)) yield { own: undefined, mode };
    return;
  }
  const bytes = source instanceof SecretBytes ? source.bytes : source;
  for (const algId of CIPHERS) {
    if (!plausibleKeyLengths(algId).includes(bytes.length)) continue;
    for (const mode of modesOf(algId, options))
      for (const state of statesOf(algId, bytes.length))
        yield { own: importCapiKey(algId, bytes, state), mode };
  }
}

function modesOf(
  algId: number,
  { mode }: OpenEncryptedPrivateKeyBlobOptions,
): readonly (CapiMode | undefined)[] {
  if (algId === ALG_ID.CALG_RC4) return [undefined];
  return mode === undefined ? MODES : [mode];
}

/** Salts and effective lengths that a key of so many bytes may have been used with. */
function statesOf(algId: number, length: number) {
  const salts =
    length === EXPORT_KEY_LENGTH ? (['default', 'none'] as const) : ['default' as const];
  if (algId === ALG_ID.CALG_RC4) return salts.map((salt) => ({ salt }));
  if (algId !== ALG_ID.CALG_RC2) return [{}];
  const lengths = [...new Set([8 * length, ...EFFECTIVE_BITS])];
  return salts.flatMap((salt) => lengths.map((effectiveBits) => ({ salt, effectiveBits })));
}

/** The clear blob and how it was encrypted; undefined where this key gives none. */
async function tryToOpen(
  blob: Uint8Array,
  key: CapiKey,
  { mode }: Attempt,
  iv: Uint8Array | undefined,
): Promise<
  { blob: SecretBytes; encryption: Omit<PrivateKeyBlobEncryption, 'candidate'> } | undefined
> {
  const body = await decryptedBody(key, blob.subarray(BLOB_HEADER_LENGTH), {
    ...(mode && { mode }),
    ...(iv && { iv }),
    padding: 'none',
  });
  if (!body) return undefined;
  using own = body;
  for (const padding of mode === undefined ? UNPADDED : PADDINGS) {
    const count = padding === 'pkcs5' ? paddingLength(own.bytes) : 0;
    if (padding === 'pkcs5' && count === 0) continue;
    const clear = new SecretBytes(blob.length - count);
    clear.bytes.set(blob.subarray(0, BLOB_HEADER_LENGTH));
    clear.bytes.set(own.bytes.subarray(0, own.length - count), BLOB_HEADER_LENGTH);
    if (isClearPrivateKey(clear.bytes)) {
      const { algId, effectiveBits, salt } = key;
      return {
        blob: clear,
        encryption: { algId, effectiveBits, saltLength: salt.length, mode, padding },
      };
    }
    clear.dispose();
  }
  return undefined;
}

/** Undefined where the length is none of this cipher's. */
async function decryptedBody(
  key: CapiKey,
  ciphertext: Uint8Array,
  options: { mode?: CapiMode; iv?: Uint8Array; padding: 'none' },
): Promise<SecretBytes | undefined> {
  try {
    return SecretBytes.take(await capiDecrypt(key, ciphertext, options));
  } catch (error) {
    if (KeyStoreError.is(error) && error.code === 'LEGACY_DECRYPTION_FAILED') return undefined;
    throw error;
  }
}

/** PKCS#5: how many bytes of value n end the body, where there are n of them; else 0. */
function paddingLength(body: Uint8Array): number {
  const count = body.at(-1) ?? 0;
  if (count === 0 || count > MAX_PADDING || count > body.length) return 0;
  return body.subarray(-count).every((byte) => byte === count) ? count : 0;
}

function opened(blob: SecretBytes, encryption?: PrivateKeyBlobEncryption): OpenedPrivateKeyBlob {
  return { blob, ...(encryption && { encryption }), [Symbol.dispose]: () => blob.dispose() };
}

/** Ciphers of CryptoAPI's, of which bytes alone do not tell. */
const CIPHERS: readonly number[] = [
  ALG_ID.CALG_3DES,
  ALG_ID.CALG_3DES_112,
  ALG_ID.CALG_DES,
  ALG_ID.CALG_AES_128,
  ALG_ID.CALG_AES_192,
  ALG_ID.CALG_AES_256,
  ALG_ID.CALG_RC2,
  ALG_ID.CALG_RC4,
];
const MODES: readonly CapiMode[] = ['cbc', 'ecb', 'cfb'];
const PADDINGS = ['pkcs5', 'none'] as const;
const UNPADDED = ['none'] as const;
/** AES. */
const MAX_PADDING = 16;
const EXPORT_KEY_LENGTH = 5;
/** KP_EFFECTIVE_KEYLEN that old releases of Windows, and other software, used whatever the key's length. */
const EFFECTIVE_BITS: readonly number[] = [40, 56, 64, 128];
