/** What an attacker is asked to try, and what he tells. */
import type { CreateStoreOptions } from '../../../lib/session-key-store/types.ts';
import type { Needle } from '../../support/key-needles.ts';
import type { MemoryFindings } from '../../support/memory-scan.ts';

export interface Attack {
  /** Processes whose memory he wants. */
  readonly pids: readonly number[];
  readonly needles: readonly Needle[];
  /** Of an RSA key of which he knows the public half only, in hex. */
  readonly modulus?: string;
  /** How often he looks into each memory until he finds something; default once. */
  readonly times?: number;
  /** Sealed key files, and where their machine secret would be. */
  readonly disk?: { readonly keys: string; readonly stateFolder: string };
  /** A folder whose files he searches for the key of that modulus. */
  readonly files?: string;
  /** An agent that he asks for a key, and to give it out. */
  readonly agent?: { readonly socket: string; readonly agentUser: number; readonly key: string };
  /** A home that he opens as its owner's programs do. */
  readonly home?: CreateStoreOptions;
}

export interface Loot {
  /** For each process. */
  readonly memory: readonly MemoryFindings[];
  /** `attached`, or what the kernel answered. */
  readonly ptrace: readonly string[];
  /** What he opened on the disk, or why he did not. */
  readonly disk?: readonly string[] | string;
  /** What he found in the files, or the code of the refusal. */
  readonly files?: readonly string[] | string;
  /** `opened`, or the code of the refusal. */
  readonly agent?: { readonly open: string; readonly export: string };
  /** `opened`: he has the session key of the home; or the code of the refusal. */
  readonly home?: string;
}
