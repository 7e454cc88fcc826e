/** Many SIMPLEBLOBs on all cores: RSA in worker threads, the rest here. */
import type { KeyObject } from 'node:crypto';
import { KeyStoreError } from '../errors.ts';
import { unpadRsaPkcs1 } from '../keys/rsa-pkcs1.ts';
import { RsaThreads } from '../keys/rsa-threads.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import type { CapiKey } from './capi-key.ts';
import { rsaModulusLength } from './legacy-key.ts';
import { capiKeyOf, readRsaBlock, type UnwrapSimpleBlobOptions } from './simple-blob.ts';

/**
 * Worker threads that do RSA.
 *
 * @example
 * ```ts
 * await using workers = new RsaWorkers();
 * const keys = await Promise.all(blobs.map((blob) => workers.unwrapSimpleBlob(blob, privateKey)));
 * ```
 */
export class RsaWorkers implements AsyncDisposable {
  readonly #threads: RsaThreads;

  /** @param jobs - Threads; default one for each core. They are started when there is work. */
  constructor(jobs?: number) {
    this.#threads = new RsaThreads(jobs);
  }

  /**
   * As `unwrapSimpleBlob` with PKCS#1 v1.5, on another thread. The same one failure for all that does not fit.
   *
   * @param privateKey - RSA; from `importLegacyPrivateKey`.
   * @throws KeyStoreError KEY_UNWRAP_FAILED (NTE_DECRYPTION_FAILURE), and what `unwrapSimpleBlob` throws of a blob.
   */
  async unwrapSimpleBlob(
    blob: Uint8Array,
    privateKey: KeyObject,
    options: Omit<UnwrapSimpleBlobOptions, 'padding' | 'label'> = {},
  ): Promise<CapiKey> {
    const modulusLength = rsaModulusLength(privateKey);
    const { algId, encryptedKey, lengths } = readRsaBlock(blob, modulusLength, options);
    if (encryptedKey.length !== modulusLength) throw new KeyStoreError('KEY_UNWRAP_FAILED');
    using padded = await this.decrypt(privateKey, encryptedKey);
    using key = unpadRsaPkcs1(padded.bytes, lengths);
    return capiKeyOf(algId, key.bytes, options);
  }

  /**
   * RSADP (RFC 8017 section 5.1.2).
   *
   * @param block - As long as the modulus, big-endian. Not changed by anybody until the promise settles.
   * @returns As long as the modulus; zeros where RSA itself fails. The caller disposes of it.
   */
  async decrypt(key: KeyObject, block: Uint8Array): Promise<SecretBytes> {
    return (await this.#threads.decrypt(key, block)) ?? new SecretBytes(block.length);
  }

  /** Ends the threads; what waits fails with HANDLE_INVALID. */
  close(): Promise<void> {
    return this.#threads.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
