/** A process with a secret in its memory, hardened or not; it tells where the secret lies, and does what it is told on its standard input. */
import process from 'node:process';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { hardenProcess } from '../../../../lib/agent/harden.ts';
import { SecretBytes } from '../../../../lib/keys/secret-bytes.ts';
import { loadKoffi } from '../../../../native-bindings/koffi.ts';
import { tell } from '../../../proofs/children/tell.ts';
import { statusOf } from './status-of.ts';

const [mode] = process.argv.slice(2);
const before = statusOf('self');
const report = mode === 'hardened' ? await hardenProcess() : undefined;
const secret = new SecretBytes(32);
secret.bytes.set(Buffer.from('keycask-test-secret-in-memory-32'));
const koffi = await loadKoffi();
tell({
  report,
  address: koffi.address(secret.bytes).toString(),
  lockedKiB: [before.VmLck, statusOf('self').VmLck].map((text) => Number.parseInt(text!, 10)),
  environment: Object.keys(process.env).toSorted(),
  mask: process.umask(),
});
const lines: Record<string, () => Promise<unknown>> = {
  /** V8 gives pages back when a worker ends and when garbage is collected. */
  'make garbage': async () => {
    for (let round = 0; round < 5; round++) {
      await new Promise<void>((resolve) => {
        new Worker('', { eval: true }).once('exit', () => resolve());
      });
      const garbage = Array.from({ length: 200_000 }, (_, index) => ({ index }));
      JSON.parse(JSON.stringify(garbage));
      for (let made = 0; made < 200; made++) SecretBytes.random(32).dispose();
    }
    return 'made';
  },
};
for await (const line of createInterface({ input: process.stdin }))
  tell((await lines[line]?.()) ?? null);
