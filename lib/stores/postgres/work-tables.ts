/**
 * The tables of shared work, as one step of migrations.ts.
 *
 *   work_jobs      job        its id
 *                  store      whose records
 *                  kind, aim  what is done with them: of equal ones at most one is under way in a store
 *                  state      listing, open, done, cancelled
 *                  lister     the machine that adds the items, while it is listing
 *                  total      items, once they are all listed
 *   work_items     id         of a record, and its version when the job began
 *                  machine    who claimed it; null is nobody
 *                  outcome    null until it is finished; done, unchanged, or the code of a failure
 *   work_machines  machine    one process that takes part, under a random id: one that is started again is another
 *                  until      the end of its lease, by the clock of the server. Then what it claimed is anybody's
 *                  life       the process, as others on its machine can find it
 *                  done, unchanged, failed   how many items it finished, so that nobody has to count those
 */

export function workTables(schema: string): string {
  return `
    CREATE TABLE ${schema}.work_jobs (
      job uuid PRIMARY KEY,
      store uuid NOT NULL,
      kind text NOT NULL,
      aim text NOT NULL,
      state text NOT NULL DEFAULT 'listing' CHECK (state IN ('listing', 'open', 'done', 'cancelled')),
      lister uuid,
      total bigint,
      created timestamptz NOT NULL DEFAULT now()
    );
    CREATE UNIQUE INDEX work_jobs_under_way ON ${schema}.work_jobs (store, kind, aim) WHERE state IN ('listing', 'open');
    CREATE TABLE ${schema}.work_items (
      job uuid NOT NULL,
      id uuid NOT NULL,
      version bigint NOT NULL,
      machine uuid,
      outcome text,
      PRIMARY KEY (job, id)
    );
    CREATE INDEX work_items_open ON ${schema}.work_items (job, id) WHERE outcome IS NULL;
    CREATE INDEX work_items_failed ON ${schema}.work_items (job, id) WHERE outcome NOT IN ('done', 'unchanged');
    CREATE TABLE ${schema}.work_machines (
      job uuid NOT NULL,
      machine uuid NOT NULL,
      name text NOT NULL,
      life jsonb,
      until timestamptz NOT NULL,
      seen timestamptz NOT NULL DEFAULT now(),
      came timestamptz NOT NULL DEFAULT now(),
      done bigint NOT NULL DEFAULT 0,
      unchanged bigint NOT NULL DEFAULT 0,
      failed bigint NOT NULL DEFAULT 0,
      PRIMARY KEY (job, machine)
    );`;
}
