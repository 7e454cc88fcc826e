/**
 * LegacyBlobs: unsigned SIMPLEBLOBs, for keys whose owner allowed it. Whoever may have many of them tried could learn the session keys of
 * others (Bleichenbacher), so no answer tells whether a blob was good: a bad one has a key too.
 *
 *   pseudo-random key of n bytes = first n bytes of HMAC-SHA-256(secret of the private key, n ‖ RSA block)     the same today and next year
 *   secret of the private key = HMAC-SHA-256(secret file, SPKI of the private key)
 *
 * Not the blob is what counts, but the block in it: a good block gives one key whatever algorithm its header names, so a bad one does too.
 *
 * Both kinds of answer come at the next full 20 ms after the request, whatever the time that they took. Whoever has the data that the blob's
 * key encrypted finds out by trying, and needs no agent for it.
 */
import { createHmac, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { plausibleKeyLengths } from '../blobs/alg-id.ts';
import { decodeSimpleBlob } from '../blobs/simple-blob.ts';
import { octetString, sequence } from '../bytes/der-writer.ts';
import { concatBytes, plainBytes } from '../bytes/octets.ts';
import { encodeKeyMetadata } from '../cms/metadata.ts';
import type { PersistedKey } from '../contracts/provider.ts';
import type { VerifiedKeyRecord } from '../contracts/verified-record.ts';
import { KeyStoreError } from '../errors.ts';
import { keyIdentifier } from '../keys/key-identifier.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { signedMessage, type SigningIdentity } from '../messages/sign-message.ts';
import { readOrMakeSecretFile } from '../providers/key-files/secret-file.ts';
import { verifyKeyRecord } from '../records/verify.ts';
import { fitsPattern } from './name-pattern.ts';
import type { LegacyBlobOptions } from './options.ts';
import { RateLimit } from './rate-limit.ts';

const DEFAULT_PER_MINUTE = 60;
/** Answers leave at multiples of it: hundreds of times what a good and a bad block differ by. */
const QUANTUM_MS = 20;

export class LegacyBlobs {
  readonly #options: LegacyBlobOptions;
  readonly #secret: SecretBytes;
  readonly #rate: RateLimit;
  readonly #voucher = makeVoucher();

  private constructor(options: LegacyBlobOptions, secret: SecretBytes) {
    this.#options = options;
    this.#secret = secret;
    const perMinute = options.perMinute ?? DEFAULT_PER_MINUTE;
    this.#rate = new RateLimit(perMinute / 60, Math.max(1, perMinute));
  }

  /** @throws KeyStoreError of the secret file. */
  static async open(options: LegacyBlobOptions): Promise<LegacyBlobs> {
    return new LegacyBlobs(options, await readOrMakeSecretFile(options.secretFile));
  }

  /**
   * @returns The session key, or of a blob that does not open a pseudo-random one of a length that its algorithm has. The caller disposes of it.
   * @throws KeyStoreError BLOB_MALFORMED and BLOB_ALGORITHM_UNSUPPORTED for what can be seen of a blob without the key; AGENT_ACCESS_DENIED for a
   *   key that it is not enabled for; AGENT_BUSY.
   */
  async unwrap(
    key: PersistedKey,
    blob: Uint8Array,
    user: number | undefined,
  ): Promise<SecretBytes> {
    if (key.name === null || !fitsPattern(this.#options.keys, key.name))
      throw new KeyStoreError(
        'AGENT_ACCESS_DENIED',
        'the agent opens no unsigned blobs with this key',
        { hint: "Enable it in the agent's settings, for as long as it is needed." },
      );
    this.#rate.take(user);
    const record = await this.#vouchFor(blob);
    const pseudoRandom = this.#pseudoRandomKey(key.publicKey, blob);
    const due = performance.now() + QUANTUM_MS;
    const found = await openOrNot(key, record);
    await until(due);
    if (!found) return pseudoRandom;
    pseudoRandom.dispose();
    return found;
  }

  close(): void {
    this.#secret.dispose();
  }

  /** A provider opens verified records only. This one lives for this call, and a key that lives as long as the agent signs it. */
  async #vouchFor(blob: Uint8Array): Promise<VerifiedKeyRecord> {
    const { algId } = decodeSimpleBlob(blob);
    const lengths = plausibleKeyLengths(algId);
    if (lengths.length === 0) throw new KeyStoreError('BLOB_ALGORITHM_UNSUPPORTED');
    const now = new Date();
    const metadata = encodeKeyMetadata({
      recordId: plainBytes(randomBytes(16)),
      recordVersion: 1,
      label: '',
      purpose: '',
      algorithm: algId,
      effectiveBits: 8 * Math.max(...lengths),
      created: now,
      storeId: new Uint8Array(16),
      provenance: 'imported-unsigned',
      attributes: [],
    });
    const message = { type: 'keyBlob', content: blob, signingTime: now, metadata } as const;
    const bytes = await signedMessage(this.#voucher, message);
    const { keyId, publicKey, certificate } = this.#voucher;
    const pin = { keyId, publicKey, certificate, trust: 'pinned' } as const;
    return verifyKeyRecord(bytes, { findSigner: () => pin });
  }

  #pseudoRandomKey(publicKey: Uint8Array, blob: Uint8Array): SecretBytes {
    const { algId, encryptedKey } = decodeSimpleBlob(blob);
    using secret = hmac(this.#secret.bytes, publicKey);
    using which = hmac(secret.bytes, encryptedKey);
    const lengths = plausibleKeyLengths(algId).filter((length) => length <= which.length);
    const length = lengths[which.bytes[0]! % lengths.length]!;
    using digest = hmac(secret.bytes, concatBytes(Uint8Array.of(length), encryptedKey));
    return SecretBytes.copy(digest.bytes.subarray(0, length));
  }
}

/** undefined for the one failure that depends on the key. */
async function openOrNot(
  key: PersistedKey,
  record: VerifiedKeyRecord,
): Promise<SecretBytes | undefined> {
  try {
    return await key.unwrap(record, 0);
  } catch (error) {
    if (KeyStoreError.is(error) && error.code === 'KEY_UNWRAP_FAILED') return undefined;
    throw error;
  }
}

/** At `due`, or a multiple of the quantum later. */
async function until(due: number): Promise<void> {
  const late = performance.now() - due;
  const at = late <= 0 ? due : due + QUANTUM_MS * Math.ceil(late / QUANTUM_MS);
  await new Promise((resolve) => setTimeout(resolve, at - performance.now()));
}

function hmac(key: Uint8Array, data: Uint8Array): SecretBytes {
  return SecretBytes.take(createHmac('sha256', key).update(data).digest());
}

function makeVoucher(): SigningIdentity {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKey = plainBytes(pair.publicKey.export({ type: 'spki', format: 'der' }));
  return {
    keyId: keyIdentifier(publicKey),
    publicKey,
    // Verification compares a pinned certificate byte for byte and does not look inside.
    certificate: sequence(octetString(publicKey)),
    scheme: 'ecdsa-sha256',
    sign: ({ bytes }) => Promise.resolve(signWith(pair.privateKey, bytes)),
  };
}

function signWith(privateKey: KeyObject, bytes: Uint8Array): Uint8Array {
  return plainBytes(sign('sha256', bytes, privateKey));
}
