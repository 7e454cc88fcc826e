/**
 * Child: appends to an archive over and over, each leaf with records of its own, records that others change too, and map nodes. It is killed
 * meanwhile, or ends after so many appends.
 *
 * Arguments: where the archive is (JSON), own name, how many appends, ids that are shared. The signature key comes in the environment. It tells
 * `ArchiveTold` before and after each append.
 */
import { createHash, randomBytes } from 'node:crypto';
import process from 'node:process';
import { KeyStoreError } from '../../../lib/errors.ts';
import { SignedLog, type LogCompanions } from '../../../lib/signed-log/index.ts';
import { authorOf, trustIn } from '../../support/log-author.ts';
import { contentOf, openArchiveAt, type StorePlace } from '../../support/open-store.ts';
import { tell } from './tell.ts';

/** What a leaf says of what came along with it. */
export interface Stated {
  readonly writer: string;
  /** Random. */
  readonly nonce: string;
  readonly records: readonly {
    readonly id: string;
    readonly version: number;
    readonly isDeleted: boolean;
  }[];
  /** Hashes of map nodes. */
  readonly nodes: readonly string[];
}

/** `appending` before, then one of the others: it is in the log at `index`, somebody else was first, or nobody can say. */
export type ArchiveTold =
  | { readonly what: 'appending' | 'lost' | 'unknown' }
  | { readonly what: 'done'; readonly index: number; readonly leaf: string };

const [place, writer, count, ...shared] = process.argv.slice(2) as [string, string, string];
const author = authorOf(process.env['SIGNING_KEY']!);
await using archive = await openArchiveAt(JSON.parse(place) as StorePlace);
const log = await SignedLog.open({ ...trustIn(author), storage: archive.log });
const own: string[] = [];
tell('ready');
for (let done = 0; done < Number(count);) {
  await log.refresh();
  const stated = statedAt(log.size);
  const leaf = JSON.stringify(stated);
  const along = alongOf(stated);
  tell({ what: 'appending' } satisfies ArchiveTold);
  try {
    const { index } = await log.append([new TextEncoder().encode(leaf)], author, {
      size: log.size,
      along,
    });
    tell({ what: 'done', index, leaf } satisfies ArchiveTold);
    own.push(...stated.records.map(({ id }) => id));
    done++;
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    if (error.code === 'STORE_CONFLICT') tell({ what: 'lost' } satisfies ArchiveTold);
    else if (error.code === 'STORE_OUTCOME_UNKNOWN')
      tell({ what: 'unknown' } satisfies ArchiveTold);
    else throw error;
  }
}

/** Versions are what the log's size makes them, so that of each id the newest leaf has the highest. */
function statedAt(size: number): Stated {
  const ids = new Set([pick(shared), pick(own) ?? newId(), newId()]);
  if (Math.random() < 0.1) for (let n = 0; n < 60; n++) ids.add(newId());
  const records = [...ids].map((id) => ({ id, version: size + 1, isDeleted: Math.random() < 0.2 }));
  const nodes = records.map(({ id }) => hashOfNode(nodeOf(`${writer} ${size} ${id}`)));
  return { writer, nonce: randomBytes(8).toString('hex'), records, nodes };
}

function alongOf({ records }: Stated): LogCompanions {
  return {
    records: records.map(({ id, version, isDeleted }) => ({
      id,
      version,
      bytes: isDeleted ? undefined : contentOf(id, version, writer),
    })),
    mapNodes: records.map(({ id, version }) => {
      const bytes = nodeOf(`${writer} ${version - 1} ${id}`);
      return { hash: Buffer.from(hashOfNode(bytes), 'hex'), bytes };
    }),
  };
}

function nodeOf(name: string): Uint8Array {
  return new TextEncoder().encode(name.padEnd(500, '.'));
}

function hashOfNode(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function newId(): string {
  return randomBytes(16).toString('hex');
}

function pick(ids: readonly string[]): string {
  return ids[Math.floor(Math.random() * ids.length)] ?? newId();
}
