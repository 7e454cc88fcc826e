/** Somebody who was revoked, and has the database: he cannot make a home go back to the trust list that pinned him. */
import { beforeEach, describe, expect, it } from 'vitest';
import { toHex } from '../../../../lib/bytes/octets.ts';
import type { MapDraft } from '../../../../lib/merkle-map/map-draft.ts';
import { MerkleMap } from '../../../../lib/merkle-map/merkle-map.ts';
import { findAmong } from '../../../../lib/messages/verify-message.ts';
import { SignedLog } from '../../../../lib/signed-log/signed-log.ts';
import type { Archive } from '../../../../lib/stores/archive.ts';
import { decodeLoggedLeaf, signLoggedLeaf } from '../../../../lib/stores/logged/logged-leaf.ts';
import type { LoggedRecords } from '../../../../lib/stores/logged/logged-records.ts';
import { applyChange } from '../../../../lib/stores/logged/map-changes.ts';
import {
  decodeTrustValue,
  encodeHomeValue,
  encodeTrustValue,
  homeKey,
  trustKey,
} from '../../../../lib/stores/logged/map-values.ts';
import { codeOfAsync } from '../../../support/errors.ts';
import {
  BackedUpArchive,
  clock,
  keptOpen,
  randomId,
  SeenInMemory,
  STORE_ID,
  TestHome,
} from '../../../support/logged-records.ts';
import { written } from '../../../support/manifest.ts';
import { testIdentity } from '../../../support/signing-identity.ts';

let archive: Archive;
let alice: TestHome;
let bob: TestHome;
let ours: LoggedRecords;

/** Alice pins Bob, then revokes him. */
beforeEach(async () => {
  ({ archive } = new BackedUpArchive());
  const keys = [await testIdentity(), await testIdentity()] as const;
  alice = new TestHome(keys[0], [keys[1]]);
  bob = new TestHome(keys[1], [keys[0]]);
  ours = await alice.open(archive);
  await alice.enter(ours);
  const theirs = await bob.open(archive);
  await bob.enter(theirs);
  await ours.refresh();
});

/** Appends a leaf of Bob's over a state that says what he likes, and answers the archive without the nodes of the state before. */
async function forge(lie: (draft: MapDraft) => Promise<unknown>): Promise<Archive> {
  const log = await SignedLog.open({
    storage: keptOpen(archive).log,
    logId: STORE_ID,
    findSigner: findAmong([alice.identity, bob.identity]),
  });
  let before = new Uint8Array(0);
  for await (const { bytes } of log.leaves(log.size - 1))
    before = decodeLoggedLeaf(bytes).state as Uint8Array<ArrayBuffer>;
  const draft = new MerkleMap(archive).edit(before);
  const { homeId } = bob;
  const change = written(randomId(), 1);
  await applyChange(draft, change, { homeId, index: log.size + 1 });
  await lie(draft);
  const leaf = await signLoggedLeaf(
    bob.identity,
    { storeId: STORE_ID, homeId, change, state: draft.root },
    clock(),
  );
  const along = { records: [], mapNodes: draft.nodes() };
  await log.append([leaf.der], { identity: bob.identity, clock }, { size: log.size, along });
  return keptOpen(archive, {
    readNodes: async (hashes) => {
      const nodes = await archive.readNodes(hashes);
      return nodes.map((node, i) => (toHex(hashes[i]!) === toHex(before) ? undefined : node));
    },
  });
}

/** The home's newest trust list is `version` again. */
const goBackTo =
  (version: number, index?: number) =>
  async (draft: MapDraft): Promise<void> => {
    const key = trustKey(alice.homeId, version);
    const [value] = await draft.getMany([key]);
    const trust = decodeTrustValue(value!);
    await draft.update([
      { key: homeKey(alice.homeId), value: encodeHomeValue({ first: 1, newest: version }) },
      { key, value: encodeTrustValue({ ...trust, ...(index !== undefined && { index }) }) },
    ]);
  };

describe('a revoked signer who has the database', () => {
  it('is not pinned again by a state that lists the older trust list, whose predecessor he withholds', async () => {
    await alice.enter(ours, { pinned: [] });
    const lying = await forge(goBackTo(1));
    expect(await codeOfAsync(alice.open(lying))).toBe('MANIFEST_DAMAGED');
    expect(await codeOfAsync(ours.refresh())).toBe('MANIFEST_DAMAGED');
  });

  it('nor by one where it was entered after his leaf, so that what is before it is vouched for', async () => {
    await alice.enter(ours, { pinned: [] });
    const lying = await forge(goBackTo(1, 1000));
    expect(await codeOfAsync(alice.open(lying))).toBe('MANIFEST_DAMAGED');
  });

  it('nor for a process that has seen less than another one of its home', async () => {
    const behind = await alice.open(archive);
    await alice.enter(ours, { pinned: [] });
    const before = new SeenInMemory();
    for (const [size, bytes] of alice.seen.kept) before.kept.set(size, bytes);
    const lying = await forge(goBackTo(1));
    expect(await codeOfAsync(alice.open(lying, { seen: before }))).toBe('MANIFEST_DAMAGED');
    expect(await codeOfAsync(behind.refresh())).toBe('MANIFEST_DAMAGED');
  });
});

describe('a pinned signer who has the database', () => {
  it('does not have a home go on with an older trust list of its own', async () => {
    await alice.enter(ours);
    const lying = await forge(goBackTo(1));
    expect(await codeOfAsync(alice.open(lying))).toBe('MANIFEST_DAMAGED');
  });
});
