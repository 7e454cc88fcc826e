/**
 * Follows the log over records: checks what others have appended, leaf by leaf, and knows what holds.
 *
 * Each leaf that was added since the checkpoint that this home saw last must fit what the map says, be by a signer that is in force or
 * pinned, and state the root that its change makes. A home that has seen nothing begins with the newest state, by a signer that it pins.
 */
import { equalBytes, toHex } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import type { MapDraft } from '../../merkle-map/map-draft.ts';
import type { MerkleMap } from '../../merkle-map/merkle-map.ts';
import type { LogView } from '../../signed-log/follower.ts';
import type { ManifestTrust } from '../manifest/manifest-chain.ts';
import { LeafSigners, wrong, type LoggedTrustAnchor, type PlacedLeaf } from './leaf-signers.ts';
import { decodeLoggedLeaf } from './logged-leaf.ts';
import { EMPTY_STATE, trustChainOf, type LoggedState, type TrustChain } from './logged-state.ts';
import { applyChange } from './map-changes.ts';
import { checkOwnTrust } from './own-trust.ts';

/** Which home follows which log. */
export interface TrackerOptions {
  readonly map: MerkleMap;
  /** 16 bytes. */
  readonly storeId: Uint8Array;
  /** 16 bytes. */
  readonly homeId: Uint8Array;
  /** As of `LoggedRecordsOptions`. */
  readonly findTrust: (trust: ManifestTrust | undefined) => Promise<LoggedTrustAnchor>;
}

/** A state that leaves are checked from. */
interface Base {
  readonly index: number;
  readonly mapRoot: Uint8Array;
}

/** An anchor, and the trust.cms that it is of. */
interface FoundAnchor {
  readonly of: ManifestTrust | undefined;
  readonly anchor: LoggedTrustAnchor;
}

export class LogTracker {
  readonly #options: TrackerOptions;
  #state: LoggedState = EMPTY_STATE;
  #found: FoundAnchor | undefined;
  #isAccepting = false;

  constructor(options: TrackerOptions) {
    this.#options = options;
  }

  /** As of the newest checkpoint that was taken. */
  get state(): LoggedState {
    return this.#state;
  }

  /**
   * The anchor of the newest trust leaf of this home.
   *
   * @throws KeyStoreError LOG_REWOUND where it has seen a log that is empty now; what `findTrust` throws.
   */
  async anchor(): Promise<LoggedTrustAnchor> {
    const { trust, head } = this.#state;
    const found = await this.#find(trust);
    const { trustedHead } = found.anchor;
    if (head.index === 0 && trustedHead && trustedHead.index > 0 && !this.#isAccepting)
      throw rewound(0, trustedHead.index);
    this.#found = found;
    return found.anchor;
  }

  /**
   * Looks at a state that others have made.
   *
   * @returns What takes it.
   * @throws KeyStoreError MANIFEST_DAMAGED, BLOB_SIGNER_NOT_TRUSTED, LOG_REWOUND, LOG_FORKED, LOG_TRUNCATED, LOG_DAMAGED; what `findTrust` throws.
   */
  async vouch(view: LogView): Promise<() => void> {
    const { size, root } = view.checkpoint;
    const base = await this.#baseOf(view);
    const newest = await this.#newestOf(view);
    const draft = base && (await this.#replay(view, base));
    // Nodes are named by their hashes: they are right whatever becomes of this state.
    if (draft) this.#options.map.adopt(draft);
    const mapRoot = newest.leaf.state;
    const chain = await this.#chainOf(mapRoot, base);
    const found = await this.#find(chain.trust);
    if (found !== this.#found && !this.#isAccepting) await checkTrustedHead(view, found.anchor);
    const { homeId } = this.#options;
    const trustIndex = chain.trust?.index ?? 0;
    const signersOf = { anchor: found.anchor, homeId, trustIndex };
    const signers = new LeafSigners(signersOf);
    signers.checkCheckpoint(view.checkpoint);
    if (!draft)
      await this.#checkAlone(view, newest, { signers: new LeafSigners(signersOf), chain });
    if (base) for await (const placed of this.#leaves(view, base.index)) signers.check(placed);
    return () => {
      this.#found = found;
      this.#state = { ...chain, head: { index: size, hash: root }, mapRoot };
    };
  }

  /** Goes on to a state that this process has made. */
  advance(state: LoggedState, draft: MapDraft): void {
    // Somebody who looked meanwhile may know more already.
    if (state.head.index <= this.#state.head.index) return;
    this.#options.map.adopt(draft);
    this.#state = state;
  }

  /** While `work` runs, what trust.cms says of the log is given up. */
  async accepting<T>(work: () => Promise<T>): Promise<T> {
    this.#isAccepting = true;
    try {
      return await work();
    } finally {
      this.#isAccepting = false;
    }
  }

  async #find(trust: ManifestTrust | undefined): Promise<FoundAnchor> {
    if (this.#found && isSameTrust(this.#found.of, trust)) return this.#found;
    return { of: trust, anchor: await this.#options.findTrust(trust) };
  }

  /** The newest state that this home has checked, whichever of its processes. */
  async #baseOf(view: LogView): Promise<Base | undefined> {
    const { seen, checkpoint } = view;
    if (!seen) return undefined;
    const { head, mapRoot } = this.#state;
    if (head.index === seen.size && equalBytes(head.hash, seen.root))
      return { index: head.index, mapRoot };
    for await (const { leaf } of this.#leaves(view, seen.size - 1, seen.size))
      return { index: seen.size, mapRoot: leaf.state };
    throw new KeyStoreError(
      'LOG_TRUNCATED',
      `the log has ${checkpoint.size} leaves, and lacks one`,
    );
  }

  async #newestOf(view: LogView): Promise<PlacedLeaf> {
    const { size } = view.checkpoint;
    for await (const placed of this.#leaves(view, size - 1)) return placed;
    throw new KeyStoreError('LOG_TRUNCATED', `the log has ${size} leaves, and lacks the newest`);
  }

  /**
   * Makes every change since the base again.
   *
   * @returns undefined where the base's nodes were swept: it is too old.
   */
  async #replay(view: LogView, base: Base): Promise<MapDraft | undefined> {
    const draft = this.#options.map.edit(base.mapRoot);
    for await (const placed of this.#leaves(view, base.index)) {
      try {
        await checkState(draft, placed);
      } catch (error) {
        if (KeyStoreError.is(error) && error.code === 'LOG_TRUNCATED') return undefined;
        throw error;
      }
    }
    return draft;
  }

  async #chainOf(mapRoot: Uint8Array, base: Base | undefined): Promise<TrustChain> {
    const { map, homeId } = this.#options;
    const goesOn = base && base.index === this.#state.head.index;
    return trustChainOf(map, mapRoot, homeId, goesOn ? this.#state : EMPTY_STATE);
  }

  /** Without a state that was made again here, whose nodes the archive may withhold: the newest leaf, and the trust of this home. */
  async #checkAlone(
    view: LogView,
    newest: PlacedLeaf,
    { signers, chain: { trust } }: { readonly signers: LeafSigners; readonly chain: TrustChain },
  ): Promise<void> {
    const { homeId } = this.#options;
    const statedBy = newest.index;
    if (trust) {
      if (trust.index > statedBy) throw wrong(statedBy, 'states a trust that is to come');
      const leaves = this.#leaves(view, trust.index - 1);
      await checkOwnTrust(leaves, { trust, statedBy, homeId, signers });
    }
    if (trust?.index !== statedBy) signers.check(newest);
  }

  async *#leaves(view: LogView, first: number, end?: number): AsyncGenerator<PlacedLeaf> {
    for await (const { index, bytes } of view.leaves(first, end))
      yield { index: index + 1, leaf: readLeaf(bytes, index + 1, this.#options.storeId) };
  }
}

/**
 * Reads a leaf of a store's log.
 *
 * @param index - Counted from 1.
 * @throws KeyStoreError MANIFEST_DAMAGED where it is none, or of another store.
 */
export function readLeaf(
  bytes: Uint8Array,
  index: number,
  storeId: Uint8Array,
): PlacedLeaf['leaf'] {
  const leaf = decodeOrSay(bytes, index);
  if (!equalBytes(leaf.storeId, storeId)) throw wrong(index, 'is of another store');
  return leaf;
}

/**
 * Makes the change of a leaf, which must fit, and must make what the leaf states.
 *
 * @throws KeyStoreError MANIFEST_DAMAGED, and what reading the map throws.
 */
export async function checkState(draft: MapDraft, { index, leaf }: PlacedLeaf): Promise<void> {
  const { change, homeId, state } = leaf;
  const problem = await applyChange(draft, change, { homeId, index });
  if (problem !== undefined) throw wrong(index, `does not fit: ${problem}`);
  if (!equalBytes(draft.root, state))
    throw wrong(index, `states what its change does not make (home ${toHex(homeId)})`);
}

function decodeOrSay(bytes: Uint8Array, index: number): PlacedLeaf['leaf'] {
  try {
    return decodeLoggedLeaf(bytes);
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code === 'BLOB_VERSION_UNSUPPORTED') throw error;
    throw wrong(index, `cannot be read: ${error.message}`);
  }
}

/** @throws KeyStoreError LOG_REWOUND, LOG_FORKED */
async function checkTrustedHead(view: LogView, { trustedHead }: LoggedTrustAnchor): Promise<void> {
  if (!trustedHead || trustedHead.index === 0) return;
  const { index, hash } = trustedHead;
  if (index > view.checkpoint.size) throw rewound(view.checkpoint.size, index);
  if (!equalBytes(await view.rootAt(index), hash))
    throw new KeyStoreError(
      'LOG_FORKED',
      `the log does not go on from the ${index} leaves that it had when the trust of this home was changed`,
    );
}

function rewound(size: number, had: number): KeyStoreError {
  return new KeyStoreError(
    'LOG_REWOUND',
    `the log has ${size} leaves, and had ${had} when the trust of this home was changed`,
  );
}

function isSameTrust(a: ManifestTrust | undefined, b: ManifestTrust | undefined): boolean {
  if (!a || !b) return false;
  return a.version === b.version && equalBytes(a.sha256, b.sha256);
}
