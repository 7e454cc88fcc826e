/** What each test of the double begins with: an empty folder for its keys, an open provider, and at the end nothing left open. */
import process from 'node:process';
import { afterEach, beforeEach, expect } from 'vitest';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';
import { freeAll, leaks, must, openProvider } from './raw-ncrypt.ts';

/** Whether this run has the double: its tests say nothing about another ncrypt.dll. */
export const hasDouble = process.env['KEYCASK_NCRYPT'] === 'double';

export interface FreshStore {
  readonly provider: bigint;
  readonly folder: string;
  /** Sets a variable of the double until the test ends. */
  set(name: `KEYCASK_DOUBLE_${string}`, value: string): void;
}

export function useFreshStore(): FreshStore {
  let provider = 0n;
  let folder: TemporaryFolder;
  const settings = new Set<string>();
  const set = (name: string, value: string): void => {
    settings.add(name);
    process.env[name] = value;
  };

  beforeEach(async () => {
    folder = await temporaryFolder();
    set('KEYCASK_DOUBLE_FOLDER', folder.path);
    provider = must(openProvider());
  });

  afterEach(async () => {
    freeAll();
    for (const name of settings) delete process.env[name];
    settings.clear();
    await folder.remove();
    expect(leaks()).toEqual({ handles: 0, buffers: 0 });
  });

  return {
    get provider() {
      return provider;
    },
    get folder() {
      return folder.path;
    },
    set,
  };
}
