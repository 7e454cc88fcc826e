/** Several homes on one archive: they follow each other, and each attack and each mistake has its own code. */
import { beforeEach, describe, expect, it } from 'vitest';
import { EMPTY_MAP_ROOT } from '../../../../lib/merkle-map/map-node.ts';
import { MerkleMap } from '../../../../lib/merkle-map/merkle-map.ts';
import { findAmong } from '../../../../lib/messages/verify-message.ts';
import { SignedLog } from '../../../../lib/signed-log/signed-log.ts';
import type { Archive } from '../../../../lib/stores/archive.ts';
import { applyChange } from '../../../../lib/stores/logged/map-changes.ts';
import { decodeLoggedLeaf, signLoggedLeaf } from '../../../../lib/stores/logged/logged-leaf.ts';
import type { LoggedRecords } from '../../../../lib/stores/logged/logged-records.ts';
import type { ManifestChange } from '../../../../lib/stores/manifest/manifest-change.ts';
import { codeOfAsync } from '../../../support/errors.ts';
import {
  BackedUpArchive,
  clock,
  collected,
  keptOpen,
  randomId,
  SeenInMemory,
  STORE_ID,
  TestHome,
} from '../../../support/logged-records.ts';
import { written } from '../../../support/manifest.ts';
import { testIdentity } from '../../../support/signing-identity.ts';

let backup: BackedUpArchive;
let archive: Archive;
let alice: TestHome;
let bob: TestHome;
let ours: LoggedRecords;
let theirs: LoggedRecords;
const id = randomId();

/** Two homes that pin each other, on one archive. */
beforeEach(async () => {
  backup = new BackedUpArchive();
  ({ archive } = backup);
  const keys = [await testIdentity(), await testIdentity()] as const;
  alice = new TestHome(keys[0], [keys[1]]);
  bob = new TestHome(keys[1], [keys[0]]);
  ours = await alice.open(archive);
  await alice.enter(ours);
  theirs = await bob.open(archive);
  await bob.enter(theirs);
});

interface Forgery {
  readonly by?: TestHome;
  readonly change?: ManifestChange;
  readonly homeId?: Uint8Array;
  readonly storeId?: Uint8Array;
  /** Instead of what the change makes. */
  readonly state?: Uint8Array;
  readonly bytes?: Uint8Array;
}

/** Appends a leaf as somebody would who has a key that is trusted, and another program. */
async function forge(forgery: Forgery = {}): Promise<void> {
  const { by = bob, change = written(randomId(), 1), homeId = by.homeId } = forgery;
  const log = await SignedLog.open({
    storage: keptOpen(archive).log,
    logId: STORE_ID,
    findSigner: findAmong([alice.identity, bob.identity, by.identity]),
  });
  await ours.refresh().catch(() => undefined);
  const reader = await alice.open(archive, { seen: new SeenInMemory() });
  const draft = new MerkleMap(archive).edit((await newestState(log)) ?? EMPTY_MAP_ROOT);
  await applyChange(draft, change, { homeId, index: log.size + 1 });
  const { storeId = STORE_ID, state = draft.root } = forgery;
  const leaf = await signLoggedLeaf(by.identity, { storeId, homeId, change, state }, clock());
  await reader.close();
  await log.append(
    [forgery.bytes ?? leaf.der],
    { identity: by.identity, clock },
    {
      size: log.size,
      along: { records: [], mapNodes: draft.nodes() },
    },
  );
}

async function newestState(log: SignedLog): Promise<Uint8Array | undefined> {
  for await (const { bytes } of log.leaves(log.size - 1)) return decodeLoggedLeaf(bytes).state;
  return undefined;
}

describe('two homes on one archive', () => {
  it('read each other, and have their own trust', async () => {
    const other = randomId();
    await alice.put(ours, id);
    await bob.put(theirs, other);
    await bob.put(theirs, id, 2);
    for (const reader of [ours, theirs, await alice.open(archive), await bob.open(archive)]) {
      expect(await reader.get(id)).toMatchObject({ version: 2 });
      expect((await collected(reader.list())).map((one) => one.id)).toEqual([id, other]);
      expect(await reader.verifyAll()).toEqual({ leaves: 5, covered: 0, records: 2 });
    }
    expect([ours.trust?.index, theirs.trust?.index]).toEqual([1, 2]);
    expect([ours.trustAfter(0), ours.trustAfter(1), theirs.trustAfter(0)]).toEqual([
      1,
      undefined,
      2,
    ]);
  });

  it('go on after one of them has given itself another key, once the other has pinned it', async () => {
    await bob.rotate(theirs);
    await ours.refresh();
    await bob.put(theirs, id);
    expect(await codeOfAsync(ours.refresh())).toBe('BLOB_SIGNER_NOT_TRUSTED');
    // Who does not pin the new key cannot go on; who pins it, before the old one is given up, can.
    const late = await backup.at(backup.size - 1);
    const records = await alice.open(late.archive);
    await alice.enter(records, { pinned: [bob.identity, ...alice.anchor.pinned] });
    const again = await bob.open(late.archive, { seen: new SeenInMemory() });
    await bob.put(again, id);
    await records.refresh();
    expect(await records.get(id)).toMatchObject({ version: 1 });
    expect(again.trustAfter(2)).toBe(3);
  });

  it('notice a rotation by another process of the same home, which then signs', async () => {
    const process2 = await alice.open(archive);
    const before = alice.identity;
    await alice.rotate(ours);
    const put = (identity = alice.identity) =>
      process2.put({ id, version: 1, label: 'x', bytes: Uint8Array.of(1) }, identity, clock);
    expect(await codeOfAsync(put(before))).toBe('STORE_CONFLICT');
    await put();
    expect(process2.trust).toMatchObject({ version: 2, index: 3 });
    expect(process2.trustAfter(1)).toBe(3);
    expect(await (await alice.open(archive)).verifyAll()).toMatchObject({ leaves: 4, covered: 0 });
  });

  it('lose no change where eight writers race', async () => {
    const writers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? alice : bob).open(archive)),
    );
    const ids = writers.map(() => Array.from({ length: 6 }, () => randomId()));
    const contested = randomId();
    const won = await Promise.all(
      writers.map(async (writer, i) => {
        const home = i % 2 === 0 ? alice : bob;
        for (const one of ids[i]!) await home.put(writer, one);
        return codeOfAsync(home.put(writer, contested));
      }),
    );
    expect(won.filter((code) => code === 'none')).toHaveLength(1);
    expect(new Set(won)).toEqual(new Set(['none', 'STORE_CONFLICT']));
    const reader = await alice.open(archive);
    const listed = (await collected(reader.list())).map((one) => one.id);
    expect(listed.toSorted()).toEqual([...ids.flat(), contested].toSorted());
    expect(await reader.verifyAll()).toMatchObject({ leaves: 2 + 49, covered: 0, records: 49 });
  });

  it('stop at what a revoked signer appends, and keep what it made before', async () => {
    await bob.put(theirs, id);
    await ours.refresh();
    await alice.enter(ours, { pinned: [] });
    expect(await (await alice.open(archive)).get(id)).toMatchObject({ version: 1 });
    // A process without any memory of it: the home's own trust leaf stands after the leaf.
    const forgetful = await alice.open(archive, { seen: new SeenInMemory() });
    expect(await forgetful.verifyAll()).toMatchObject({ leaves: 4, covered: 2 });
    await theirs.refresh();
    await bob.put(theirs, id, 2);
    for (const open of [() => ours.refresh(), () => alice.open(archive)])
      expect(await codeOfAsync(open())).toBe('BLOB_SIGNER_NOT_TRUSTED');
    expect(await ours.find(id)).toMatchObject({ version: 1 });
  });
});

describe('a home that cheats, with a key that others pin', () => {
  const cheats: [string, () => Promise<void>][] = [
    ['states what its change does not make', () => forge({ state: EMPTY_MAP_ROOT })],
    ['makes a change that does not fit', () => forge({ change: written(id, 7) })],
    ['deletes what is not there', () => forge({ change: { kind: 'delete', id, version: 1 } })],
    ['speaks for another home', () => forge({ homeId: alice.homeId })],
    ['appends a leaf of another store', () => forge({ storeId: new Uint8Array(16) })],
    ['appends what is no leaf', () => forge({ bytes: Uint8Array.of(0x30, 0x00) })],
  ];
  it.each(cheats)('%s: MANIFEST_DAMAGED', async (_what, cheat) => {
    await cheat();
    expect(await codeOfAsync(ours.refresh())).toBe('MANIFEST_DAMAGED');
    expect(await codeOfAsync(alice.open(archive))).toBe('MANIFEST_DAMAGED');
    // Nothing is lost of what was known before.
    expect(ours.head.index).toBe(2);
    expect(await codeOfAsync(alice.put(ours, randomId()))).toBe('MANIFEST_DAMAGED');
  });

  it('is found by an audit, where a home began with what it states', async () => {
    await forge({ state: EMPTY_MAP_ROOT });
    const late = await TestHome.make([bob.identity]);
    const records = await late.open(archive);
    expect(await codeOfAsync(records.verifyAll())).toBe('MANIFEST_DAMAGED');
  });

  it('is another home than those that are pinned: BLOB_SIGNER_NOT_TRUSTED', async () => {
    const stranger = await TestHome.make();
    await forge({ by: stranger });
    for (const open of [() => ours.refresh(), () => alice.open(archive)])
      expect(await codeOfAsync(open())).toBe('BLOB_SIGNER_NOT_TRUSTED');
  });
});

describe('an archive that was put back or copied', () => {
  it('is LOG_REWOUND, is accepted on purpose, and goes on from there', async () => {
    await alice.put(ours, id);
    const at = backup.size;
    await alice.put(ours, id, 2);
    const older = await backup.at(at);
    expect(await codeOfAsync(alice.open(older.archive))).toBe('LOG_REWOUND');
    const { records, givenUp } = await alice.accept(older.archive);
    expect(givenUp?.size).toBe(4);
    expect(await records.get(id)).toMatchObject({ version: 1 });
    await alice.enter(records);
    await alice.put(records, id, 2);
    expect(await (await alice.open(older.archive)).get(id)).toMatchObject({ version: 2 });
  });

  it('is LOG_REWOUND also for a home that has lost what it saw, by its own trust list', async () => {
    await alice.put(ours, id);
    await alice.enter(ours);
    const older = await backup.at(backup.size - 2);
    const forgetful = alice.open(older.archive, {
      seen: new SeenInMemory(),
      findTrust: async () => alice.anchor,
    });
    expect(await codeOfAsync(forgetful)).toBe('LOG_REWOUND');
    const nothing = alice.open(new BackedUpArchive().archive, { seen: new SeenInMemory() });
    expect(await codeOfAsync(nothing)).toBe('LOG_REWOUND');
  });

  it('is LOG_FORKED for whoever has seen the other copy, and LOG_REWOUND where that is as long', async () => {
    const copy = await backup.at(backup.size);
    await alice.put(ours, id);
    const records = await bob.open(copy.archive);
    await bob.put(records, randomId());
    expect(await codeOfAsync(alice.open(copy.archive))).toBe('LOG_REWOUND');
    await bob.put(records, randomId());
    expect(await codeOfAsync(alice.open(copy.archive))).toBe('LOG_FORKED');
    expect(await codeOfAsync(bob.open(archive))).toBe('LOG_REWOUND');
  });

  it('is LOG_TRUNCATED without its newest leaves or without its map', async () => {
    await alice.put(ours, id);
    const noLeaves = keptOpen(archive, {
      log: { ...keptOpen(archive).log, readLeaves: async () => [] },
    });
    const noNodes = keptOpen(archive, {
      readNodes: async (hashes) => hashes.map(() => undefined),
    });
    for (const lying of [noLeaves, noNodes])
      expect(await codeOfAsync(alice.open(lying))).toBe('LOG_TRUNCATED');
  });

  it('is LOG_MISPLACED where it is the one of another store', async () => {
    const storeId = new Uint8Array(16).fill(1);
    expect(await codeOfAsync(alice.open(archive, { storeId }))).toBe('LOG_MISPLACED');
  });
});

describe('a map that is compacted', () => {
  it('has the nodes that recent states need, and readers and writers do not notice', async () => {
    for (let i = 0; i < 270; i++) await alice.put(ours, randomId(), 1, `label ${i}`);
    const before = (await collected(archive.listNodes())).length;
    const writing = (async () => {
      for (let i = 0; i < 10; i++) await bob.put(theirs, randomId());
    })();
    const { kept, removed } = await ours.compact();
    await writing;
    expect(removed).toBeGreaterThan(0);
    expect(kept).toBeLessThan(before + 10 * 12);
    for (const home of [alice, bob]) {
      const reader = await home.open(archive);
      expect(await reader.verifyAll()).toMatchObject({ leaves: 282, records: 280 });
      expect((await collected(reader.verify())).every(({ status }) => status === 'intact')).toBe(
        true,
      );
    }
    expect((await (await alice.open(archive)).compact()).removed).toBeLessThan(before);
  });

  it('is no reason to refuse a log for a home that has been away for longer', async () => {
    const away = new SeenInMemory();
    for (const [size, checkpoint] of bob.seen.kept) away.kept.set(size, checkpoint);
    for (let i = 0; i < 260; i++) await alice.put(ours, randomId());
    await ours.compact();
    bob.seen = away;
    expect((await bob.open(archive)).head.index).toBe(262);
  });
});
