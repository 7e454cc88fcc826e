/** What a home knows of the log over its records, as of one of its checkpoints. */
import { EMPTY_MAP_ROOT } from '../../merkle-map/map-node.ts';
import type { MerkleMap } from '../../merkle-map/merkle-map.ts';
import type { ManifestHead, ManifestTrust } from '../manifest/manifest-chain.ts';
import { decodeHomeValue, decodeTrustValue, homeKey, trustKey } from './map-values.ts';
import { KeyStoreError } from '../../errors.ts';

/** One state of a log. */
export interface LoggedState {
  /** Size and root of the log; zeros of an empty one. */
  readonly head: ManifestHead;
  /** Root of the map. */
  readonly mapRoot: Uint8Array;
  /** Of this home. */
  readonly trust: ManifestTrust | undefined;
  /** Indexes of this home's trust leaves, ascending. */
  readonly trustIndexes: readonly number[];
}

/** Where a log begins. */
export const EMPTY_STATE: LoggedState = {
  head: { index: 0, hash: new Uint8Array(32) },
  mapRoot: EMPTY_MAP_ROOT,
  trust: undefined,
  trustIndexes: [],
};

/** What a state says of the trust of one home. */
export type TrustChain = Pick<LoggedState, 'trust' | 'trustIndexes'>;

/**
 * Reads which trust.cms a home has entered.
 *
 * @param known - Of an earlier state of the same log: what is in it is not read again.
 * @throws KeyStoreError MANIFEST_DAMAGED where they are not in order, and what reading the map throws.
 */
export async function trustChainOf(
  map: MerkleMap,
  mapRoot: Uint8Array,
  homeId: Uint8Array,
  known: TrustChain = EMPTY_STATE,
): Promise<TrustChain> {
  const home = await map.get(mapRoot, homeKey(homeId));
  const { first, newest } = home ? decodeHomeValue(home) : { first: 1, newest: 0 };
  // It only grows: whoever has the nodes withheld could state less.
  if (newest < (known.trust?.version ?? 0)) throw outOfOrder();
  const from = known.trust ? known.trust.version + 1 : first;
  if (newest - from >= MAX_TRUSTS) throw outOfOrder();
  const versions = Array.from({ length: newest - from + 1 }, (_, i) => from + i);
  const values = await map.getMany(
    mapRoot,
    versions.map((version) => trustKey(homeId, version)),
  );
  let { trust } = known;
  const trustIndexes = [...known.trustIndexes];
  for (const [i, version] of versions.entries()) {
    const value = values[i] && decodeTrustValue(values[i]);
    if (!value || value.index <= (trust?.index ?? 0)) throw outOfOrder();
    trust = { version, ...value };
    trustIndexes.push(value.index);
  }
  return { trust, trustIndexes };
}

/** More changes of one home's trust than anybody makes: what a liar says must not be counted up to. */
const MAX_TRUSTS = 1 << 16;

function outOfOrder(): KeyStoreError {
  return new KeyStoreError('MANIFEST_DAMAGED', "the log's state has the trust of this home wrong");
}
