/** Opened session keys, kept for a while so that ten thousand files of one run cost one unwrap. */
import { createHmac, randomBytes } from 'node:crypto';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import { toHex } from '../bytes/octets.ts';
import type { SessionKey } from '../keys/session-key.ts';
import type { KeyCacheLimits } from './types.ts';

const DEFAULT_MAX_AGE_MS = 300_000;
const DEFAULT_MAX_KEYS = 256;

interface CachedKey {
  readonly key: SessionKey;
  readonly since: number;
}

/** From what a key was opened: all of it has to be the same for a key to be answered from the cache. */
export interface CacheSource {
  /** SHA-256 of the record, so that a changed record is never answered from here. */
  readonly record: Uint8Array;
  /** How it was trusted, and under which version of the trust list: work that began before a signer was revoked leaves nothing for later. */
  readonly trust: string;
  /** Given to open it: whoever gives another one, or none, has to be told so. */
  readonly password?: SecretBytes | undefined;
}

export class KeyCache {
  /** Names passwords without telling them: it never leaves this object. */
  readonly #passwordKey = randomBytes(32);
  readonly #entries = new Map<string, CachedKey>();
  readonly #maxAgeMs: number;
  readonly #maxKeys: number;
  readonly #now: () => number;
  #isClosed = false;

  constructor(
    { maxAgeMs = DEFAULT_MAX_AGE_MS, maxKeys = DEFAULT_MAX_KEYS }: KeyCacheLimits = {},
    now: () => number = Date.now,
  ) {
    this.#maxAgeMs = maxAgeMs;
    this.#maxKeys = maxKeys;
    this.#now = now;
  }

  /** A duplicate that the caller owns, or undefined. */
  get(source: CacheSource): SessionKey | undefined {
    const name = this.#nameOf(source);
    const entry = this.#entries.get(name);
    if (!entry) return undefined;
    if (!this.#isFresh(entry)) {
      this.#drop(name, entry);
      return undefined;
    }
    // Most recently used goes last: the first is the next to go.
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    return entry.key.duplicate();
  }

  /** Keeps a duplicate of `key`. */
  set(source: CacheSource, key: SessionKey): void {
    if (this.#isClosed || this.#maxAgeMs <= 0 || this.#maxKeys <= 0) return;
    const name = this.#nameOf(source);
    const old = this.#entries.get(name);
    if (old) this.#drop(name, old);
    for (const [other, entry] of this.#entries) {
      if (this.#entries.size < this.#maxKeys && this.#isFresh(entry)) break;
      this.#drop(other, entry);
    }
    this.#entries.set(name, { key: key.duplicate(), since: this.#now() });
  }

  /** Wipes all of it. */
  clear(): void {
    for (const [name, entry] of this.#entries) this.#drop(name, entry);
  }

  /** Wipes all of it, and keeps nothing that work which is still under way opens. */
  close(): void {
    this.#isClosed = true;
    this.clear();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A clock that was set back makes nothing younger. */
  #isFresh({ since }: CachedKey): boolean {
    const age = this.#now() - since;
    return age >= 0 && age < this.#maxAgeMs;
  }

  #nameOf({ record, trust, password }: CacheSource): string {
    const given = password
      ? createHmac('sha256', this.#passwordKey).update(password.bytes).digest('hex')
      : 'no password';
    return `${trust}, ${given}, ${toHex(record)}`;
  }

  #drop(name: string, entry: CachedKey): void {
    entry.key.dispose();
    this.#entries.delete(name);
  }
}
