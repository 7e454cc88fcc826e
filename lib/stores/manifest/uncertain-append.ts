/** Appends that failed after which the entry may be in the file all the same: who wrote a record for it must leave the record there. */

const UNCERTAIN = new WeakSet<object>();

/** Did `Manifest.append` fail so that the entry may yet count? Where not, it never will. */
export function mayHaveBeenAppended(error: unknown): boolean {
  return typeof error === 'object' && error !== null && UNCERTAIN.has(error);
}

/** Runs what follows the write: its failures are uncertain ones. */
export async function uncertainly(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw typeof error === 'object' && error !== null ? uncertain(error) : error;
  }
}

/** Marks a failure. */
export function uncertain<E extends object>(error: E): E {
  UNCERTAIN.add(error);
  return error;
}
