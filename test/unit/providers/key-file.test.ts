/** A key file that was changed in any way is refused. */
import { writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { copyFile, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { equalBytes } from '../../../lib/bytes/octets.ts';
import { BlobFormatError } from '../../../lib/errors.ts';
import { decodeKeyFile, encodeKeyFile } from '../../../lib/providers/key-files/key-file.ts';
import { codeOf, codeOfAsync } from '../../support/errors.ts';
import {
  filesIn,
  keyHome,
  keyIn,
  passphrase,
  type KeyHome,
} from '../../support/software-provider.ts';

let home: KeyHome;
beforeEach(async () => {
  home = await keyHome();
});
afterEach(() => home.remove());

/** A key with every field that a key file can have. */
async function fullKey(): Promise<string> {
  await using provider = await home.open();
  const pending = await provider.createPersistedKey('ECDH_P256', 'full', 'AT_KEYEXCHANGE', {
    isolation: 'prefer-vbs',
  });
  await pending.setProperty('uiPolicy', { level: 'protect', title: 'Title' });
  await pending.setProperty('custom:b', Uint8Array.of(1, 2, 3));
  await pending.setProperty('custom:a', new Uint8Array(0));
  await pending.finalize();
  return (await filesIn(home.keys))[0]!;
}

async function opening(name = 'full'): Promise<string> {
  await using provider = await home.open();
  return await codeOfAsync(provider.openKey(name, 'AT_KEYEXCHANGE'));
}

describe('a key file', () => {
  it('has one encoding, and tells its facts without being opened', async () => {
    const bytes = await readFile(await fullKey());
    const file = decodeKeyFile(bytes);
    expect(equalBytes(encodeKeyFile(file), bytes)).toBe(true);
    expect(file.facts).toMatchObject({
      generation: 1,
      content: 'pkcs8',
      name: 'full',
      scope: 'user',
      legacyKeySpec: 'AT_KEYEXCHANGE',
      algorithm: 'ECDH_P256',
    });
    expect(file.facts.properties).toMatchObject({
      keyUsage: ['agree'],
      uiPolicy: { level: 'protect', title: 'Title' },
      isolation: 'prefer-vbs',
    });
    expect([...file.facts.properties.custom.keys()]).toEqual(['a', 'b']);
    expect(file.protector.name).toBe('machine-secret');
  });

  // Every bit: test/proofs/key-file.test.ts.
  it('is refused after a bit flip in any byte, and each refusal has a code of key files', async () => {
    const path = await fullKey();
    const good = await readFile(path);
    expect(await opening()).toBe('none');
    await using provider = await home.open();
    const codes = new Set<string>();
    for (let byte = 0; byte < good.length; byte++) {
      const bad = Buffer.from(good);
      bad[byte]! ^= 1 << (byte & 7);
      writeFileSync(path, bad);
      codes.add(await codeOfAsync(provider.openKey('full', 'AT_KEYEXCHANGE')));
    }
    expect([...codes].toSorted()).toEqual([
      'BLOB_VERSION_UNSUPPORTED',
      'KEY_FILE_DAMAGED',
      'PROTECTOR_UNAVAILABLE',
    ]);
    await writeFile(path, good);
    expect(await opening()).toBe('none');
  });

  it('is refused under a passphrase after a flip of every byte', async () => {
    const { protector } = passphrase('correct horse');
    await using writer = await home.open({ protector });
    await keyIn(writer, 'full');
    const path = (await filesIn(home.keys))[0]!;
    const good = await readFile(path);
    await using reader = await home.open({ protector: passphrase('correct horse').protector });
    expect(await codeOfAsync(reader.openKey('full', 'AT_KEYEXCHANGE'))).toBe('none');
    const codes = new Set<string>();
    for (let byte = 0; byte < good.length; byte++) {
      const bad = Buffer.from(good);
      bad[byte]! ^= 0x01;
      await writeFile(path, bad);
      codes.add(await codeOfAsync(reader.openKey('full', 'AT_KEYEXCHANGE')));
    }
    // What the passphrase key cannot unwrap looks like a wrong passphrase: nobody can tell the two apart.
    expect([...codes].toSorted()).toEqual([
      'BLOB_VERSION_UNSUPPORTED',
      'KEY_FILE_DAMAGED',
      'PASSWORD_WRONG',
      'PROTECTOR_UNAVAILABLE',
    ]);
  });

  it('is refused at every shorter length, and with a byte more', async () => {
    const path = await fullKey();
    const good = await readFile(path);
    await using provider = await home.open();
    for (let length = 0; length < good.length; length++) {
      await writeFile(path, good.subarray(0, length));
      expect(await codeOfAsync(provider.openKey('full', 'AT_KEYEXCHANGE'))).toBe(
        'KEY_FILE_DAMAGED',
      );
    }
    await writeFile(path, Buffer.concat([good, Buffer.of(0)]));
    expect(await opening()).toBe('KEY_FILE_DAMAGED');
  });

  it('is refused under the name of another key, also of the same container', async () => {
    await using provider = await home.open();
    await keyIn(provider, 'mine');
    await keyIn(provider, 'mine', 'AT_SIGNATURE');
    await keyIn(provider, 'yours');
    const paths = await filesIn(home.keys);
    const contents = await Promise.all(paths.map((path) => readFile(path)));
    for (const [n, path] of paths.entries()) await writeFile(path, contents[(n + 1) % 3]!);
    for (const [name, spec] of [
      ['mine', 'AT_KEYEXCHANGE'],
      ['mine', 'AT_SIGNATURE'],
      ['yours', 'AT_KEYEXCHANGE'],
    ] as const)
      expect(await codeOfAsync(provider.openKey(name, spec))).toBe('KEY_FILE_DAMAGED');
  });

  it('is refused in the folder of the other scope', async () => {
    await using provider = await home.open();
    await keyIn(provider, 'mine');
    await (
      await provider.createPersistedKey('ECDH_P256', 'mine', 'AT_KEYEXCHANGE', { scope: 'machine' })
    ).finalize();
    const [machine, user] = await filesIn(home.keys);
    await copyFile(machine!, user!);
    expect(await opening('mine')).toBe('KEY_FILE_DAMAGED');
  });

  it('is refused with an edited policy, whatever else is left as it was', async () => {
    const path = await fullKey();
    await using provider = await home.open();
    const key = await provider.openKey('full', 'AT_KEYEXCHANGE');
    const closed = {
      export: false,
      plaintextExport: false,
      archive: false,
      plaintextArchive: false,
    };
    await key.setProperty('exportPolicy', closed);
    const current = (await filesIn(home.keys))[0]!;
    expect(current).not.toBe(path);
    const file = decodeKeyFile(await readFile(current));
    const exportPolicy = { ...closed, plaintextExport: true };
    const edits = [
      { properties: { ...file.facts.properties, exportPolicy } },
      { properties: { ...file.facts.properties, custom: new Map() } },
      { properties: { ...file.facts.properties, isolation: 'none' as const } },
      { algorithm: 'ECDSA_P256' as const },
      { content: 'PRIVATEKEYBLOB' as const },
      { bootSecretId: new Uint8Array(16) },
    ];
    for (const edit of edits) {
      await writeFile(current, encodeKeyFile({ ...file, facts: { ...file.facts, ...edit } }));
      expect(await opening()).toMatch(/^KEY_(FILE_DAMAGED|PER_BOOT_GONE)$/);
    }
  });

  it('is refused as a newer generation of itself', async () => {
    const path = await fullKey();
    const old = await readFile(path);
    await using provider = await home.open();
    const key = await provider.openKey('full', 'AT_KEYEXCHANGE');
    await key.setProperty('custom:c', Uint8Array.of(1));
    const current = (await filesIn(home.keys))[0]!;
    await writeFile(current.replace('.2.key', '.3.key'), old);
    expect(await opening()).toBe('KEY_FILE_DAMAGED');
  });

  it('says where it is malformed, and never what lay in it', async () => {
    const path = await fullKey();
    const bytes = await readFile(path);
    bytes[2]! ^= 0xff;
    await writeFile(path, bytes);
    await using provider = await home.open();
    const error = await provider.openKey('full', 'AT_KEYEXCHANGE').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(BlobFormatError);
    expect(error).toMatchObject({ format: 'KeyFile', code: 'KEY_FILE_DAMAGED' });
  });

  it('does not hide the others in a list, but is told of at the end', async () => {
    await using provider = await home.open();
    await keyIn(provider, 'one');
    await keyIn(provider, 'two');
    await keyIn(provider, 'three');
    const paths = await filesIn(home.keys);
    await writeFile(paths[0]!, 'not a key file');
    const names: string[] = [];
    const listing = (async () => {
      for await (const { name } of provider.listKeys()) names.push(name);
    })();
    expect(await codeOfAsync(listing)).toBe('KEY_FILE_DAMAGED');
    expect(names).toHaveLength(2);
    // A file of another key under this name is no key of this name.
    await rename(paths[1]!, paths[0]!);
    expect(names).toHaveLength(2);
  });

  it.skipIf(process.platform === 'win32')(
    'is not read, nor waited for, where it is a link to something endless or a pipe',
    async () => {
      const path = await fullKey();
      await using provider = await home.open();
      await keyIn(provider, 'whole');
      const planted = [
        () => symlink('/dev/zero', path),
        () => Promise.resolve(execFileSync('mkfifo', [path])),
      ];
      for (const plant of planted) {
        await rm(path);
        await plant();
        expect(await opening()).toBe('KEY_FILE_DAMAGED');
        const names: string[] = [];
        const listing = (async () => {
          for await (const { name } of provider.listKeys()) names.push(name);
        })();
        expect(await codeOfAsync(listing)).toBe('KEY_FILE_DAMAGED');
        expect(names).toEqual(['whole']);
      }
    },
  );

  it('is not read where it is too large to be one', async () => {
    const path = await fullKey();
    await writeFile(path, new Uint8Array((9 << 20) + 1));
    expect(await opening()).toBe('KEY_FILE_DAMAGED');
    expect(codeOf(() => decodeKeyFile(new Uint8Array(0)))).toBe('BLOB_MALFORMED');
  });
});
