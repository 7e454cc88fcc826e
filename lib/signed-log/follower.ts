/**
 * Follows a log that somebody else may change: holds on to the newest checkpoint that it has seen, and accepts another one only where the
 * log has grown from that.
 */
import { equalBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { verifyCheckpoint, type Checkpoint, type CheckpointTrust } from './checkpoint.ts';
import { verifySeen, type CheckpointMemory } from './checkpoint-memory.ts';
import { isSameHead } from './log-bounds.ts';
import { leavesOf, type LogLeaf } from './log-leaves.ts';
import type { LogHead, LogStorage } from './log-storage.ts';
import { EMPTY_ROOT } from './merkle-hash.ts';
import type { TreeHead } from './proofs.ts';
import { VerifiedTree } from './verified-tree.ts';

/** Which log, where it lies, and whom to believe. */
export interface FollowLogOptions extends CheckpointTrust {
  /** Closed with the log. */
  readonly storage: LogStorage;
  /** Keeps the newest checkpoint for other processes and later ones; without it a new process believes what it sees first. */
  readonly memory?: CheckpointMemory;
  /**
   * Looks at a state that others have made, before it is taken: what it throws, `refresh` and `accept` throw, and the log stays as it was.
   * What it answers is called once the state was taken. It must not call the log.
   */
  readonly vouch?: (view: LogView) => Promise<() => void>;
}

/** A state of a log whose tree was checked, and its growth from the one that was seen before. */
export interface LogView {
  readonly checkpoint: Checkpoint;
  /** The newest that was seen before; undefined where none was, or where it is given up. */
  readonly seen: Checkpoint | undefined;

  /** Leaves, oldest first, each checked. */
  leaves(first?: number, end?: number): AsyncGenerator<LogLeaf>;

  /**
   * The root that the log had when it had `size` leaves, which are not more than it has.
   *
   * @throws KeyStoreError LOG_TRUNCATED, LOG_DAMAGED, and what reading the storage throws.
   */
  rootAt(size: number): Promise<Uint8Array>;
}

const EMPTY: TreeHead = { size: 0, root: EMPTY_ROOT };

export class LogFollower {
  readonly #options: FollowLogOptions;
  #newest: Checkpoint | undefined;
  #tree: VerifiedTree;

  constructor(options: FollowLogOptions) {
    this.#options = options;
    this.#tree = new VerifiedTree(options.storage, EMPTY);
  }

  /** The newest checkpoint that was seen; undefined of an empty log. */
  get newest(): Checkpoint | undefined {
    return this.#newest;
  }

  /** The tree that {@link LogFollower.newest} is over. */
  get tree(): VerifiedTree {
    return this.#tree;
  }

  /** The state that {@link LogFollower.newest} came with. */
  get head(): LogHead | undefined {
    return this.#newest && { size: this.#newest.size, checkpoint: this.#newest.bytes };
  }

  /**
   * Reads the head. A log that has not changed costs that one read; one that has grown, as many tiles as it is high.
   *
   * @throws KeyStoreError LOG_REWOUND, LOG_FORKED, LOG_TRUNCATED, LOG_DAMAGED, LOG_MISPLACED; what verifying a checkpoint and reading the storage throws.
   */
  async refresh(): Promise<void> {
    // In this order: what was seen first must be in a head that is read later, whatever others append meanwhile.
    const seen = await this.#seen();
    const head = await this.#options.storage.head();
    if (seen && seen === this.#newest && isSameHead(this.head, head)) return;
    if (!head) {
      if (seen) throw rewound(seen, EMPTY);
      return;
    }
    const next = this.#verify(head);
    const tree = new VerifiedTree(this.#options.storage, next);
    if (seen) await checkGrowth(seen, tree);
    else await tree.check();
    const taken = await this.#vouch(next, tree, seen);
    await this.#take(next, tree);
    taken?.();
  }

  /**
   * Takes the log as it is now, whatever was seen of it before: the deliberate way to go on after a backup of it was restored.
   *
   * @returns What is given up: the newest checkpoint that was seen, where the log does not go on from it.
   * @throws KeyStoreError LOG_TRUNCATED, LOG_DAMAGED, LOG_MISPLACED, and what verifying a checkpoint and reading the storage throws: then nothing is given up.
   */
  async accept(): Promise<Checkpoint | undefined> {
    const seen = await this.#seen();
    const head = await this.#options.storage.head();
    const next = head && this.#verify(head);
    const tree = new VerifiedTree(this.#options.storage, next ?? EMPTY);
    await tree.check();
    const isGrowth = !seen || (await hasGrownFrom(seen, tree));
    const taken = next && (await this.#vouch(next, tree, isGrowth ? seen : undefined));
    if (!isGrowth) {
      await this.#options.memory?.forget();
      this.#newest = undefined;
      this.#tree = tree;
    }
    if (next) await this.#take(next, tree);
    taken?.();
    return isGrowth ? undefined : seen;
  }

  /** Goes on to a checkpoint of our own, which the storage took after the newest one. */
  async advance(next: Checkpoint): Promise<void> {
    await this.#take(next, this.#tree.grown(next));
  }

  async #vouch(
    checkpoint: Checkpoint,
    tree: VerifiedTree,
    seen: Checkpoint | undefined,
  ): Promise<(() => void) | undefined> {
    const { storage, vouch } = this.#options;
    return vouch?.({
      checkpoint,
      seen,
      leaves: (first = 0, end = checkpoint.size) => leavesOf(storage, tree, { first, end }),
      rootAt: async (size) => (await tree.rangeAt(size)).root,
    });
  }

  #verify(head: LogHead): Checkpoint {
    const checkpoint = verifyCheckpoint(head.checkpoint, this.#options);
    if (head.size === checkpoint.size) return checkpoint;
    if (head.size > checkpoint.size)
      throw new KeyStoreError('LOG_DAMAGED', 'the log has leaves that its checkpoint is not over');
    throw new KeyStoreError(
      'LOG_TRUNCATED',
      `the log has ${head.size} of the ${checkpoint.size} leaves of its checkpoint`,
    );
  }

  /** What this process or an earlier one has seen, whichever is newer. */
  async #seen(): Promise<Checkpoint | undefined> {
    const own = this.#newest;
    const bytes = await this.#options.memory?.newest();
    if (!bytes || (own && equalBytes(bytes, own.bytes))) return own;
    const remembered = verifySeen(bytes, this.#options.logId);
    return own && own.size >= remembered.size ? own : remembered;
  }

  async #take(next: Checkpoint, tree: VerifiedTree): Promise<void> {
    const { memory } = this.#options;
    if (memory && !(await memory.remember(next.size, next.bytes))) {
      // Another process of this home has seen as many leaves meanwhile. That they are the same ones is the whole point.
      const bytes = await memory.newest();
      const other = bytes && verifySeen(bytes, this.#options.logId);
      if (other?.size === next.size && !equalBytes(other.root, next.root))
        throw rewound(other, next);
    }
    this.#newest = next;
    this.#tree = tree;
  }
}

/** @throws KeyStoreError LOG_REWOUND, LOG_FORKED; LOG_TRUNCATED and LOG_DAMAGED where the storage cannot show it. */
async function checkGrowth(seen: Checkpoint, tree: VerifiedTree): Promise<void> {
  const { head } = tree;
  if (head.size < seen.size) throw rewound(seen, head);
  if (head.size === seen.size && !equalBytes(head.root, seen.root)) throw rewound(seen, head);
  await tree.check();
  if (!(await hasGrownFrom(seen, tree)))
    throw new KeyStoreError(
      'LOG_FORKED',
      `the log has ${head.size} leaves that do not go on from the ${seen.size} that were seen before`,
    );
}

/** Every node is checked up to the new root, so an older root that comes out otherwise is another history, and no damage. */
async function hasGrownFrom(seen: TreeHead, tree: VerifiedTree): Promise<boolean> {
  if (seen.size > tree.head.size) return false;
  return equalBytes((await tree.rangeAt(seen.size)).root, seen.root);
}

function rewound(seen: TreeHead, now: TreeHead): KeyStoreError {
  const problem =
    seen.size === now.size
      ? `${now.size} leaves, which are not those that were seen before`
      : `${now.size} leaves, and had ${seen.size} when it was seen before`;
  return new KeyStoreError('LOG_REWOUND', `the log has ${problem}`);
}
