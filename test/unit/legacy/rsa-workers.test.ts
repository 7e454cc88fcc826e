/** RSA in worker threads: what comes back is what the calling thread would have got. */
import { generateKeyPairSync, publicEncrypt, constants, randomBytes } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { KeyStoreError } from '../../../lib/errors.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { importCapiKey } from '../../../lib/legacy/capi-key.ts';
import { RsaWorkers } from '../../../lib/legacy/rsa-workers.ts';
import { unwrapSimpleBlob, wrapSimpleBlob } from '../../../lib/legacy/simple-blob.ts';

const first = generateKeyPairSync('rsa', { modulusLength: 2048 });
const second = generateKeyPairSync('rsa', { modulusLength: 1024 });
const workers = new RsaWorkers(2);
afterAll(() => workers.close());

function blobOf(publicKey: typeof first.publicKey, key: Uint8Array): Uint8Array {
  using imported = importCapiKey(ALG_ID.CALG_AES_256, key);
  return wrapSimpleBlob(publicKey, imported);
}

describe('RsaWorkers', () => {
  it('unwraps many blobs of two keys, each as its own', async () => {
    const wanted = Array.from({ length: 200 }, () => randomBytes(32));
    const answers = await Promise.all(
      wanted.map(async (key, i) => {
        const { publicKey, privateKey } = i % 3 === 0 ? second : first;
        using found = await workers.unwrapSimpleBlob(blobOf(publicKey, key), privateKey);
        return Buffer.from(found.key.bytes);
      }),
    );
    expect(answers).toEqual(wanted);
  });

  it('fails for a wrong key, a changed block and one above the modulus as the calling thread does', async () => {
    const blob = blobOf(first.publicKey, randomBytes(32));
    const above = blob.slice().fill(0xff, 12);
    const changed = blob.slice();
    changed[40]! ^= 1;
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    const attempts = [
      [blob, other],
      [above, first.privateKey],
      [changed, first.privateKey],
      [blob, second.privateKey],
    ] as const;
    for (const [bytes, key] of attempts) {
      const there = await failureOf(workers.unwrapSimpleBlob(bytes, key));
      const here = await failureOf(unwrapSimpleBlob(bytes, key));
      expect(there).toEqual(here);
      expect(there).toMatchObject({ code: 'KEY_UNWRAP_FAILED' });
    }
  });

  it('answers RSA itself, as long as the modulus', async () => {
    const message = Buffer.concat([Buffer.alloc(1), randomBytes(255)]);
    const block = publicEncrypt(
      { key: first.publicKey, padding: constants.RSA_NO_PADDING },
      message,
    );
    using padded = await workers.decrypt(first.privateKey, block);
    expect(padded).toBeInstanceOf(SecretBytes);
    expect(Buffer.from(padded.bytes)).toEqual(message);
  });

  it('fails what waits when it is closed, and what is asked for afterwards', async () => {
    const short = new RsaWorkers(1);
    const waiting = Array.from({ length: 50 }, () =>
      failureOf(short.unwrapSimpleBlob(blobOf(first.publicKey, randomBytes(32)), first.privateKey)),
    );
    await short.close();
    waiting.push(failureOf(short.decrypt(first.privateKey, new Uint8Array(256))));
    for (const failure of await Promise.all(waiting))
      expect(failure).toMatchObject({ code: 'HANDLE_INVALID' });
  });
});

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return 'did not fail';
  } catch (error) {
    return KeyStoreError.is(error) ? error.toJSON() : error;
  }
}
