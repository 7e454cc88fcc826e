/** FileRun: what the files of one call share. Buffers are used again, and each folder is made durable once. */
import { syncDirectory } from '../platform/durable-file.ts';
import { withFsErrors } from '../platform/fs-error.ts';
import { reusedBuffers, type SegmentBuffers } from '../file-encryption/segment-stream.ts';

export class FileRun {
  readonly #idle: SegmentBuffers[] = [];
  readonly #folders = new Set<string>();

  /** Lends buffers to one file at a time. */
  async withBuffers<T>(work: (buffers: SegmentBuffers) => Promise<T>): Promise<T> {
    const buffers = this.#idle.pop() ?? reusedBuffers();
    const result = await work(buffers);
    // Not given back after a failure: a write may still be reading them.
    this.#idle.push(buffers);
    return result;
  }

  /** A name in this folder is new. */
  changed(folder: string): void {
    this.#folders.add(folder);
  }

  /** Makes the new names durable. */
  async finish(): Promise<void> {
    for (const folder of this.#folders) {
      await withFsErrors(folder, () => syncDirectory(folder));
    }
    this.#folders.clear();
  }
}

/** Runs `work` and then makes its names durable. */
export async function inFileRun<T>(work: (run: FileRun) => Promise<T>): Promise<T> {
  const run = new FileRun();
  const result = await work(run);
  await run.finish();
  return result;
}
