/** An auditor without keycask: openssl verifies a log's checkpoints, docs/verify-log-proof.py its proofs. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findAmong } from '../../lib/messages/verify-message.ts';
import {
  encodeConsistencyProof,
  encodeInclusionProof,
  MemoryLogStorage,
  SignedLog,
} from '../../lib/signed-log/index.ts';
import { openssl, pemOf } from '../support/openssl.ts';
import { flipped, LOG_ID, someLeaves } from '../support/signed-log.ts';
import { testIdentity } from '../support/signing-identity.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../../docs/verify-log-proof.py', import.meta.url));
const LEAVES = someLeaves(700);

/** Left out where one of the two is absent, except under CI=true, where the tests then fail. */
const hasPeers =
  process.env['KEYCASK_HAVE_OPENSSL'] === '1' && process.env['KEYCASK_PYTHON'] !== undefined;
const describePeers = hasPeers || process.env['CI'] === 'true' ? describe : describe.skip;

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const write = (name: string, bytes: Uint8Array | string): Promise<void> =>
  writeFile(join(folder.path, name), bytes);

/** Writes what openssl finds signed in a checkpoint to a file. */
async function verify(checkpoint: Uint8Array, out: string): Promise<void> {
  await write('checkpoint.cms', checkpoint);
  const arguments_ =
    'cms -verify -binary -inform DER -in checkpoint.cms -nointern -certfile signer.pem -noverify';
  await openssl(folder.path, ...arguments_.split(' '), '-out', out);
}

async function holds(...args: readonly string[]): Promise<boolean> {
  try {
    const { stdout } = await run(process.env['KEYCASK_PYTHON'] ?? 'python3', [SCRIPT, ...args], {
      cwd: folder.path,
    });
    return stdout === 'ok\n';
  } catch {
    return false;
  }
}

describePeers('openssl and Python', () => {
  it.each(['p-256', 'p-384', 'rsa-2048'] as const)(
    'verify checkpoints signed with %s and the proofs under them, and no changed ones',
    async (kind) => {
      const identity = await testIdentity(kind);
      const author = { identity, clock: () => new Date('2026-03-01T12:00:00Z') };
      const findSigner = findAmong([identity]);
      await using log = await SignedLog.open({
        storage: new MemoryLogStorage(),
        logId: LOG_ID,
        findSigner,
      });
      const older = (await log.append(LEAVES.slice(0, 300), author)).checkpoint;
      const newer = (await log.append(LEAVES.slice(300), author)).checkpoint;
      await write('signer.pem', pemOf('CERTIFICATE', identity.certificate));
      await verify(older.bytes, 'older');
      await verify(newer.bytes, 'newer');
      await expect(verify(flipped(newer.bytes, 8 * 90), 'forged')).rejects.toThrow(
        'Verification failure',
      );

      const proof = encodeConsistencyProof(await log.proveConsistency(300));
      await write('proof', proof);
      expect(await holds('consistency', 'older', 'newer', 'proof')).toBe(true);
      expect(await holds('consistency', 'newer', 'older', 'proof')).toBe(false);
      await write('forged', flipped(proof, 8 * (proof.length - 1)));
      expect(await holds('consistency', 'older', 'newer', 'forged')).toBe(false);

      for (const index of [0, 255, 256, 699]) {
        await write('leaf', LEAVES[index]!);
        await write('proof', encodeInclusionProof(await log.proveInclusion(index)));
        expect(await holds('inclusion', 'newer', 'proof', 'leaf')).toBe(true);
        expect(await holds('inclusion', 'older', 'proof', 'leaf')).toBe(false);
        await write('forged', flipped(LEAVES[index]!, 0));
        expect(await holds('inclusion', 'newer', 'proof', 'forged')).toBe(false);
      }
      expect((await readFile(join(folder.path, 'newer'))).length).toBeLessThan(80);
    },
  );
});
