/** test/vectors/hostile-bytes.zip: inputs that once broke a decoder, by the decoder's name. */
import { unzipSync } from 'fflate';
import { readFileSync } from 'node:fs';

/** One input that was found. */
export interface HostileVector {
  /** Name of the decoder that it broke. */
  readonly decoder: string;
  /** What is wrong with it: its file name without `.bin`. */
  readonly title: string;
  readonly bytes: Uint8Array;
}

export const HOSTILE_VECTORS = new URL('../vectors/hostile-bytes.zip', import.meta.url);

/** All inputs of the zip: its entries are `DECODER/TITLE.bin`. */
export function hostileVectors(): HostileVector[] {
  return Object.entries(unzipSync(readFileSync(HOSTILE_VECTORS))).map(([file, bytes]) => {
    const [decoder, title] = file.replace(/\.bin$/, '').split('/');
    return { decoder: decoder!, title: title!, bytes };
  });
}
