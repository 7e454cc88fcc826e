/**
 * From a group key to the key that a recipient's content key is wrapped with. Source: [MS-GKDI] 3.1.4.1.3; the blobs of NCryptProtectSecret.
 *
 *     by a secret        KEK = KDF(L2, "KDS service", key information, 32)
 *     by a public key    private = KDF(L2, "KDS service", name of the agreement, its length)      Z = agreement(private, key information)
 *                        S = H(BE32(1) ‖ Z ‖ "SHA512" ‖ "KDS public key" ‖ "KDS service")         SP 800-56A, one step
 *                        KEK = KDF(S, "KDS service", "KDS public key", 32)
 *
 * Texts are UTF-16 with their nulls. H is SHA-256 for DH and P-256, SHA-384 for P-384, SHA-512 for P-521; S is what of it the KDF takes.
 */
import { createDiffieHellman, createECDH, createHash } from 'node:crypto';
import { concatBytes, equalBytes } from '../../bytes/octets.ts';
import { encodeUtf16z } from '../../bytes/utf16.ts';
import { KeyStoreError } from '../../errors.ts';
import { sp800108, type Sp800108Hash } from '../../kdf/sp800-108.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { decodeEcdhKey } from '../../windows-files/ecdh-key.ts';
import { decodeFfcDhKey, decodeFfcDhParameters } from '../../windows-files/ffc-dh.ts';
import type { GroupKeyAlgorithms } from '../../windows-files/group-key-envelope.ts';
import {
  isPublicKeyIdentifier,
  type GroupKeyIdentifier,
} from '../../windows-files/group-key-identifier.ts';
import { groupKeyHash, KDS_SERVICE } from './group-key.ts';

/**
 * Derives the key-encryption key of a recipient.
 *
 * @param algorithms - Those of the root key.
 * @param groupKey - L2, 64 bytes. The caller still owns, and wipes, it.
 * @returns 32 bytes, the caller's.
 * @throws KeyStoreError BLOB_MALFORMED for key information that is not of the agreement; ALGORITHM_UNSUPPORTED; KEY_UNWRAP_FAILED for a public key that is none.
 */
export function deriveKeyEncryptionKey(
  algorithms: GroupKeyAlgorithms,
  groupKey: SecretBytes,
  identifier: GroupKeyIdentifier,
): SecretBytes {
  const hash = groupKeyHash(algorithms);
  const derive = (key: Uint8Array, context: Uint8Array, length: number): SecretBytes =>
    sp800108({ hash, key, label: KDS_SERVICE, context, length });
  if (!isPublicKeyIdentifier(identifier))
    return derive(groupKey.bytes, identifier.keyInfo, KEK_LENGTH);
  const { secretAgreementAlgorithm: name, privateKeyLength } = algorithms;
  if (privateKeyLength < 8 || privateKeyLength > MAX_PRIVATE_BITS)
    throw new KeyStoreError('ALGORITHM_UNSUPPORTED', 'the root key has too long private keys');
  using privateKey = derive(groupKey.bytes, encodeUtf16z(name), Math.ceil(privateKeyLength / 8));
  using agreed = agree(algorithms, privateKey, identifier.keyInfo);
  return derive(agreed.bytes, PUBLIC_KEY_LABEL, KEK_LENGTH);
}

/** The shared secret after the one-step KDF. */
function agree(
  algorithms: GroupKeyAlgorithms,
  privateKey: SecretBytes,
  keyInfo: Uint8Array,
): SecretBytes {
  const { secretAgreementAlgorithm: name } = algorithms;
  if (name === 'DH') {
    using shared = agreeDh(algorithms, privateKey, keyInfo);
    return concatKdf('sha256', shared.bytes);
  }
  const { curve, x, y } = decodeEcdhKey(keyInfo);
  const row = CURVES[curve];
  if (row.name !== name)
    throw new KeyStoreError('BLOB_MALFORMED', 'the public key is not of the root key');
  const ecdh = createECDH(row.openssl);
  try {
    ecdh.setPrivateKey(privateKey.bytes);
    using shared = SecretBytes.take(ecdh.computeSecret(concatBytes(UNCOMPRESSED, x, y)));
    return concatKdf(row.hash, shared.bytes);
  } catch {
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  }
}

/** Z as long as the field. The group is that of the root key: another one could tell bits of the private key. */
function agreeDh(
  { secretAgreementParameters }: GroupKeyAlgorithms,
  privateKey: SecretBytes,
  keyInfo: Uint8Array,
): SecretBytes {
  const { fieldOrder, generator } = decodeFfcDhParameters(secretAgreementParameters);
  const key = decodeFfcDhKey(keyInfo);
  if (!equalBytes(key.fieldOrder, fieldOrder) || !equalBytes(key.generator, generator))
    throw new KeyStoreError('BLOB_MALFORMED', 'the public key is not of the root key');
  try {
    const dh = createDiffieHellman(Buffer.from(fieldOrder), Buffer.from(generator));
    dh.setPrivateKey(privateKey.bytes);
    using shared = SecretBytes.take(dh.computeSecret(key.publicKey));
    const padded = new SecretBytes(fieldOrder.length);
    padded.bytes.set(shared.bytes, fieldOrder.length - shared.length);
    return padded;
  } catch {
    throw new KeyStoreError('KEY_UNWRAP_FAILED');
  }
}

/** SP 800-56A section 5.8.1, the one block that is needed. */
function concatKdf(hash: Sp800108Hash, shared: Uint8Array): SecretBytes {
  const digest = createHash(hash)
    .update(Uint8Array.of(0, 0, 0, 1))
    .update(shared);
  return SecretBytes.take(digest.update(OTHER_INFO).digest());
}

const KEK_LENGTH = 32;
/** 16,384 bits. */
const MAX_PRIVATE_BITS = 1 << 14;
const UNCOMPRESSED = Uint8Array.of(4);
const PUBLIC_KEY_LABEL = encodeUtf16z('KDS public key');
/** AlgorithmID, PartyUInfo, PartyVInfo. */
const OTHER_INFO = concatBytes(encodeUtf16z('SHA512'), PUBLIC_KEY_LABEL, KDS_SERVICE);
const CURVES = {
  'P-256': { name: 'ECDH_P256', openssl: 'prime256v1', hash: 'sha256' },
  'P-384': { name: 'ECDH_P384', openssl: 'secp384r1', hash: 'sha384' },
  'P-521': { name: 'ECDH_P521', openssl: 'secp521r1', hash: 'sha512' },
} as const;
