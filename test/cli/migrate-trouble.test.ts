/** What goes wrong where people migrate: many accounts, odd files, runs that meet. The whole way, through the built command line. */
import { createPublicKey, randomBytes, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { fromHex } from '../../lib/bytes/octets.ts';
import { importCapiKey } from '../../lib/legacy/capi-key.ts';
import { importLegacyPrivateKey } from '../../lib/legacy/legacy-key.ts';
import { wrapSimpleBlob } from '../../lib/legacy/simple-blob.ts';
import { describeShared, sharedJson } from '../support/shared.ts';
import { registryText } from '../support/wine-registry-text.ts';
import { Sandbox } from './support/sandbox.ts';

let box: Sandbox;
beforeEach(async () => {
  box = new Sandbox();
  await box.run('keycask init --quiet');
});
afterEach(() => box.remove());

function write(path: string, bytes: Uint8Array | string): void {
  const file = join(box.folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes, { mode: 0o600 });
}

function blobFor(publicKey: KeyObject): Uint8Array {
  using key = importCapiKey(ALG_ID.CALG_AES_256, new Uint8Array(randomBytes(32)));
  return wrapSimpleBlob(publicKey, key);
}

describeShared('a Wine prefix', () => {
  it('opens with the one of its accounts that fits, and a container that stays closed keeps back no other', async () => {
    const { vectors } = sharedJson('vectors/wine-container-protectdata.json') as {
      vectors: Record<string, string>[];
    };
    const [made] = vectors.filter(({ kind, hive }) => kind === 'wine_container' && hive === 'HKCU');
    const pair = fromHex(made!['KeyExchangeKeyPair']!)!;
    const damaged = Uint8Array.from(pair);
    damaged[damaged.length - 1]! ^= 1;
    const containerKey = (name: string, value: Uint8Array) => ({
      key: `Software\\Wine\\Crypto\\RSA\\${name}`,
      values: { KeyExchangeKeyPair: value },
    });
    const registry = [containerKey('a-damaged', damaged), containerKey('b-good', pair)];
    write('prefix/user.reg', registryText(registry));
    // Names that stand before it and after it.
    for (const user of ['Public', 'ann', 'root', 'zoe'])
      mkdirSync(join(box.folder, 'prefix/drive_c/users', user), { recursive: true });
    const privateKey = importLegacyPrivateKey(
      fromHex(made!['expect_keyexchange_privatekeyblob']!)!,
    );
    write('prefix/drive_c/letter.blob', blobFor(createPublicKey(privateKey)));
    const done = await box.run('keycask migrate prefix --json');
    const [closed, answer] = done.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(closed).toMatchObject({ error: { code: 'KEY_UNWRAP_FAILED' } });
    expect(closed.error.message).toContain('a-damaged');
    expect(answer).toMatchObject({ keysStored: 1, keysFailed: 0, failures: 1 });
  });
});
