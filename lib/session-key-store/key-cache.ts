/** Opened session keys, kept for a while so that ten thousand files of one run cost one unwrap. */
import type { SessionKey } from '../keys/session-key.ts';
import type { KeyCacheLimits } from './types.ts';

const DEFAULT_MAX_AGE_MS = 300_000;
const DEFAULT_MAX_KEYS = 256;

interface CachedKey {
  readonly key: SessionKey;
  readonly expires: number;
}

/** Keyed by SHA-256 of the record that a key came from, so that a changed record is never answered from here. */
export class KeyCache {
  readonly #entries = new Map<string, CachedKey>();
  readonly #maxAgeMs: number;
  readonly #maxKeys: number;
  readonly #now: () => number;

  constructor(
    { maxAgeMs = DEFAULT_MAX_AGE_MS, maxKeys = DEFAULT_MAX_KEYS }: KeyCacheLimits = {},
    now: () => number = Date.now,
  ) {
    this.#maxAgeMs = maxAgeMs;
    this.#maxKeys = maxKeys;
    this.#now = now;
  }

  /** A duplicate that the caller owns, or undefined. */
  get(recordHash: string): SessionKey | undefined {
    const entry = this.#entries.get(recordHash);
    if (!entry) return undefined;
    if (entry.expires <= this.#now()) {
      this.#drop(recordHash, entry);
      return undefined;
    }
    // Most recently used goes last: the first is the next to go.
    this.#entries.delete(recordHash);
    this.#entries.set(recordHash, entry);
    return entry.key.duplicate();
  }

  /** Keeps a duplicate of `key`. */
  set(recordHash: string, key: SessionKey): void {
    if (this.#maxAgeMs <= 0 || this.#maxKeys <= 0) return;
    const old = this.#entries.get(recordHash);
    if (old) this.#drop(recordHash, old);
    for (const [hash, entry] of this.#entries) {
      if (this.#entries.size < this.#maxKeys && entry.expires > this.#now()) break;
      this.#drop(hash, entry);
    }
    this.#entries.set(recordHash, { key: key.duplicate(), expires: this.#now() + this.#maxAgeMs });
  }

  /** Wipes all of it. */
  clear(): void {
    for (const [hash, entry] of this.#entries) this.#drop(hash, entry);
  }

  get size(): number {
    return this.#entries.size;
  }

  #drop(hash: string, entry: CachedKey): void {
    entry.key.dispose();
    this.#entries.delete(hash);
  }
}
