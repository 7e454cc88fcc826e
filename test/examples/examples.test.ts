/** Every example runs and prints what its last comment says; the README's first program is the first example; the demonstration runs. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLES = readdirSync(path.join(ROOT, 'examples')).filter((name) => name.endsWith('.ts'));

let temporary: string;
beforeAll(() => {
  temporary = mkdtempSync(path.join(tmpdir(), 'keycask-examples-'));
});
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

describe('an example prints what its last comment says', () => {
  test('and there are eight of them, counted from 01', () => {
    expect(EXAMPLES.map((name) => name.slice(0, 2))).toEqual([
      '01',
      '02',
      '03',
      '04',
      '05',
      '06',
      '07',
      '08',
    ]);
  });

  test.for(EXAMPLES.filter(runsHere))('%s', async (name) => {
    const folder = process.env['KEYCASK_PACKAGE']!;
    const file = path.join(folder, 'examples', name);
    expect(await outputOf([file], folder)).toBe(expectedOutput(readFileSync(file, 'utf8')));
  });
});

test("the README's first program is the first example, and its output stands below it", () => {
  const example = readFileSync(path.join(ROOT, 'examples', EXAMPLES[0]!), 'utf8');
  const blocks = [
    ...readFileSync(path.join(ROOT, 'README.md'), 'utf8').matchAll(/^```(\w*)\n(.*?)^```$/gmsu),
  ];
  expect(blocks[0]?.[1]).toBe('ts');
  expect(blocks[0]?.[2]?.trim()).toBe(example.slice(0, example.indexOf(OUTPUT)).trim());
  expect(blocks[1]?.[2]).toBe(expectedOutput(example));
});

test('the demonstration restores a real file, and every attack in it is refused', async () => {
  const output = await outputOf([path.join(ROOT, 'scripts', 'demo.ts')], ROOT);
  expect(output).toMatch(/compare with the original: the same \d+ bytes/u);
  const refusals = output.match(/refused, \w+ 0x[0-9A-F]{8}/gu);
  expect(refusals?.length).toBeGreaterThan(1);
  expect(output).not.toContain('ACCEPTED');
});

const OUTPUT = '// Output:\n';

/** The eighth reads what Linux tells of other processes. */
function runsHere(name: string): boolean {
  return process.platform === 'linux' || !name.startsWith('08');
}

/** What the comment at the end of an example says that it prints. */
function expectedOutput(source: string): string {
  const at = source.indexOf(OUTPUT);
  expect(at).toBeGreaterThan(0);
  return source.slice(at + OUTPUT.length).replaceAll(/^\/\/ ?/gmu, '');
}

/** Standard output of a TypeScript program that must succeed and say nothing else. */
async function outputOf(args: readonly string[], cwd: string): Promise<string> {
  // By its path: in the package's folder there is no tsx.
  const tsx = import.meta.resolve('tsx');
  const env = { ...process.env, TMPDIR: temporary, TEMP: temporary };
  const { stdout, stderr } = await run(process.execPath, ['--import', tsx, ...args], { cwd, env });
  expect(stderr).toBe('');
  return stdout;
}
