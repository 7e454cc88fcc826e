/**
 * The tables of signed logs and of their maps, as one step of migrations.ts. One log for each store id.
 *
 *   log_heads   size        leaves that there are
 *               checkpoint  that came with the last of them
 *   log_leaves  index       from 0
 *               leaf, hash  the leaf, and its hash: level 0 of the tree
 *               attempt     who appended it: postgres-log.ts
 *   log_hashes  level       from 1: the hashes of every eighth level above the leaves
 *               index       of the hash in its level
 *   map_nodes   hash        SHA-256 of the node
 *               bytes       the node of the map
 */

/** Leaves, checkpoints and nodes are hashes and signatures: there is nothing to compress. A head is written again and again on its page. */
export function logTables(schema: string): string {
  return `
    CREATE TABLE ${schema}.log_heads (
      store uuid PRIMARY KEY,
      size bigint NOT NULL CHECK (size > 0),
      checkpoint bytea NOT NULL
    ) WITH (fillfactor = 20);
    ALTER TABLE ${schema}.log_heads ALTER COLUMN checkpoint SET STORAGE EXTERNAL;
    CREATE TABLE ${schema}.log_leaves (
      store uuid NOT NULL,
      index bigint NOT NULL CHECK (index >= 0),
      leaf bytea NOT NULL,
      hash bytea NOT NULL,
      attempt uuid NOT NULL,
      PRIMARY KEY (store, index)
    );
    ALTER TABLE ${schema}.log_leaves ALTER COLUMN leaf SET STORAGE EXTERNAL;
    CREATE TABLE ${schema}.log_hashes (
      store uuid NOT NULL,
      level smallint NOT NULL CHECK (level > 0),
      index bigint NOT NULL CHECK (index >= 0),
      hash bytea NOT NULL,
      PRIMARY KEY (store, level, index)
    );
    CREATE TABLE ${schema}.map_nodes (
      store uuid NOT NULL,
      hash bytea NOT NULL,
      bytes bytea NOT NULL,
      PRIMARY KEY (store, hash)
    );
    ALTER TABLE ${schema}.map_nodes ALTER COLUMN bytes SET STORAGE EXTERNAL;`;
}
