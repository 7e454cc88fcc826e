/** What an attack brought, and what it means. */
import { expect } from 'vitest';
import type { Loot } from '../proofs/children/attack.ts';
import type { MemoryFindings } from './memory-scan.ts';
import type { ThrowAwayUser } from './throw-away-user.ts';

/** The attacker whom nothing here stops: where he finds nothing, there was nothing. */
export const ROOT: ThrowAwayUser = {
  name: 'root',
  uid: 0,
  gid: 0,
  through: ['env'],
  remove: () => Promise.resolve(),
};

/** Less was not all of the memory of a process that runs node. */
export const MANY_BYTES = 20 << 20;

/** Names of the private numbers that were found in a memory; undefined where it was refused. */
export function numbersIn({ found }: MemoryFindings): readonly string[] | undefined {
  return found && numbersOf(found);
}

/** Without the order of their bytes. */
export function numbersOf(found: readonly string[] | string | undefined): readonly string[] {
  if (!Array.isArray(found)) throw new TypeError(`nothing was found: ${String(found)}`);
  return [...new Set((found as readonly string[]).map((name) => name.split(',')[0]!))].toSorted();
}

/** Of an attack on an application and its agent: nothing of the key is in the one, and nobody reads the other. */
export function expectHidden({ memory: [application, agent], ptrace }: Loot): void {
  expect(application!.found).toEqual([]);
  expect(application!.bytes).toBeGreaterThan(MANY_BYTES);
  expect(agent).toEqual({ refused: 'EACCES' });
  expect(ptrace).toEqual(['attached', 'EPERM']);
}
