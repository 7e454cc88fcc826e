/**
 * The statements of shared work. Each is a transaction of its own and needs nothing that a connection remembers.
 *
 * None waits for the disk: of a server that fails, what is lost is who worked on what, and the records themselves tell what was done.
 */
import type { WorkItem, WorkRequest, WorkResult } from '../../contracts/work-list.ts';
import type { ProcessLife } from '../../platform/process-life.ts';
import { quoteName, type Statement } from './statement.ts';

/** Who takes part. */
export interface Participant {
  /** UUID: random. */
  readonly machine: string;
  readonly name: string;
  readonly life: ProcessLife | undefined;
  readonly leaseMs: number;
}

export class WorkStatements {
  readonly #jobs: string;
  readonly #items: string;
  readonly #machines: string;

  constructor(schema: string) {
    const name = quoteName(schema);
    this.#jobs = `${name}.work_jobs`;
    this.#items = `${name}.work_items`;
    this.#machines = `${name}.work_machines`;
  }

  /** Begins a job where none of its kind and aim is under way, under the id given. */
  begin({ storeId, kind, aim }: WorkRequest, job: string): Statement {
    return {
      text: `INSERT INTO ${this.#jobs} (job, store, kind, aim) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
      values: [job, storeId, kind, aim],
    };
  }

  findUnderWay({ storeId, kind, aim }: WorkRequest): Statement {
    return {
      text: `SELECT job FROM ${this.#jobs} WHERE store = $1 AND kind = $2 AND aim = $3 AND state IN ('listing', 'open')`,
      values: [storeId, kind, aim],
    };
  }

  /** Whether it has ended or not. */
  findNewest({ storeId, kind, aim }: WorkRequest): Statement {
    return {
      text: `SELECT job FROM ${this.#jobs} WHERE store = $1 AND kind = $2 AND aim = $3 ORDER BY created DESC LIMIT 1`,
      values: [storeId, kind, aim],
    };
  }

  /** Of a store, the oldest first. */
  underWay(storeId: string): Statement {
    return {
      text: `SELECT job FROM ${this.#jobs} WHERE store = $1 AND state IN ('listing', 'open') ORDER BY created, job`,
      values: [storeId],
    };
  }

  /** Forgets what ended: of each kind only the newest of a store stays. */
  forgetEnded({ storeId, kind }: WorkRequest, job: string): Statement {
    return {
      text: `WITH ended AS (
          DELETE FROM ${this.#jobs} WHERE store = $1 AND kind = $2 AND job <> $3 AND state IN ('done', 'cancelled') RETURNING job
        ), items AS (DELETE FROM ${this.#items} WHERE job IN (SELECT job FROM ended))
        DELETE FROM ${this.#machines} WHERE job IN (SELECT job FROM ended)`,
      values: [storeId, kind, job],
    };
  }

  join(job: string, { machine, name, life, leaseMs }: Participant): Statement {
    return {
      text: `INSERT INTO ${this.#machines} (job, machine, name, life, until) VALUES ($1, $2, $3, $4, now() + ${LEASE('$5')})
        ON CONFLICT (job, machine) DO NOTHING`,
      values: [job, machine, name, life ? JSON.stringify(life) : null, leaseMs],
    };
  }

  /** Says that a machine is at work; for 0 ms, that it is not any more. */
  renew(job: string, machine: string, leaseMs: number): Statement {
    return {
      text: `UPDATE ${this.#machines} SET until = now() + ${LEASE('$3')}, seen = now() WHERE job = $1 AND machine = $2`,
      values: [job, machine, leaseMs],
    };
  }

  /** Machines that are at work, with where they can be looked for. */
  lives(job: string): Statement {
    return {
      text: `SELECT machine, life FROM ${this.#machines} WHERE job = $1 AND until > now() AND life IS NOT NULL`,
      values: [job],
    };
  }

  /** Ends the lease of a machine that is known to have ended. What it was last heard of stays. */
  bury(job: string, machine: string): Statement {
    return {
      text: `UPDATE ${this.#machines} SET until = '-infinity' WHERE job = $1 AND machine = $2`,
      values: [job, machine],
    };
  }

  /** Returns a row where `machine` is to list the items: nobody does, or whoever did has ended. */
  becomeLister(job: string, machine: string): Statement {
    return {
      text: `UPDATE ${this.#jobs} AS j SET lister = $2 WHERE job = $1 AND state = 'listing'
          AND (lister IS NULL OR lister = $2 OR NOT ${this.#isAtWork('j.job', 'j.lister')}) RETURNING job`,
      values: [job, machine],
    };
  }

  /** Adds items; those that are there already stay as they are. */
  add(job: string, items: readonly WorkItem[]): Statement {
    return {
      text: `INSERT INTO ${this.#items} (job, id, version) SELECT $1, id, version FROM unnest($2::uuid[], $3::bigint[]) AS new (id, version)
        WHERE EXISTS (SELECT FROM ${this.#jobs} WHERE job = $1 AND state = 'listing') ON CONFLICT DO NOTHING`,
      values: [job, items.map(({ id }) => id), items.map(({ version }) => version)],
    };
  }

  listed(job: string): Statement {
    return {
      text: `UPDATE ${this.#jobs} SET state = 'open', lister = NULL, total = (SELECT count(*) FROM ${this.#items} WHERE job = $1)
        WHERE job = $1 AND state = 'listing'`,
      values: [job],
    };
  }

  /**
   * Claims what nobody, or nobody who is at work, has. Rows that another one is just claiming are passed over, not waited for; and what
   * was claimed since this statement began is looked at again as it is then (READ COMMITTED), so no item is given to two.
   */
  claim(job: string, { machine, leaseMs }: Participant, limit: number): Statement {
    return {
      text: `WITH alive AS (
          UPDATE ${this.#machines} SET until = now() + ${LEASE('$4')}, seen = now() WHERE job = $1 AND machine = $2
        ), free AS (
          SELECT id FROM ${this.#items} AS i WHERE job = $1 AND outcome IS NULL
            AND (machine IS NULL OR machine <> $2 AND NOT ${this.#isAtWork('i.job', 'i.machine')})
            AND EXISTS (SELECT FROM ${this.#jobs} WHERE job = $1 AND state IN ('listing', 'open'))
          ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
        )
        UPDATE ${this.#items} AS i SET machine = $2 FROM free WHERE i.job = $1 AND i.id = free.id
        RETURNING i.id, i.version, ${LAZY}`,
      values: [job, machine, limit, leaseMs],
    };
  }

  /** What a machine has claimed and not finished. */
  claimed(job: string, machine: string): Statement {
    return {
      text: `SELECT id, version FROM ${this.#items} WHERE job = $1 AND outcome IS NULL AND machine = $2`,
      values: [job, machine],
    };
  }

  /** Returns the ids for which it counts: those that are still this machine's. They are counted in the same transaction. */
  finish(
    job: string,
    { machine, leaseMs }: Participant,
    results: readonly WorkResult[],
  ): Statement {
    return {
      text: `WITH finished AS (
          UPDATE ${this.#items} AS i SET outcome = result.outcome FROM unnest($3::uuid[], $4::text[]) AS result (id, outcome)
          WHERE i.job = $1 AND i.id = result.id AND i.machine = $2 AND i.outcome IS NULL RETURNING i.id, i.outcome
        ), counted AS (
          UPDATE ${this.#machines} SET until = now() + ${LEASE('$5')}, seen = now(),
            done = done + (SELECT count(*) FROM finished WHERE outcome = 'done'),
            unchanged = unchanged + (SELECT count(*) FROM finished WHERE outcome = 'unchanged'),
            failed = failed + (SELECT count(*) FROM finished WHERE outcome NOT IN ('done', 'unchanged'))
          WHERE job = $1 AND machine = $2
        )
        SELECT id, ${LAZY} FROM finished`,
      values: [
        job,
        machine,
        results.map(({ id }) => id),
        results.map(({ outcome }) => outcome),
        leaseMs,
      ],
    };
  }

  /** Of these ids those that this machine finished. */
  finished(job: string, machine: string, ids: readonly string[]): Statement {
    return {
      text: `SELECT id FROM ${this.#items} WHERE job = $1 AND machine = $2 AND id = ANY ($3::uuid[]) AND outcome IS NOT NULL`,
      values: [job, machine, ids],
    };
  }

  release(job: string, machine: string, ids: readonly string[]): Statement {
    return {
      text: `UPDATE ${this.#items} SET machine = NULL WHERE job = $1 AND machine = $2 AND id = ANY ($3::uuid[]) AND outcome IS NULL`,
      values: [job, machine, ids],
    };
  }

  /** Returns the state, after the job has ended where all its items are finished. */
  end(job: string): Statement {
    return {
      text: `WITH ended AS (
          UPDATE ${this.#jobs} SET state = 'done' WHERE job = $1 AND state = 'open'
            AND NOT EXISTS (SELECT FROM ${this.#items} WHERE job = $1 AND outcome IS NULL) RETURNING state
        )
        SELECT coalesce((SELECT state FROM ended), (SELECT state FROM ${this.#jobs} WHERE job = $1)) AS state`,
      values: [job],
    };
  }

  cancel(job: string): Statement {
    return {
      text: `UPDATE ${this.#jobs} SET state = 'cancelled' WHERE job = $1 AND state IN ('listing', 'open')`,
      values: [job],
    };
  }

  /** The job, once for each machine; once without one where there is none yet. */
  progress(job: string): Statement {
    return {
      text: `SELECT kind, state, total, name, done, unchanged, failed, seen, until > now() AS is_at_work
        FROM ${this.#jobs} AS j LEFT JOIN ${this.#machines} AS m ON m.job = j.job WHERE j.job = $1 ORDER BY came, machine`,
      values: [job],
    };
  }

  failures(job: string, after: string, limit: number): Statement {
    return {
      text: `SELECT i.id, i.version, i.outcome, coalesce(m.name, '') AS name FROM ${this.#items} AS i
        LEFT JOIN ${this.#machines} AS m ON m.job = i.job AND m.machine = i.machine
        WHERE i.job = $1 AND i.outcome NOT IN ('done', 'unchanged') AND i.id > $2 ORDER BY i.id LIMIT $3`,
      values: [job, after, limit],
    };
  }

  #isAtWork(job: string, machine: string): string {
    return `EXISTS (SELECT FROM ${this.#machines} AS at WHERE at.job = ${job} AND at.machine = ${machine} AND at.until > now())`;
  }
}

const LEASE = (milliseconds: string): string =>
  `${milliseconds}::double precision * interval '1 millisecond'`;
/** For this transaction only, so a pooler may give the connection to somebody else after it. */
const LAZY = `set_config('synchronous_commit', 'off', true) AS lazy`;
