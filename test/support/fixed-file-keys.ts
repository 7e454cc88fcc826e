/**
 * A double of FileKeys: fixed session keys, and records that are opaque bytes.
 *
 * It stands where a SessionKeyStore stands in the program and checks nothing that a record checks but one thing: a header must hold, byte for
 * byte, a record that it handed out.
 */
import { toHex } from '../../lib/bytes/octets.ts';
import type { EncryptionKeyOptions, FileKey, FileKeys } from '../../lib/contracts/file-keys.ts';
import { KeyStoreError } from '../../lib/errors.ts';
import { hkdf } from '../../lib/kdf/hkdf.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { SessionKey } from '../../lib/keys/session-key.ts';

/** CALG_AES_256 (wincrypt.h). */
const CALG_AES_256 = 0x6610;

export interface FixedKeyFacts {
  /** Fills the session key and the record id. */
  readonly fill?: number;
  /** Bytes of the session key. */
  readonly length?: number;
  readonly withoutCommitment?: boolean;
  readonly decryptOnly?: boolean;
  readonly recordLength?: number;
  /** A record to hand out instead of opaque bytes. */
  readonly record?: Uint8Array;
}

/** A session key whose bytes are all `fill`, with the commitment that a record would have. */
export function fixedSessionKey(facts: FixedKeyFacts = {}): SessionKey {
  const { fill = 0x11, length = 32, withoutCommitment = false, decryptOnly = false } = facts;
  const secret = new SecretBytes(length);
  secret.bytes.fill(fill);
  const id = new Uint8Array(16).fill(fill);
  using commitment = hkdf('sha256', secret.bytes, id, Buffer.from('keycask commitment v1'), 32);
  return new SessionKey(secret, {
    id: toHex(id),
    label: `fixed ${fill}`,
    algorithm: CALG_AES_256,
    effectiveBits: length * 8,
    decryptOnly,
    ...(withoutCommitment ? {} : { commitment: commitment.bytes.slice() }),
  });
}

/** Opaque bytes that stand for a record. */
export function opaqueRecord(facts: FixedKeyFacts = {}): Uint8Array {
  const { fill = 0x11, recordLength = 700 } = facts;
  if (facts.record) return facts.record;
  return Uint8Array.from({ length: recordLength }, (_, i) => (i * 7 + fill) & 0xff);
}

export class FixedFileKeys implements FileKeys {
  /** What was asked for, in order. */
  readonly asked: EncryptionKeyOptions[] = [];
  /** How many keys were handed out and not disposed of. */
  get open(): number {
    return this.#handedOut.filter((key) => !key.disposed).length;
  }

  readonly #facts: FixedKeyFacts;
  readonly #handedOut: SessionKey[] = [];

  constructor(facts: FixedKeyFacts = {}) {
    this.#facts = facts;
  }

  fileKey(options: EncryptionKeyOptions = {}): Promise<FileKey> {
    this.asked.push(options);
    return Promise.resolve(this.fixedKey());
  }

  openHeaderRecord(record: Uint8Array): Promise<SessionKey> {
    if (!Buffer.from(record).equals(opaqueRecord(this.#facts)))
      return Promise.reject(new KeyStoreError('BLOB_SIGNATURE_INVALID'));
    return Promise.resolve(this.#handOut());
  }

  fixedKey(): FileKey {
    const key = this.#handOut();
    return { key, record: opaqueRecord(this.#facts), [Symbol.dispose]: () => key.dispose() };
  }

  #handOut(): SessionKey {
    const key = fixedSessionKey(this.#facts);
    this.#handedOut.push(key);
    return key;
  }
}
