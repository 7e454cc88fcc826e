/** What importing the built package costs a process that would otherwise do nothing. Needs `npm run build:js`. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { bench, describe } from 'vitest';
import { median } from './ratio.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LIMIT_MS = 40;
const RUNS = 31;
/** A child tells at its very end what CPU time it took, threads and start included. */
const TELL =
  'const { user, system } = process.cpuUsage(); process.stdout.write(String((user + system) / 1000));';

/** Of one process, or of its difference to another. */
interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

function costOf(source: string): Cost {
  const start = performance.now();
  const options = { cwd: ROOT, encoding: 'utf8' } as const;
  const program = ['--input-type=module', '-e', `${source};${TELL}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, program, options);
  if (status !== 0) throw new TypeError(stderr);
  return { wallMs: performance.now() - start, cpuMs: Number(stdout) };
}

/** Median of the differences of neighbouring runs, so that what slows the machine for a while slows both. */
function overBareNode(source: string): Cost {
  const pairs = Array.from({ length: RUNS }, () => ({ bare: costOf(''), ours: costOf(source) }));
  return {
    wallMs: median(pairs.map(({ bare, ours }) => ours.wallMs - bare.wallMs)),
    cpuMs: median(pairs.map(({ bare, ours }) => ours.cpuMs - bare.cpuMs)),
  };
}

if (!existsSync(new URL('../dist/index.js', import.meta.url)))
  throw new TypeError('there is no dist/: run `npm run build:js` first');

describe('a new process', () => {
  console.log(
    `bare node: ${median(Array.from({ length: RUNS }, () => costOf('').cpuMs)).toFixed(1)} ms of CPU`,
  );
  for (const entry of ['keycask', 'keycask/blobs', 'keycask/records']) {
    const { wallMs, cpuMs } = overBareNode(`import ${JSON.stringify(entry)}`);
    // By CPU time, which other processes on the machine change little: a module is read from the disk cache and waits for nothing.
    const verdict = cpuMs <= LIMIT_MS ? 'ok' : 'TOO SLOW';
    console.log(
      `import of ${entry}: ${cpuMs.toFixed(1)} ms of CPU over bare node (limit ${LIMIT_MS}) ${verdict}; ${wallMs.toFixed(1)} ms by the clock`,
    );
  }

  const once = { iterations: 5, time: 0, warmupIterations: 1, warmupTime: 0 };
  bench('node', () => void costOf(''), once);
  bench('node that imports keycask', () => void costOf("import 'keycask'"), once);
});
