/** Runs every script of test/cli/scripts (support/script.ts says how they are written). */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { whyNot } from './support/requirements.ts';
import { Sandbox } from './support/sandbox.ts';
import { mismatch, readScript, type Script } from './support/script.ts';

const FOLDER = join(import.meta.dirname, 'scripts');
const scripts = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.txt'))
  .map((name) => {
    const script = readScript(join(FOLDER, name));
    return { name, script, why: whyNot(script.needs) };
  });

for (const { name, script, why } of scripts)
  if (why !== undefined) console.warn(`LEFT OUT: ${name}: ${script.title}: ${why}`);

test('command-line scripts are there', () => expect(scripts.length).toBeGreaterThan(10));

describe.concurrent('command-line script', () => {
  for (const { name, script, why } of scripts) {
    test.skipIf(why !== undefined)(`${name}: ${script.title}`, async () => {
      expect(await firstFault(name, script)).toBe('');
    });
  }
});

/** Runs the steps until one goes another way than the script says; tells of that one. */
async function firstFault(name: string, { steps }: Script): Promise<string> {
  const sandbox = new Sandbox();
  const variables = new Map<string, string>();
  try {
    for (const { line, command, stdout, stderr, exitCode } of steps) {
      const got = await sandbox.run(command, variables);
      const faults = [
        got.exitCode === exitCode ? '' : `exit code ${got.exitCode}, expected ${exitCode}\n`,
        describeFault('standard output', mismatch(stdout, got.stdout, variables)),
        describeFault('standard error', mismatch(stderr, got.stderr, variables)),
      ].join('');
      if (faults !== '')
        return `${name}:${line}: $ ${command}\n${faults}-- stdout\n${got.stdout}-- stderr\n${got.stderr}`;
    }
    return '';
  } finally {
    sandbox.remove();
  }
}

function describeFault(stream: string, fault: string | undefined): string {
  return fault === undefined ? '' : `${stream} ${fault}`;
}
