/** Facts and vectors that lie beside the checkout, in ../shared, and are no part of it. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const FOLDER =
  process.env['KEYCASK_SHARED'] ?? fileURLToPath(new URL('../../../shared', import.meta.url));

/** Whether ../shared is there. */
const sharedIsHere: boolean = existsSync(FOLDER);

/** Where a file of ../shared is. */
function sharedFile(name: string): string {
  return path.join(FOLDER, name);
}

/** A JSON file of ../shared. */
export function sharedJson(name: string): unknown {
  return JSON.parse(readFileSync(sharedFile(name), 'utf8'));
}

/** `describe` for tests that need ../shared: left out where it is absent, except under CI=true, where that is a failure. */
// oxlint-disable vitest/valid-title, vitest/valid-describe-callback, vitest/no-conditional-tests, vitest/no-disabled-tests -- it stands for describe
export function describeShared(name: string, body: () => void): void {
  if (sharedIsHere) {
    describe(name, body);
  } else if (process.env['CI'] === 'true') {
    test(`${name}: ../shared is there`, () => {
      expect(existsSync(FOLDER), `no ${FOLDER}`).toBe(true);
    });
  } else {
    test.skip(`${name} (left out: no ${FOLDER})`, () => {});
  }
}
