/**
 * searchCipher: how a session key was used, found out from a sample of what it encrypted.
 *
 *   a key blob does not tell    salt and effective length (RC2, RC4), mode, IV
 *   what tells them             the plaintext, where some of it is known; what it looks like; the padding at its end
 *
 * A wrong IV garbles the first block and nothing else (CBC, CFB), so it is told from a wrong key, of which nothing fits.
 */
import { ALG_ID, describeAlgId, algIdName } from '../blobs/alg-id.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import { importCapiKey, takesSalt, type CapiKey, type CapiSalt } from '../legacy/capi-key.ts';
import { capiDecrypt, type CapiCipherOptions, type CapiMode } from '../legacy/cipher.ts';
import { blockLengthOf } from '../legacy/raw-cipher.ts';
import { judgeBeginning, paddingLength, type Judgement } from './plaintext-judge.ts';

/** Ciphertext, as much of it as is needed. */
export interface CipherSample {
  /** The first up to 64 KiB. */
  readonly head: Uint8Array;
  /** The last up to 64 KiB, on a block boundary. May be the same bytes as `head`. */
  readonly tail: Uint8Array;
  /** Bytes of the whole message. */
  readonly size: number;
  /** How the plaintext begins. */
  readonly knownPlaintext?: Uint8Array;
}

/** What is known already; what is left out is searched for. */
export interface SearchCipherOptions {
  /** KP_IV. Default zeros, which is CryptoAPI's. */
  readonly iv?: Uint8Array;
  readonly mode?: CapiMode;
  readonly salt?: CapiSalt;
  readonly effectiveBits?: number;
}

/** A way to use the key. Disposing of it wipes its key. */
export interface CipherFinding extends Disposable {
  /** With the salt and the effective length that were found. */
  readonly key: CapiKey;
  /** For `openCapiDecryptor`. */
  readonly options: CapiCipherOptions;
  /**
   * What speaks for it: the plaintext that was known; contents that random bytes do not have; the padding alone, which one wrong way in 256
   * has too; nothing, so that this is CryptoAPI's default and no more.
   */
  readonly certainty: 'known-plaintext' | 'recognised-content' | 'padding' | 'none';
  /** `garbled`: the IV is another one, or the message begins before or after the sample. `unknown`: nothing tells. */
  readonly firstBlock: 'fits' | 'garbled' | 'unknown';
  /** The IV was computed from the known plaintext, and is in `options`. */
  readonly ivWasFound: boolean;
  /** The plaintext seems to begin with the second block, as where the IV was stored in front of the ciphertext. */
  readonly ivIsInFront: boolean;
  /** What was recognised: `a PDF file`, `text`. */
  readonly content?: string;
  /** Whether the message ends in padding; false too where the sample has not its end. */
  readonly isPadded: boolean;
  /** How unlikely random bytes are to look so: two to this power. For who compares findings of several keys. */
  readonly bits: number;
  /** For people: `CALG_RC4, 11 bytes of zero salt`. */
  readonly text: string;
}

/**
 * Finds out how a session key was used.
 *
 * Works on the ends of the message only, so its size does not matter.
 *
 * @param key - ALG_ID and bytes, as a key blob has them. Read, not kept.
 * @param sample - Read, not kept.
 * @returns Best first. Where nothing fits, all are of certainty `none`, CryptoAPI's default first: one alone is the only way that there is, of
 *   several each would be a guess. The caller disposes of them all.
 * @throws KeyStoreError As `importCapiKey` and `capiDecrypt` do: ALGORITHM_UNSUPPORTED, LEGACY_KEY_LENGTH_REFUSED, PARAMETER_INVALID for an
 *   IV of another length; with RC2 and RC4 MODULE_MISSING without koffi, PROVIDER_UNAVAILABLE.
 * @example
 * ```ts
 * const [best, ...others] = await searchCipher({ algId, key }, { head, tail, size });
 * for (const other of others) other[Symbol.dispose]();
 * using found = best;
 * ```
 */
export async function searchCipher(
  key: { readonly algId: number; readonly key: SecretBytes },
  sample: CipherSample,
  options: SearchCipherOptions = {},
): Promise<CipherFinding[]> {
  const found: CipherFinding[] = [];
  try {
    for (const state of statesOf(key, options)) {
      for (const mode of modesOf(key.algId, options.mode)) {
        found.push(await tryState(key, { ...state, mode }, sample, options.iv));
      }
    }
    return best(found);
  } catch (error) {
    for (const finding of found) finding[Symbol.dispose]();
    throw error;
  }
}

/** Those that something speaks for, best first; else those that were tried first. The rest is disposed of. */
function best(found: readonly CipherFinding[]): CipherFinding[] {
  const fitting = found
    .filter(({ certainty }) => certainty !== 'none')
    .toSorted((a, b) => rank(a) - rank(b) || b.bits - a.bits);
  const kept = (fitting.length > 0 ? fitting : found).slice(0, MAX_FINDINGS);
  for (const finding of found) if (!kept.includes(finding)) finding[Symbol.dispose]();
  return kept;
}

function rank({ certainty, firstBlock }: CipherFinding): number {
  return 2 * CERTAINTIES.indexOf(certainty) + (firstBlock === 'garbled' ? 1 : 0);
}

/** Salt and effective length. */
interface KeyState {
  readonly salt?: CapiSalt;
  readonly effectiveBits?: number;
}

/** CryptoAPI's default first. */
function statesOf(
  { algId, key }: { readonly algId: number; readonly key: SecretBytes },
  { salt, effectiveBits }: SearchCipherOptions,
): readonly KeyState[] {
  if (!takesSalt(algId)) return [{}];
  const isExport = key.length === EXPORT_KEY_LENGTH;
  const salts: readonly CapiSalt[] =
    salt !== undefined ? [salt] : isExport ? ['default', 'none'] : ['default'];
  if (algId === ALG_ID.CALG_RC4) return salts.map((each) => ({ salt: each }));
  const lengths = new Set(
    effectiveBits === undefined ? [8 * key.length, ...EFFECTIVE_BITS] : [effectiveBits],
  );
  return [...lengths].flatMap((bits) => salts.map((each) => ({ salt: each, effectiveBits: bits })));
}

function modesOf(algId: number, mode: CapiMode | undefined): readonly (CapiMode | undefined)[] {
  if (algId === ALG_ID.CALG_RC4) return [undefined];
  return mode === undefined ? MODES : [mode];
}

// oxlint-disable-next-line max-params -- a key, how it is used, on what
async function tryState(
  { algId, key: bytes }: { readonly algId: number; readonly key: SecretBytes },
  { mode, ...state }: KeyState & { readonly mode: CapiMode | undefined },
  sample: CipherSample,
  iv: Uint8Array | undefined,
): Promise<CipherFinding> {
  const key = importCapiKey(algId, bytes.bytes, state);
  try {
    const block = blockLengthOf(algId);
    const options = { ...(mode && { mode }), ...(iv && block > 0 && { iv }) };
    const head = await decrypted(key, sample.head.subarray(0, PROBE), options, block);
    const padding = await paddingOf(key, sample, options, block);
    const whole = sample.size <= head.length;
    const shown = whole && padding > 0 ? head.subarray(0, head.length - padding) : head;
    const judgement = judgeBeginning(shown, {
      block: mode === 'ecb' ? 0 : block,
      ciphertext: sample.head.subarray(0, PROBE),
      known: sample.knownPlaintext,
      padding,
    });
    const found = inferIv({ head, judgement, block, mode, iv, known: sample.knownPlaintext });
    head.fill(0);
    return {
      key,
      options: { ...options, ...(found && { iv: found }) },
      certainty: certaintyOf(judgement, padding),
      firstBlock: found ? 'fits' : judgement.firstBlock,
      ivWasFound: found !== undefined,
      ivIsInFront: judgement.beginsAtSecondBlock,
      ...(judgement.content !== undefined && { content: judgement.content }),
      isPadded: padding > 0,
      bits: judgement.bits + 8 * padding,
      text: textOf(key, mode, { iv: found ?? iv, isFound: found !== undefined }),
      [Symbol.dispose]: () => key[Symbol.dispose](),
    };
  } catch (error) {
    key[Symbol.dispose]();
    throw error;
  }
}

function certaintyOf(judgement: Judgement, padding: number): CipherFinding['certainty'] {
  if (judgement.isKnown) return 'known-plaintext';
  if (judgement.content !== undefined) return 'recognised-content';
  return padding > 0 ? 'padding' : 'none';
}

/** Of whole blocks; what is left of one is left out. */
// oxlint-disable-next-line max-params -- key, bytes, mode, block
async function decrypted(
  key: CapiKey,
  ciphertext: Uint8Array,
  options: CapiCipherOptions,
  block: number,
): Promise<Uint8Array> {
  const length = block === 0 ? ciphertext.length : ciphertext.length - (ciphertext.length % block);
  return await capiDecrypt(key, ciphertext.subarray(0, length), { ...options, padding: 'none' });
}

/** Bytes of PKCS#5 padding at the end of the message; 0 where there is none. */
// oxlint-disable-next-line max-params -- key, sample, mode, block
async function paddingOf(
  key: CapiKey,
  { tail, size }: CipherSample,
  options: CapiCipherOptions,
  block: number,
): Promise<number> {
  if (block === 0 || size % block !== 0 || tail.length < block) return 0;
  const isOnly = tail.length === block;
  // What comes before the last block is its IV, in CBC and in CFB.
  const iv = isOnly ? options.iv : tail.subarray(tail.length - 2 * block, tail.length - block);
  if (isOnly && size !== block) return 0;
  const last = await capiDecrypt(key, tail.subarray(tail.length - block), {
    ...options,
    ...(iv && { iv }),
    padding: 'none',
  });
  try {
    return paddingLength(last);
  } finally {
    last.fill(0);
  }
}

interface IvFacts {
  readonly head: Uint8Array;
  readonly judgement: Judgement;
  readonly block: number;
  readonly mode: CapiMode | undefined;
  readonly iv: Uint8Array | undefined;
  readonly known: Uint8Array | undefined;
}

/** In CBC the first block is D(c) ⊕ IV: whoever knows its plaintext knows the IV. */
function inferIv({ head, judgement, block, mode, iv, known }: IvFacts): Uint8Array | undefined {
  if (judgement.firstBlock !== 'garbled' || mode !== 'cbc') return undefined;
  if (known === undefined || known.length < block) return undefined;
  return Uint8Array.from({ length: block }, (_, i) => head[i]! ^ (iv?.[i] ?? 0) ^ known[i]!);
}

function textOf(
  { algId, salt, effectiveBits }: CapiKey,
  mode: CapiMode | undefined,
  { iv, isFound }: { readonly iv: Uint8Array | undefined; readonly isFound: boolean },
): string {
  const parts: string[] = [algIdName(algId) ?? describeAlgId(algId)];
  if (takesSalt(algId)) parts.push(saltText(salt));
  if (algId === ALG_ID.CALG_RC2) parts.push(`${effectiveBits} effective bits`);
  if (mode !== undefined) parts.push(mode.toUpperCase());
  if (mode !== undefined && mode !== 'ecb') parts.push(ivText(iv, isFound));
  return parts.join(', ');
}

function saltText(salt: Uint8Array): string {
  if (salt.length === 0) return 'no salt';
  return `${salt.length} bytes of ${salt.every((byte) => byte === 0) ? 'zero salt' : 'salt'}`;
}

function ivText(iv: Uint8Array | undefined, isFound: boolean): string {
  if (isFound) return 'IV computed from the known plaintext';
  return iv === undefined || iv.every((byte) => byte === 0) ? 'IV of zeros' : 'IV as given';
}

/** Enough to tell text and files from noise, and quick in every mode. */
const PROBE = 1024;
const MAX_FINDINGS = 8;
const CERTAINTIES: readonly CipherFinding['certainty'][] = [
  'known-plaintext',
  'recognised-content',
  'padding',
  'none',
];
/** CryptoAPI's default first. */
const MODES: readonly CapiMode[] = ['cbc', 'ecb', 'cfb'];
/** 40-bit keys are the ones that CryptoAPI salts by itself. */
const EXPORT_KEY_LENGTH = 5;
/** KP_EFFECTIVE_KEYLEN of the Base Provider, of Windows 2000, of other software; 1024 where nobody limited it. */
const EFFECTIVE_BITS: readonly number[] = [40, 56, 64, 128, 1024];
