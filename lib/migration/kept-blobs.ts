/**
 * KeptBlobs: small wrapped keys that an inventory has read, until a run opens them: opening and reading a file again costs more than they do.
 *
 * Only what is wrapped is kept; of a file that has a key in the clear, a run reads it again.
 */
export class KeptBlobs {
  readonly #slabs: Uint8Array[] = [];
  /** By path: where a blob begins in all slabs together, and its length. One number, since there are many. */
  readonly #places = new Map<string, number>();
  #end = 0;

  /** Copies a file's bytes; those that are too long, or for which there is no more room, are not kept. */
  keep(path: string, bytes: Uint8Array): void {
    const { length } = bytes;
    if (length === 0 || length >= LENGTHS) return;
    let at = this.#end;
    // None lies in two slabs.
    if ((at % SLAB) + length > SLAB) at += SLAB - (at % SLAB);
    if (at + length > MOST) return;
    const slab = (this.#slabs[Math.floor(at / SLAB)] ??= new Uint8Array(SLAB));
    slab.set(bytes, at % SLAB);
    this.#places.set(path, at * LENGTHS + length);
    this.#end = at + length;
  }

  /** The whole file as it was, or undefined. Not the caller's to change. */
  get(path: string): Uint8Array | undefined {
    const place = this.#places.get(path);
    if (place === undefined) return undefined;
    const length = place % LENGTHS;
    const at = (place - length) / LENGTHS;
    return this.#slabs[Math.floor(at / SLAB)]!.subarray(at % SLAB, (at % SLAB) + length);
  }
}

/** Longer than the blob of an RSA key of 4096 bits. */
const LENGTHS = 1024;
const SLAB = 1 << 18;
/** Some 60,000 blobs under RSA keys of 2048 bits. */
const MOST = 1 << 24;
