/** Which private keys old folders give, by what is known. */
import { createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { encodePlaintextKeyBlob } from '../../../lib/blobs/plaintext-key-blob.ts';
import { encodePvk } from '../../../lib/blobs/pvk.ts';
import { rsaPrivateKeyToBlob } from '../../../lib/keys/rsa-key-blob.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { importCapiKey } from '../../../lib/legacy/capi-key.ts';
import { capiEncrypt } from '../../../lib/legacy/cipher.ts';
import { sealPvk } from '../../../lib/legacy/pvk.ts';
import { inventory } from '../../../lib/migration/inventory.ts';
import { KeysAtHand } from '../../../lib/migration/keys-at-hand.ts';
import type { LegacySecrets } from '../../../lib/migration/legacy-secrets.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';
import { makeWindowsProfile, wrapForDomain } from '../../support/windows-profile.ts';

const SID = 'S-1-5-21-1004336348-1177238915-682003330-1001';
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pkcs8 = new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }));
using privateBlob = rsaPrivateKeyToBlob(pkcs8, ALG_ID.CALG_RSA_KEYX);
const blob = Uint8Array.from(privateBlob.bytes);

const made: TemporaryFolder[] = [];
afterAll(() => Promise.all(made.map((folder) => folder.remove())));

async function folderOfOwn(): Promise<string> {
  const folder = await temporaryFolder();
  made.push(folder);
  return folder.path;
}

const password = (text: string): SecretBytes => SecretBytes.copy(new TextEncoder().encode(text));

function write(folder: string, files: Record<string, Uint8Array | string>): string {
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

async function find(paths: readonly string[], secrets: LegacySecrets = {}) {
  using found = await KeysAtHand.find(await inventory(paths), secrets);
  const keys = found.privateKeys.map((key) => ({ ...key.origin, isOurs: isOurs(key.privateKey) }));
  return { keys, closed: found.closed.map(({ error }) => error.code) };
}

function pvkOf(keyBlob: Uint8Array): Uint8Array {
  return encodePvk({ keySpec: 1, encryptedFlag: 0, salt: new Uint8Array(0), keyBlob });
}

function isOurs(key: KeyObject): boolean {
  return createPublicKey(key).equals(createPublicKey(privateKey));
}

describe('files of one private key', () => {
  it('opens each format that holds the key', async () => {
    const folder = write(await folderOfOwn(), {
      'a.blob': blob,
      'b.der': pkcs8,
      'c.pem': privateKey.export({ format: 'pem', type: 'pkcs1' }),
      'd.pvk': pvkOf(blob),
    });
    const { keys, closed } = await find([folder]);
    expect(closed).toEqual([]);
    expect(keys).toHaveLength(4);
    expect(keys.every((key) => key.isOurs)).toBe(true);
  });

  it('opens encrypted PVK, PKCS#8 and PEM with the one password of several that fits, and says what stays closed without', async () => {
    const text = 'Straße 7';
    using ansi = SecretBytes.take(Buffer.from(text, 'latin1'));
    const encrypted = { cipher: 'aes-256-cbc', passphrase: text } as const;
    const folder = write(await folderOfOwn(), {
      'a.pvk': await sealPvk(blob, { keySpec: 1, password: ansi.bytes, protection: 'weak' }),
      'b.der': new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8', ...encrypted })),
      'c.pem': privateKey.export({ format: 'pem', type: 'pkcs8', ...encrypted }),
    });
    const open = await find([folder], { passwords: [password('wrong'), password(text)] });
    expect(open).toMatchObject({ closed: [] });
    expect(open.keys.map((key) => key.isOurs)).toEqual([true, true, true]);
    expect(await find([folder])).toEqual({
      keys: [],
      closed: ['PASSWORD_REQUIRED', 'PASSWORD_REQUIRED', 'PASSWORD_REQUIRED'],
    });
    expect(await find([folder], { passwords: [password('wrong')] })).toEqual({
      keys: [],
      closed: ['PASSWORD_WRONG', 'PASSWORD_WRONG', 'PASSWORD_WRONG'],
    });
  });

  it('opens a PRIVATEKEYBLOB that is under a session key which lies beside it', async () => {
    const raw = new Uint8Array(randomBytes(24));
    using key = importCapiKey(ALG_ID.CALG_3DES, raw);
    const sealed = Buffer.concat([blob.subarray(0, 8), await capiEncrypt(key, blob.subarray(8))]);
    const folder = write(await folderOfOwn(), {
      'key.blob': sealed,
      'wrapping.key': encodePlaintextKeyBlob({ algId: ALG_ID.CALG_3DES, key: raw }),
    });
    const { keys, closed } = await find([folder]);
    expect(closed).toEqual([]);
    expect(keys.map(({ isOurs: ours }) => ours)).toEqual([true]);
  });
});

describe('a copied profile', () => {
  const secrets = (): LegacySecrets => ({ passwords: [password('secret')] });

  it('gives its containers, with slot, scope and owner, when Protect and Crypto are named apart', async () => {
    const folder = await folderOfOwn();
    await makeWindowsProfile(folder, {
      sid: SID,
      password: 'secret',
      capi: [{ name: 'Archive', exchange: privateKey }],
    });
    const microsoft = join(folder, 'AppData/Roaming/Microsoft');
    const apart = [join(microsoft, 'Crypto'), join(microsoft, 'Protect')];
    const { keys, closed } = await find(apart, secrets());
    expect(closed).toEqual([]);
    expect(keys).toMatchObject([
      { container: 'Archive', slot: 'exchange', scope: 'user', sid: SID, isOurs: true },
    ]);
  });

  it('opens with the backup key of the domain that lies among the files, an encrypted PVK beside it does no harm', async () => {
    const folder = await folderOfOwn();
    const domain = generateKeyPairSync('rsa', { modulusLength: 2048 });
    using domainBlob = rsaPrivateKeyToBlob(
      new Uint8Array(domain.privateKey.export({ format: 'der', type: 'pkcs8' })),
      ALG_ID.CALG_RSA_KEYX,
    );
    await makeWindowsProfile(folder, {
      sid: SID,
      password: 'forgotten',
      capi: [{ name: 'Archive', exchange: privateKey }],
      sections: async (masterKey) => ({
        domainKey: wrapForDomain(masterKey, domain.privateKey, {
          version: 2,
          backupKeyGuid: '11111111-2222-3333-4444-555555555555',
        }),
      }),
    });
    write(folder, {
      'domain.pvk': pvkOf(domainBlob.bytes),
      'other.pvk': await sealPvk(blob, {
        keySpec: 1,
        password: new TextEncoder().encode('unknown'),
        protection: 'strong',
      }),
    });
    const { keys, closed } = await find([folder]);
    expect(closed).toEqual(['PASSWORD_REQUIRED']);
    expect(keys).toContainEqual(expect.objectContaining({ container: 'Archive', isOurs: true }));
  });

  it('names the master key that no secret opens', async () => {
    const folder = await folderOfOwn();
    const { guid } = await makeWindowsProfile(folder, {
      sid: SID,
      password: 'another',
      capi: [{ name: 'Archive', exchange: privateKey }],
    });
    using found = await KeysAtHand.find(await inventory([folder]), secrets());
    expect(found.closed).toMatchObject([{ error: { code: 'PASSWORD_WRONG' } }]);
    expect(found.closed[0]!.error.message).toContain(guid);
  });
});
