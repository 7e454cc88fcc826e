/**
 * Group keys (GKDI): from a root key of the forest to the key of one security descriptor in one interval of ten hours. Source: [MS-GKDI] 3.1.4.1.
 *
 *     L0       = KDF(root,   GUID ‖ L0 ‖ -1 ‖ -1)
 *     L1(31)   = KDF(L0,     GUID ‖ L0 ‖ 31 ‖ -1 ‖ security descriptor)      L1(i) = KDF(L1(i + 1), GUID ‖ L0 ‖ i ‖ -1)
 *     L2(31)   = KDF(L1(l1), GUID ‖ L0 ‖ l1 ‖ 31)                            L2(j) = KDF(L2(j + 1), GUID ‖ L0 ‖ l1 ‖ j)
 *
 * KDF is that of SP 800-108 with the label "KDS service", 64 bytes each time; indices are 32-bit and little-endian. Who has a key has all keys of
 * earlier intervals, and none of later ones.
 */
import { BlobWriter } from '../../bytes/blob-writer.ts';
import { guidBytes } from '../../bytes/guid.ts';
import { encodeUtf16z } from '../../bytes/utf16.ts';
import { KeyStoreError } from '../../errors.ts';
import { sp800108, type Sp800108Hash } from '../../kdf/sp800-108.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import {
  GROUP_KEY_LENGTH,
  type GroupKeyAlgorithms,
  type GroupKeyEnvelope,
} from '../../windows-files/group-key-envelope.ts';
import type { GroupKeyInterval } from '../../windows-files/group-key-identifier.ts';
import { decodeKdfParameters } from '../../windows-files/kdf-parameters.ts';

/** A root key of the forest: an object of class msKds-ProvRootKey. */
export interface GroupRootKey extends GroupKeyAlgorithms {
  /** cn: a GUID. */
  readonly rootKeyId: string;
  /** msKds-RootKeyData, 64 bytes. The caller still owns, and wipes, it. */
  readonly key: Uint8Array;
}

/**
 * Derives the key of one security descriptor in one interval from a root key.
 *
 * @param securityDescriptor - Self-relative.
 * @returns 64 bytes, the caller's.
 * @throws KeyStoreError PARAMETER_INVALID where the root key has another length or is not named by a GUID; BLOB_MALFORMED, ALGORITHM_UNSUPPORTED for its
 *   parameters.
 */
export function deriveGroupKey(
  rootKey: GroupRootKey,
  securityDescriptor: Uint8Array,
  interval: GroupKeyInterval,
): SecretBytes {
  if (rootKey.key.length !== GROUP_KEY_LENGTH)
    throw new KeyStoreError('PARAMETER_INVALID', `a root key has ${GROUP_KEY_LENGTH} bytes`);
  const hash = groupKeyHash(rootKey);
  const step: Step = { hash, guid: guidOf(rootKey.rootKeyId), l0: interval.l0 };
  using l0Key = derive(step, rootKey.key, [NONE, NONE]);
  using first = derive(step, l0Key.bytes, [LAST, NONE], securityDescriptor);
  using l1Key = descend(first, LAST, interval.l1, (key, index) => derive(step, key, [index, NONE]));
  return l2Of(step, l1Key.bytes, interval);
}

/**
 * Derives the key of an interval from the one that a domain controller gave out, for the same security descriptor.
 *
 * @returns 64 bytes, the caller's; undefined where the envelope is of another root key, of an earlier interval, or holds a public key only.
 * @throws KeyStoreError BLOB_MALFORMED, ALGORITHM_UNSUPPORTED for its parameters.
 */
export function deriveFromEnvelope(
  envelope: GroupKeyEnvelope,
  wanted: GroupKeyInterval & { readonly rootKeyId: string },
): SecretBytes | undefined {
  const { l1Key, l2Key } = envelope;
  const isOfRootKey = envelope.rootKeyId.toLowerCase() === wanted.rootKeyId.toLowerCase();
  if (!isOfRootKey || envelope.l0 !== wanted.l0 || (envelope.flags & PUBLIC_KEY) !== 0)
    return undefined;
  const hash = groupKeyHash(envelope);
  const step: Step = { hash, guid: guidOf(envelope.rootKeyId), l0: wanted.l0 };
  if (wanted.l1 === envelope.l1 && wanted.l2 <= envelope.l2 && l2Key.length === GROUP_KEY_LENGTH) {
    using start = SecretBytes.copy(l2Key);
    return descendL2(step, start, envelope.l2, wanted);
  }
  // The L1 key is the envelope's own where its L2 is the last one, and the one before otherwise.
  const l1 = envelope.l2 === LAST ? envelope.l1 : envelope.l1 - 1;
  if (wanted.l1 > l1 || l1Key.length !== GROUP_KEY_LENGTH) return undefined;
  using start = SecretBytes.copy(l1Key);
  using key = descend(start, l1, wanted.l1, (from, index) => derive(step, from, [index, NONE]));
  return l2Of(step, key.bytes, wanted);
}

/** The hash of all derivations under a root key: SHA-512 where nothing is said. */
export function groupKeyHash({ kdfAlgorithm, kdfParameters }: GroupKeyAlgorithms): Sp800108Hash {
  const name = kdfParameters.length === 0 ? 'SHA512' : decodeKdfParameters(kdfParameters);
  const hash = HASHES.get(name.toUpperCase());
  if (kdfAlgorithm !== KDF_ALGORITHM || hash === undefined)
    throw new KeyStoreError('ALGORITHM_UNSUPPORTED', 'the root key has another key derivation');
  return hash;
}

/** What all steps of one derivation share. */
interface Step {
  readonly hash: Sp800108Hash;
  readonly guid: Uint8Array;
  readonly l0: number;
}

function l2Of(step: Step, l1Key: Uint8Array, interval: GroupKeyInterval): SecretBytes {
  using first = derive(step, l1Key, [interval.l1, LAST]);
  return descendL2(step, first, LAST, interval);
}

// oxlint-disable-next-line max-params -- which step, and from where to where
function descendL2(
  step: Step,
  from: SecretBytes,
  index: number,
  to: GroupKeyInterval,
): SecretBytes {
  return descend(from, index, to.l2, (key, l2) => derive(step, key, [to.l1, l2]));
}

/** The key of a lower index; a copy where there is no step to go. */
// oxlint-disable-next-line max-params -- where from, where to, and how
function descend(
  start: SecretBytes,
  from: number,
  to: number,
  next: (key: Uint8Array, index: number) => SecretBytes,
): SecretBytes {
  let key = SecretBytes.copy(start.bytes);
  for (let index = from - 1; index >= to; index--) {
    const lower = next(key.bytes, index);
    key.dispose();
    key = lower;
  }
  return key;
}

// oxlint-disable-next-line max-params -- which step, from which key, its indices and what else goes in
function derive(
  { hash, guid, l0 }: Step,
  key: Uint8Array,
  [l1, l2]: readonly [number, number],
  securityDescriptor: Uint8Array = new Uint8Array(),
): SecretBytes {
  const writer = new BlobWriter(28 + securityDescriptor.length).bytes(guid);
  // -1 is 0xffffffff here: an index that is not there yet.
  writer
    .u32le(l0)
    .u32le(l1 >>> 0)
    .u32le(l2 >>> 0);
  const context = writer.bytes(securityDescriptor).finish();
  return sp800108({ hash, key, label: KDS_SERVICE, context, length: GROUP_KEY_LENGTH });
}

function guidOf(rootKeyId: string): Uint8Array {
  const bytes = guidBytes(rootKeyId);
  if (bytes === undefined) throw new KeyStoreError('PARAMETER_INVALID', 'rootKeyId: not a GUID');
  return bytes;
}

/** The label of every derivation, with its null. */
export const KDS_SERVICE = encodeUtf16z('KDS service');
const KDF_ALGORITHM = 'SP800_108_CTR_HMAC';
const PUBLIC_KEY = 1;
/** Indices go down from it. */
const LAST = 31;
const NONE = -1;
const HASHES: ReadonlyMap<string, Sp800108Hash> = new Map([
  ['SHA1', 'sha1'],
  ['SHA256', 'sha256'],
  ['SHA384', 'sha384'],
  ['SHA512', 'sha512'],
]);
