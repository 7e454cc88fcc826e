/**
 * DSSSEED: how the primes of a DSS or Diffie-Hellman key were found, so that anybody can find them again. Source: wincrypt.h; FIPS 186-2 2.2.
 *
 *  off size field    meaning
 *    0    4 counter  0xFFFFFFFF: there is none, and the seed is all FF
 *    4   20 seed     little-endian, as every number of these blobs
 */
import type { BlobReader } from '../bytes/blob-reader.ts';
import type { BlobWriter } from '../bytes/blob-writer.ts';
import { reverseBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';

/** How the primes were found. */
export interface DssSeed {
  /** Of FIPS 186-2's generation. 0xFFFFFFFF with a seed that is not all FF means that the seed proves nothing; it is carried as it was. */
  readonly counter: number;
  /** 20 bytes, big-endian: the SEED of FIPS 186-2. */
  readonly seed: Uint8Array;
}

/** Bytes of a DSSSEED. */
export const DSS_SEED_LENGTH = 24;

/** Reads a DSSSEED; nothing where the blob says that there is none. */
export function readDssSeed(r: BlobReader): { readonly seed?: DssSeed } {
  const counter = r.u32le('counter');
  const seed = r.bytes('seed', SEED_LENGTH);
  if (counter === NO_COUNTER && seed.every((byte) => byte === 0xff)) return {};
  return { seed: { counter, seed: reverseBytes(seed) } };
}

/** @throws KeyStoreError PARAMETER_INVALID for a seed of another length than 20 bytes. */
export function writeDssSeed(w: BlobWriter, seed: DssSeed = NO_SEED): BlobWriter {
  if (seed.seed.length !== SEED_LENGTH)
    throw new KeyStoreError('PARAMETER_INVALID', `seed: want ${SEED_LENGTH} bytes`);
  return w.u32le(seed.counter).bytes(reverseBytes(seed.seed));
}

const SEED_LENGTH = 20;
const NO_COUNTER = 0xffffffff;
const NO_SEED: DssSeed = { counter: NO_COUNTER, seed: new Uint8Array(SEED_LENGTH).fill(0xff) };
