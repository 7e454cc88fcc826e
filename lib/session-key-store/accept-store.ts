/** Taking a shared store as it is, after a backup of it was put back on purpose. */
import { KeyStoreError } from '../errors.ts';
import type { TrustList } from '../trust/trust-list.ts';
import { Home } from './home.ts';
import { acceptLogShelf } from './log-shelf.ts';
import { openGround } from './open-home.ts';
import type { RecordShelf } from './record-shelf.ts';
import { readAnyTrust, type TrustFile } from './trust-file.ts';
import type { OpenStoreOptions } from './types.ts';

/** What was given up by it. */
export interface AcceptedStore {
  /** Entries of the log now. */
  readonly entries: number;
  /** Entries that the log had when it was seen last; undefined where nothing is given up. */
  readonly entriesBefore?: number;
}

/**
 * Takes the log as it is: whatever was changed after the backup is given up. What this home trusts stays as it is, a revocation included, and is
 * entered in the log anew, so that the decision is signed. Each home of the store has to accept for itself.
 *
 * @throws KeyStoreError NOT_SUPPORTED for a home whose records lie in its folder; TRUST_INVALID where the trust list that was in force at the time
 *   of the backup is no longer in the home; what opening a home throws, but for LOG_REWOUND and LOG_FORKED.
 */
export async function acceptStore(options: OpenStoreOptions): Promise<AcceptedStore> {
  const ground = await openGround(options);
  const { folder, configuration, trustFile, provider } = ground;
  let shelf: RecordShelf | undefined;
  try {
    if (configuration.store === undefined)
      throw new KeyStoreError('NOT_SUPPORTED', 'the records of this home lie in its folder', {
        hint: 'There nothing is accepted: put the newest manifest.log back.',
      });
    // In the folder lies the newest, whatever the log lists: a revocation is not given up.
    const present = await readAnyTrust(folder);
    const { storeUrl } = options;
    const accepted = await acceptLogShelf({ folder, configuration, storeUrl }, trustFile);
    const { givenUp } = accepted;
    shelf = accepted.shelf;
    const entries = shelf.head.index;
    await enterAnew(new Home({ ...ground, shelf, trust: present }), trustFile);
    return { entries, ...(givenUp && { entriesBefore: givenUp.size }) };
  } finally {
    await shelf?.close();
    await provider.close();
  }
}

/** The home's present list becomes the next one after that which the log lists. */
async function enterAnew(home: Home, trustFile: TrustFile): Promise<void> {
  await home.checkTrust();
  const inForce = await trustFile.load(home.shelf.trust.sha256);
  // Its entries count in the log, though its container may have been replaced since.
  const { identity } = await home.openContainer(inForce.current.container.name);
  const author = { identity, clock: () => home.now() };
  await trustFile.commit({
    shelf: home.shelf,
    present: () => Promise.resolve({ list: asOf(home.trust.list, home.shelf), author }),
    change: (list) => list,
    next: await home.identity(),
  });
}

/** A list that is to follow the one that the log lists. What lies beyond the end of the log has not happened in it. */
function asOf(list: TrustList, { head, trust }: RecordShelf): TrustList {
  return {
    ...list,
    trustVersion: trust.version,
    containers: list.containers.map((container) =>
      container.retiredAt === undefined
        ? container
        : { ...container, retiredAt: Math.min(container.retiredAt, head.index) },
    ),
  };
}
