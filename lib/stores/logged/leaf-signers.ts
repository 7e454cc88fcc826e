/** Who may sign what in the log over records. */
import { equalBytes, toHex } from '../../bytes/octets.ts';
import type { Signer } from '../../cms/signed-data.ts';
import { KeyStoreError } from '../../errors.ts';
import type { Checkpoint } from '../../signed-log/checkpoint.ts';
import type { ManifestHead } from '../manifest/manifest-chain.ts';
import { isSignedBy } from '../manifest/signed-entry.ts';
import type { LoggedLeaf } from './logged-leaf.ts';

/** What a home's trust.cms says of the log. */
export interface LoggedTrustAnchor {
  /** Signs this home's leaves from its newest trust leaf on. */
  readonly current: Signer;
  /** Signed them before. Revoked ones are not among them. */
  readonly retired: readonly Signer[];
  /** The signers of other homes: their leaves and checkpoints count. */
  readonly pinned: readonly Signer[];
  /** A state that has been seen before: size and root. A log that does not go on from it is LOG_REWOUND or LOG_FORKED. Index 0 says nothing. */
  readonly trustedHead?: ManifestHead;
}

/** A leaf with its index, counted from 1. */
export interface PlacedLeaf {
  readonly index: number;
  readonly leaf: LoggedLeaf;
}

/** By whom leaves may be. */
export interface SignersOptions {
  readonly anchor: LoggedTrustAnchor;
  /** 16 bytes. */
  readonly homeId: Uint8Array;
  /** Index of the home's newest trust leaf, which the anchor is of; 0 where there is none. */
  readonly trustIndex: number;
  /** All leaves are looked at, also those that this home was told of when it joined: of others whom it does not know. */
  readonly isAudit?: boolean;
}

/** Checks signers of leaves, oldest first. */
export class LeafSigners {
  readonly #anchor: LoggedTrustAnchor;
  readonly #homeId: Uint8Array;
  readonly #trustIndex: number;
  readonly #isAudit: boolean;
  /** The newest leaf of each home that was checked here, by its id. */
  readonly #before = new Map<string, LoggedLeaf>();

  constructor({ anchor, homeId, trustIndex, isAudit = false }: SignersOptions) {
    this.#anchor = anchor;
    this.#homeId = homeId;
    this.#trustIndex = trustIndex;
    this.#isAudit = isAudit;
  }

  /**
   * Checks the next leaf. A home's signer changes after a trust leaf of its own and nowhere else.
   *
   * @returns false where its signer is not known here: its signature was not checked. That is said of leaves before this home's newest trust
   * leaf, for which that one vouches, and in an audit.
   * @throws KeyStoreError BLOB_SIGNER_NOT_TRUSTED, MANIFEST_DAMAGED
   */
  check({ index, leaf }: PlacedLeaf): boolean {
    const home = toHex(leaf.homeId);
    const before = this.#before.get(home);
    this.#before.set(home, leaf);
    const isChange = before && !equalBytes(before.signerKeyId, leaf.signerKeyId);
    if (isChange && before.change.kind !== 'trust') throw notInForce(index);
    const signer = this.#signerOf(index, leaf);
    if (signer && !isSignedBy(leaf, signer)) throw wrong(index, 'has a wrong signature');
    return signer !== undefined;
  }

  /** Is it by a key that this home signs with, or has signed with? */
  isByThisHome(leaf: LoggedLeaf): boolean {
    const { current, retired } = this.#anchor;
    const signer = pinOf([current, ...retired], leaf.signerKeyId);
    return signer !== undefined && isSignedBy(leaf, signer);
  }

  /**
   * May the newest checkpoint be by its signer? One that was retired signs the checkpoint of the leaf that retires it.
   *
   * @throws KeyStoreError BLOB_SIGNER_NOT_TRUSTED
   */
  checkCheckpoint({ size, signer }: Checkpoint): void {
    const { current, retired, pinned } = this.#anchor;
    const isOwnTrust = size === this.#trustIndex;
    if (
      !pinOf([current, ...pinned, ...(isOwnTrust ? retired : [])], signer.keyId, signer.publicKey)
    )
      throw new KeyStoreError(
        'BLOB_SIGNER_NOT_TRUSTED',
        `the newest checkpoint of the log is by ${toHex(signer.keyId)}, who is not trusted here`,
        { hint: HOW_TO_PIN },
      );
  }

  #signerOf(index: number, { homeId, signerKeyId }: LoggedLeaf): Signer | undefined {
    const { current, retired, pinned } = this.#anchor;
    const isPast = index < this.#trustIndex;
    if (!equalBytes(homeId, this.#homeId)) {
      const signer = pinOf(isPast ? [...pinned, current, ...retired] : pinned, signerKeyId);
      if (signer || isPast || this.#isAudit) return signer;
      throw new KeyStoreError(
        'BLOB_SIGNER_NOT_TRUSTED',
        `leaf ${index} of the log is by home ${toHex(homeId)}, whose signer ${toHex(signerKeyId)} is not trusted here`,
        { hint: HOW_TO_PIN },
      );
    }
    const signer = pinOf(index > this.#trustIndex ? [current] : [current, ...retired], signerKeyId);
    if (!signer && !isPast) throw notInForce(index);
    return signer;
  }
}

function pinOf(
  pins: readonly Signer[],
  keyId: Uint8Array,
  publicKey?: Uint8Array,
): Signer | undefined {
  return pins.find(
    (pin) => equalBytes(pin.keyId, keyId) && (!publicKey || equalBytes(pin.publicKey, publicKey)),
  );
}

/** @returns What is wrong with a leaf. */
export function wrong(index: number, problem: string): KeyStoreError {
  return new KeyStoreError('MANIFEST_DAMAGED', `leaf ${index} of the log ${problem}`);
}

function notInForce(index: number): KeyStoreError {
  return wrong(index, 'is by a signer that is not in force there');
}

const HOW_TO_PIN =
  'Somebody whom this home does not know writes to its store. If it is a home that was invited, or that has a new container: `keycask trust add` its signing certificate.';
