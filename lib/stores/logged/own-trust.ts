/** Checks the trust that a state lists for this home against the leaves of the log, where the state itself could not be made again. */
import { equalBytes } from '../../bytes/octets.ts';
import type { ManifestTrust } from '../manifest/manifest-chain.ts';
import { wrong, type LeafSigners, type PlacedLeaf } from './leaf-signers.ts';

/** A state that somebody else has signed. */
export interface StatedTrust {
  readonly trust: ManifestTrust;
  /** Index of the leaf that states it: the newest. */
  readonly statedBy: number;
  /** 16 bytes. */
  readonly homeId: Uint8Array;
  readonly signers: LeafSigners;
}

/**
 * The listed trust is one that this home has entered, and the home has entered none after it: whoever was revoked since could state the one
 * that trusts him.
 *
 * @param leaves - From the one that is said to have entered it to the newest.
 * @throws KeyStoreError MANIFEST_DAMAGED, and what reading leaves throws.
 */
export async function checkOwnTrust(
  leaves: AsyncIterable<PlacedLeaf>,
  { trust, statedBy, homeId, signers }: StatedTrust,
): Promise<void> {
  let isEntered = false;
  for await (const { index, leaf } of leaves) {
    const { change } = leaf;
    const isOwn = equalBytes(leaf.homeId, homeId) && change.kind === 'trust';
    if (index > trust.index) {
      if (isOwn && signers.isByThisHome(leaf))
        throw wrong(statedBy, `states an older trust than the one of leaf ${index}`);
      continue;
    }
    if (!isOwn || change.version !== trust.version || !equalBytes(change.sha256, trust.sha256))
      break;
    signers.check({ index, leaf });
    isEntered = true;
  }
  if (!isEntered) throw wrong(statedBy, 'states a trust that this home has not entered');
}
