/** Loads a library once. */

/** `load`, made so that it runs once: later calls get what the first one got, or try again where it failed. */
export function remember<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  const forget = (error: unknown): never => {
    loading = undefined;
    throw error;
  };
  return () => (loading ??= load().catch(forget));
}
