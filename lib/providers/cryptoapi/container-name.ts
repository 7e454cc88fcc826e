/** Names of key containers: which one a new key gets, which ones are anybody's, and how a key file refers to one. */
import { decodeUtf8, encodeUtf8 } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { LIMITS } from '../rules/limits.ts';
import type { KeyName } from '../rules/key-storage.ts';
import { nativeNameOf } from '../windows/native-name.ts';

/**
 * The container of a new key: that of its own name where it can, so that other applications find it, and both keys of a container in
 * one. A key without a spec has no slot to share.
 */
export function containerNameOf(name: KeyName): string {
  const { plain, hashed } = nativeNameOf(name);
  return plain === undefined || name.legacyKeySpec === 'none' ? hashed : plain;
}

/**
 * The containers that a key of that name can lie in: that of a new key, and one of another application that bears the very name.
 *
 * A key file cannot send anybody to another one. Files of machine keys lie where any user may have put them, under a DPAPI that all have.
 */
export function mayLieIn(name: KeyName, container: string): boolean {
  const possible = [containerNameOf(name), name.name];
  return possible.some((known) => known.toLowerCase() === container.toLowerCase());
}

/**
 * Can another application's container be opened by this name? CryptoAPI keeps names in the code page of the machine, which makes other
 * characters alike; a backslash has always been refused or misread.
 */
export function isContainerName(name: string): boolean {
  return CONTAINER_NAME.test(name);
}

/** What a key file seals in place of a private key: the container's name, UTF-8, padded with zero bytes to at least 32. */
export function sealedReference(container: string): SecretBytes {
  const name = encodeUtf8(container);
  const reference = new SecretBytes(Math.max(name.length, LIMITS.sealedPrivateKey.min));
  reference.bytes.set(name);
  return reference;
}

/** @throws KeyStoreError KEY_FILE_DAMAGED for what {@link sealedReference} does not make. */
export function readReference(reference: Uint8Array): string {
  const end = reference.indexOf(0);
  const name = end === -1 ? reference : reference.subarray(0, end);
  const container = decodeUtf8(name);
  if (container) {
    using canonical = sealedReference(container);
    if (Buffer.compare(canonical.bytes, reference) === 0) return container;
  }
  throw new KeyStoreError('KEY_FILE_DAMAGED', 'the key file names no key container');
}

/** MAX_PATH, with the terminating zero and some room: printable ASCII but a backslash. */
const CONTAINER_NAME = /^[ -[\]-~]{1,255}$/;
