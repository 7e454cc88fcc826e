/** What the command line loads before it knows which command it is: not the store. */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const LIB = join(import.meta.dirname, '..', '..', '..', 'lib');
const HEAVY =
  /^(session-key-store|encrypt-file|records|providers|stores|trust|file-encryption|kdf|migration|agent|agent-protocol|windows-files|key-pairs|legacy)\b/u;

test('help and --version load neither store nor file encryption', () => {
  const seen = new Set([join(LIB, 'cli', 'main.ts')]);
  for (const file of seen) {
    for (const imported of importsOf(file)) seen.add(imported);
  }
  const loaded = [...seen].map((file) => relative(LIB, file));
  expect(loaded.length).toBeGreaterThan(30);
  expect(loaded.filter((file) => HEAVY.test(file))).toEqual([]);
});

/** Files that are loaded together with this one: no types, nothing that is imported when it is needed. */
function importsOf(file: string): string[] {
  const source = readFileSync(file, 'utf8');
  const found = source.matchAll(/^(?:import|export) (?!type)[^;]*? from '(\.[^']*\.ts)';/gmu);
  return Array.from(found, ([, path]) => join(dirname(file), path!));
}
