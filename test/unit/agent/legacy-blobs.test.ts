/** Unsigned SIMPLEBLOBs through an agent: off, or without an answer that tells whether a blob was good. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { decodeSimpleBlob, encodeSimpleBlob } from '../../../lib/blobs/simple-blob.ts';
import { AGENT_RIGHTS, type AgentOptions } from '../../../lib/agent/index.ts';
import { wrapRsaPkcs1 } from '../../../lib/keys/rsa-pkcs1.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { parsePublicKey } from '../../../lib/keys/signature.ts';
import type { IsolatedKey } from '../../../lib/providers/isolated/index.ts';
import { exchangeKey, startTestAgent } from '../../support/agent.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const ALL = [{ users: 'all', rights: AGENT_RIGHTS }] as const;

function blobFor(
  key: IsolatedKey,
  sessionKey: Uint8Array,
  algId: number = ALG_ID.CALG_AES_256,
): Uint8Array {
  using secret = SecretBytes.copy(sessionKey);
  return encodeSimpleBlob({
    algId,
    encryptedKey: wrapRsaPkcs1(parsePublicKey(key.publicKey), secret),
  });
}

function broken(blob: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(blob);
  changed[100]! ^= 1;
  return changed;
}

async function decryptOnly(name: string, options: Partial<AgentOptions>) {
  const server = await startTestAgent({ access: ALL, ...options });
  const key = await exchangeKey(await server.open(), name, 'RSA');
  await key.setProperty('keyUsage', ['decrypt']);
  return { server, key };
}

async function hexOf(promise: Promise<SecretBytes>): Promise<string> {
  using secret = await promise;
  return Buffer.from(secret.bytes).toString('hex');
}

describe('an unsigned blob', () => {
  it('is not opened unless the agent’s settings name the key', async () => {
    const folder = await temporaryFolder();
    const legacyBlobs = { keys: ['old-*'], secretFile: join(folder.path, 'secret') };
    for (const options of [{}, { legacyBlobs }]) {
      const { server, key } = await decryptOnly('archive', options);
      await using _ = server;
      expect(await codeOfAsync(key.unwrapLegacyBlob(blobFor(key, randomBytes(32))))).toBe(
        'AGENT_ACCESS_DENIED',
      );
    }
    await folder.remove();
  });

  it('is never opened by a key that also signs', async () => {
    const folder = await temporaryFolder();
    const legacyBlobs = { keys: ['*'], secretFile: join(folder.path, 'secret') };
    await using server = await startTestAgent({ access: ALL, legacyBlobs });
    const key = await exchangeKey(await server.open(), 'both', 'RSA');
    expect(await codeOfAsync(key.unwrapLegacyBlob(blobFor(key, randomBytes(32))))).toBe(
      'EXPORT_FORBIDDEN',
    );
    await folder.remove();
  });

  it('is opened where it is enabled; a bad one has a key too: the same each time, of the right length, also after a restart', async () => {
    const folder = await temporaryFolder();
    const legacyBlobs = {
      keys: ['old-*'],
      secretFile: join(folder.path, 'secret'),
      perMinute: 600,
    };
    const { server, key } = await decryptOnly('old-1', { legacyBlobs });
    await using _ = server;
    const sessionKey = randomBytes(32);
    const blob = blobFor(key, sessionKey);
    expect(await hexOf(key.unwrapLegacyBlob(blob))).toBe(sessionKey.toString('hex'));
    const fake = await hexOf(key.unwrapLegacyBlob(broken(blob)));
    expect(fake).toHaveLength(64);
    expect(await hexOf(key.unwrapLegacyBlob(broken(blob)))).toBe(fake);
    const other = broken(broken(blobFor(key, sessionKey)));
    other[120]! ^= 1;
    expect(await hexOf(key.unwrapLegacyBlob(other))).not.toBe(fake);
    // A key of another length than the algorithm's is as bad as a broken block.
    expect(await hexOf(key.unwrapLegacyBlob(blobFor(key, randomBytes(16))))).toHaveLength(64);
    const rc4 = broken(blobFor(key, randomBytes(16), ALG_ID.CALG_RC4));
    // RC4's keys have 5 to 16 bytes.
    expect(await hexOf(key.unwrapLegacyBlob(rc4))).toMatch(/^[0-9a-f]{10,32}$/);
    expect(await codeOfAsync(key.unwrapLegacyBlob(blob.subarray(0, 11)))).toBe('BLOB_MALFORMED');
    // The secret stays, and the key is the same one.
    await server.agent.lock();
    await server.agent.unlock(new SecretBytes(0));
    expect(await hexOf(key.unwrapLegacyBlob(broken(blob)))).toBe(fake);
    // No line of the log tells which of them was good.
    const lines = (await server.audit()).filter(
      ({ op, outcome }) => op === 'unwrapLegacyBlob' && outcome === 'ok',
    );
    expect(lines).toHaveLength(7);
    await folder.remove();
  });

  it('has one key whatever algorithm is said to be its own, as a good one does', async () => {
    const folder = await temporaryFolder();
    const legacyBlobs = { keys: ['*'], secretFile: join(folder.path, 'secret'), perMinute: 600 };
    const { server, key } = await decryptOnly('old', { legacyBlobs });
    await using _ = server;
    // The same block, under other headers.
    const under = (blob: Uint8Array, algId: number) => {
      const { encryptedKey } = decodeSimpleBlob(blob);
      return hexOf(key.unwrapLegacyBlob(encodeSimpleBlob({ algId, encryptedKey })));
    };
    const sessionKey = randomBytes(16);
    const good = blobFor(key, sessionKey, ALG_ID.CALG_RC4);
    for (const blob of [good, broken(good)])
      expect(await under(blob, ALG_ID.CALG_RC2)).toBe(await under(blob, ALG_ID.CALG_RC4));
    expect(await under(good, ALG_ID.CALG_AES_128)).toBe(sessionKey.toString('hex'));
    expect(await under(broken(good), ALG_ID.CALG_AES_192)).toBe(
      await under(broken(good), ALG_ID.CALG_3DES),
    );
    await folder.remove();
  });

  it('takes as long as a good one', async () => {
    const folder = await temporaryFolder();
    const legacyBlobs = { keys: ['*'], secretFile: join(folder.path, 'secret'), perMinute: 6000 };
    const { server, key } = await decryptOnly('old', { legacyBlobs });
    await using _ = server;
    const good = blobFor(key, randomBytes(32));
    const times: [number[], number[]] = [[], []];
    for (let n = 0; n < 40; n++)
      for (const [which, blob] of [good, broken(good)].entries()) {
        const start = performance.now();
        (await key.unwrapLegacyBlob(blob)).dispose();
        times[which]!.push(performance.now() - start);
      }
    // A busy machine makes some of each kind longer, and none shorter.
    const [quickestGood, quickestBad] = times.map((all) => Math.min(...all));
    // Timers count whole milliseconds, and come a part of one too early.
    expect(quickestGood).toBeGreaterThan(19);
    // Both wait for the same multiple of 20 ms; what is left is the socket and the timer.
    expect(Math.abs(quickestGood! - quickestBad!)).toBeLessThan(4);
    await folder.remove();
  });

  it('is opened only so often', async () => {
    const folder = await temporaryFolder();
    const legacyBlobs = { keys: ['*'], secretFile: join(folder.path, 'secret'), perMinute: 5 };
    const { server, key } = await decryptOnly('old', { legacyBlobs });
    await using _ = server;
    const blob = blobFor(key, randomBytes(32));
    const codes = [];
    for (let n = 0; n < 8; n++)
      codes.push(await codeOfAsync(key.unwrapLegacyBlob(n % 2 === 0 ? blob : broken(blob))));
    expect(codes.slice(0, 5)).toEqual(['none', 'none', 'none', 'none', 'none']);
    expect(codes.slice(5)).toEqual(['AGENT_BUSY', 'AGENT_BUSY', 'AGENT_BUSY']);
    await folder.remove();
  });
});
