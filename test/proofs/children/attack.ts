/** What an attacker is asked to try, and what he tells. */
import type { Needle } from '../../support/key-needles.ts';
import type { MemoryFindings } from '../../support/memory-scan.ts';

export interface Attack {
  /** Processes whose memory he wants. */
  readonly pids: readonly number[];
  readonly needles: readonly Needle[];
  /** Sealed key files, and where their machine secret would be. */
  readonly disk?: { readonly keys: string; readonly stateFolder: string };
}

export interface Loot {
  /** For each process. */
  readonly memory: readonly MemoryFindings[];
  /** `attached`, or what the kernel answered. */
  readonly ptrace: readonly string[];
  /** What he opened on the disk, or why he did not. */
  readonly disk?: readonly string[] | string;
}
