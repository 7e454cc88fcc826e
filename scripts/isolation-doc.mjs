/**
 * Writes the table of docs/ISOLATION.md from the attacks of test/proofs/isolation*.test.ts: `npm run docs:isolation`, as root on Linux. The same tests
 * fail while the page is not what they find.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { root } from './run.mjs';

const PAGE = path.join(root, 'docs', 'ISOLATION.md');
const BEGIN = '<!-- attacks: written by `npm run docs:isolation` -->';
const END = '<!-- end of the attacks -->';

const folder = mkdtempSync(path.join(tmpdir(), 'keycask-isolation-'));
try {
  const vitest = path.join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--project', 'proofs', 'test/proofs/isolation'];
  const env = { ...process.env, KEYCASK_ISOLATION_TO: folder, CI: 'true' };
  execFileSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
  const names = readdirSync(folder).toSorted();
  if (names.length === 0) throw new Error('the attacks left no rows');
  const rows = names.map((name) => readFileSync(path.join(folder, name), 'utf8'));
  const table = [
    '| the private key is used | found in memory | found on disk | usable through the socket |',
    '|---|---|---|---|',
    ...rows,
  ];
  const [before, rest] = readFileSync(PAGE, 'utf8').split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`docs/ISOLATION.md lacks its marks: ${BEGIN}`);
  writeFileSync(PAGE, `${before}${BEGIN}\n\n${table.join('\n')}\n\n${END}${after}`);
} finally {
  rmSync(folder, { recursive: true });
}
