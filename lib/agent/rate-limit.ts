/** RateLimit: how often each user may ask, as a bucket that fills steadily. */
import { KeyStoreError } from '../errors.ts';

interface Bucket {
  left: number;
  /** Milliseconds of the clock at which `left` was right. */
  at: number;
}

/** Users beyond these share one bucket: a list of users is never that long. */
const MAX_BUCKETS = 4096;

export class RateLimit {
  readonly #perMs: number;
  readonly #burst: number;
  readonly #now: () => number;
  readonly #buckets = new Map<number, Bucket>();

  /** @param now - Milliseconds that only grow. */
  constructor(perSecond: number, burst: number, now: () => number = () => performance.now()) {
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#now = now;
  }

  /** @throws KeyStoreError AGENT_BUSY where the user has used up what it may ask for now. */
  take(user: number | undefined): void {
    this.require(user);
    this.charge(user);
  }

  /** Takes nothing yet. @throws KeyStoreError AGENT_BUSY as {@link take}. */
  require(user: number | undefined): void {
    if (this.#bucketOf(user ?? NOBODY).left < 1)
      throw new KeyStoreError('AGENT_BUSY', 'this user asks the agent more often than it allows');
  }

  /** Takes without asking: what was at work already makes a debt, that time pays. */
  charge(user: number | undefined): void {
    this.#bucketOf(user ?? NOBODY).left--;
  }

  /** As full as it is now. */
  #bucketOf(user: number): Bucket {
    const now = this.#now();
    const known = this.#buckets.get(user);
    if (known) {
      known.left = Math.min(this.#burst, known.left + (now - known.at) * this.#perMs);
      known.at = now;
      return known;
    }
    if (this.#buckets.size >= MAX_BUCKETS && user !== NOBODY) return this.#bucketOf(NOBODY);
    const bucket = { left: this.#burst, at: now };
    this.#buckets.set(user, bucket);
    return bucket;
  }
}

const NOBODY = -1;
