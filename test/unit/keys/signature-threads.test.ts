/** Signatures that are verified in threads: what verifySignature says, whatever becomes of a thread. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SignatureScheme } from '../../../lib/cms/algorithms.ts';
import { SignatureThreads } from '../../../lib/keys/signature-threads.ts';
import { signMessage, verifySignature } from '../../../lib/keys/signature.ts';

const MORE_THAN_FEW = 400;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const PAIRS = {
  'rsa-pkcs1-sha256': rsa,
  'rsa-pss-sha256': rsa,
  'ecdsa-sha256': p256,
  'ecdsa-sha384': p384,
} as const;
const SCHEMES = Object.keys(PAIRS) as SignatureScheme[];

type Asked = Parameters<typeof verifySignature>;

/** Of every scheme in turn, and in turn whole, changed, cut off, by another key, and of another kind of key. */
async function signatures(count: number): Promise<Asked[]> {
  const whole = await Promise.all(
    SCHEMES.map(async (scheme): Promise<Asked> => {
      const { privateKey, publicKey } = PAIRS[scheme];
      const message = new TextEncoder().encode(`signed with ${scheme}`);
      const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
      return [spki, scheme, message, await signMessage(privateKey, scheme, message)];
    }),
  );
  return Array.from({ length: count }, (_, i) => {
    const [spki, scheme, message, signature] = whole[i % whole.length]!;
    switch (Math.floor(i / whole.length) % 5) {
      case 1:
        return [spki, scheme, new Uint8Array([...message, 0]), signature];
      case 2:
        return [spki, scheme, message, signature.subarray(1)];
      case 3:
        return [whole[(i + 1) % whole.length]![0], scheme, message, signature];
      case 4:
        return [spki, scheme, message, new Uint8Array(0)];
      default:
        return [spki, scheme, message, signature];
    }
  });
}

describe('signatures that are verified in threads', () => {
  it('fit where they fit in this thread, in the order in which they were asked', async () => {
    const asked = await signatures(MORE_THAN_FEW + 200);
    await using threads = new SignatureThreads(3);
    const fits = await Promise.all(asked.map((each) => threads.verify(...each)));
    expect(fits).toEqual(asked.map((each) => verifySignature(...each)));
    expect(new Set(fits)).toEqual(new Set([true, false]));
    expect(threads.size).toBe(3);
  });

  it('start no thread where they are few, or where one is wanted', async () => {
    const asked = await signatures(20);
    await using threads = new SignatureThreads(8);
    await using one = new SignatureThreads(1);
    for (const each of asked) {
      expect(await threads.verify(...each)).toBe(verifySignature(...each));
      for (let n = 0; n < 20; n++) await one.verify(...each);
    }
    expect([threads.size, one.size]).toEqual([0, 0]);
  });

  it('are verified in this thread where the threads are ended under them', async () => {
    const asked = await signatures(MORE_THAN_FEW + 200);
    const threads = new SignatureThreads(2);
    const fits = Promise.all(asked.map((each) => threads.verify(...each)));
    // The batches are with the threads by now, and not answered: a thread takes longer to start.
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(threads.size).toBe(2);
    await threads.close();
    expect(await fits).toEqual(asked.map((each) => verifySignature(...each)));
    expect(await threads.verify(...asked[0]!)).toBe(true);
  });
});
