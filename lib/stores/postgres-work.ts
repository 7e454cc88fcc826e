/**
 * Work shared through a PostgreSQL database: any number of processes, on any number of machines, take part in one job.
 *
 * Its items are rows, which are claimed with FOR UPDATE SKIP LOCKED: nobody waits for anybody. Who claimed what is said by the rows and by a
 * lease that each process renews, and by nothing that belongs to a connection, so a pooler may stand between. docs/decisions/shared-work.md
 * says why each step is there.
 */
import { randomUUID } from 'node:crypto';
import type { OpenWork, WorkProgress, WorkRequest } from '../contracts/work-list.ts';
import { KeyStoreError } from '../errors.ts';
import type { Database } from './postgres/database.ts';
import { openDatabase, type DatabasePlace } from './postgres/open-database.ts';
import { progressOf, SharedWork } from './postgres/shared-work.ts';
import { idOfUuid } from './postgres/statement.ts';
import { WorkStatements } from './postgres/work-statements.ts';
import { checkRequest } from './work-bounds.ts';

export interface PostgresWorkOptions extends DatabasePlace {
  /** After how long a process that was not heard of has lost what it claimed, in milliseconds. Default 15,000. */
  readonly leaseMs?: number;
}

/**
 * Jobs in a database.
 *
 * @returns What opens them. Each list has connections of its own, and ends them when it is closed.
 * @throws KeyStoreError PARAMETER_INVALID. What it returns throws as `openPostgresStore` does, and WORK_NOT_FOUND.
 */
export function postgresWork(options: PostgresWorkOptions): OpenWork {
  const { leaseMs = 15_000 } = options;
  if (!(leaseMs >= SHORTEST_LEASE_MS))
    throw new KeyStoreError('PARAMETER_INVALID', `leaseMs is a number from ${SHORTEST_LEASE_MS}`);
  return async (request) => {
    checkRequest(request);
    const { database, schema } = await openDatabase({ connections: 2, ...options });
    const statements = new WorkStatements(schema);
    const job = await findJob(database, statements, request).catch(async (error: unknown) => {
      await database.close();
      throw error;
    });
    return SharedWork.join({ database, statements, request, job, leaseMs });
  };
}

/**
 * The jobs of a store that are under way, the oldest first, as whoever takes no part in them sees them: from any machine.
 *
 * @param storeId - 32 lower-case hex digits.
 * @throws KeyStoreError as `openPostgresStore` does.
 */
export async function listWorkUnderWay(
  place: DatabasePlace,
  storeId: string,
): Promise<WorkProgress[]> {
  const { database, schema } = await openDatabase({ connections: 1, ...place });
  try {
    const statements = new WorkStatements(schema);
    const found: WorkProgress[] = [];
    for (const row of await database.read(statements.underWay(storeId))) {
      const job = idOfUuid(row['job']);
      const rows = await database.read(statements.progress(job));
      // It may have ended, and been followed by another, meanwhile.
      if (rows.length > 0) found.push(progressOf(job, rows));
    }
    return found;
  } finally {
    await database.close();
  }
}

/** The id of the job that is under way, or of a new one. */
async function findJob(
  database: Database,
  statements: WorkStatements,
  request: WorkRequest,
): Promise<string> {
  for (;;) {
    const find = request.isJoining
      ? statements.findNewest(request)
      : statements.findUnderWay(request);
    const [row] = await database.read(find);
    if (row) return idOfUuid(row['job']);
    if (request.isJoining) throw new KeyStoreError('WORK_NOT_FOUND');
    // Of several that begin it at once, one does; and where it has ended already, there is another round.
    const job = randomUUID();
    await database.change(statements.begin(request, job));
    await database.change(statements.forgetEnded(request, job));
  }
}

/** Shorter, a process that waits for its disk would be taken for one that has ended. */
const SHORTEST_LEASE_MS = 500;
