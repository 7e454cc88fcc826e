/** Loads a library once. */

/** `load`, made so that it runs once: later calls get what the first one got, or try again where it failed. */
export function remember<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined;
  return () => {
    loading ??= load();
    loading.catch(() => (loading = undefined));
    return loading;
  };
}
