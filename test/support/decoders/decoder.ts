/**
 * A decoder as the hostile-bytes tests see it. Each room lists its own beside this file; index.ts joins the lists, and a file of the same
 * name in test/property/hostile-bytes tries one.
 */

/** One decoder of one format. */
export interface Decoder {
  /** The format's name as its specification writes it, unique among all lists; also a folder of test/vectors/hostile-bytes.zip. */
  readonly name: string;
  /** Throws BlobFormatError and nothing else, whatever the bytes. A promise is waited for where it is `over` asn1js. */
  decode(bytes: Uint8Array): unknown;
  /** The way back: what `decode` accepts is written as the same bytes. Left out where there is no way back. */
  encode?(decoded: unknown): Uint8Array;
  /** Valid inputs, of every shape that the format has: what is changed to make hostile ones. Few and short ones run fastest. */
  samples(): readonly Uint8Array[];
  /** The bytes are first read by asn1js, which is slower than our own readers, and whose time is not ours: fewer runs, more time. */
  readonly over?: 'asn1js';
}

/**
 * A decoder with its encoder, typed with each other.
 *
 * @param name - The format's name.
 * @param codec - Where `encode` takes what `decode` gives.
 */
export function decoder<T>(
  name: string,
  codec: {
    readonly decode: (bytes: Uint8Array) => T;
    readonly encode?: (decoded: Awaited<T>) => Uint8Array;
    readonly samples: () => readonly Uint8Array[];
    readonly over?: 'asn1js';
  },
): Decoder {
  return { name, ...codec };
}
