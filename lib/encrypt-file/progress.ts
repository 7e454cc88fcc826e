/** Counting the plaintext that passes, and telling whoever asked. */
import { TAG_LENGTH } from '../file-encryption/segments.ts';
import type { LongWork } from './options.ts';

export interface CountOptions {
  readonly path?: string;
  readonly total?: number;
  readonly onProgress: LongWork['onProgress'];
}

/**
 * The same parts, counted.
 *
 * @param kind - Sealed segments hold 16 bytes less plaintext than they have.
 */
export function counted(
  parts: AsyncIterable<Uint8Array>,
  kind: 'sealed' | 'opened',
  { path, total, onProgress }: CountOptions,
): { readonly parts: AsyncGenerator<Uint8Array>; bytes(): number } {
  let bytesDone = 0;
  const overhead = kind === 'sealed' ? TAG_LENGTH : 0;
  const bytesTotal = total === undefined ? {} : { bytesTotal: total };
  async function* pass() {
    for await (const part of parts) {
      yield part;
      bytesDone += part.length - overhead;
      onProgress?.({ type: 'progress', path, bytesDone, ...bytesTotal });
    }
  }
  return { parts: pass(), bytes: () => bytesDone };
}
