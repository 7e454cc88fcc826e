/** Keys of the cng provider beyond the conformance suite: other processes, other applications, refusals, and what Windows itself enforces. */
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NCrypt } from '../../native-bindings/ncrypt.ts';
import {
  NCRYPT_EXPORT_POLICY_PROPERTY,
  NCRYPT_KEY_USAGE_PROPERTY,
  NCRYPT_PERSIST_FLAG,
} from '../../native-bindings/ncrypt-constants.ts';
import { BCRYPT_ECCPRIVATE_BLOB } from '../../native-bindings/bcrypt-constants.ts';
import type { Handle } from '../../native-bindings/windows-dll.ts';
import { toHex } from '../../lib/bytes/octets.ts';
import type { LegacyKeySpec, PersistedKeyInfo, Provider } from '../../lib/contracts/provider.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { openCngProvider } from '../../lib/providers/cng/index.ts';
import { nativeNameOf } from '../../lib/providers/windows/native-name.ts';
import { message } from '../../lib/testing/provider/test-messages.ts';
import { keepsKeys, makeKey, newName, withRawProvider } from '../support/cng.ts';
import { codeOfAsync } from '../support/errors.ts';
import { forkTest, race } from '../support/fork.ts';
import { useOwnKeys } from '../support/own-keys.ts';

const CHILD = 'windows/children/cng-process.ts';
const FACTS = 'keycask facts';
const NOTHING = { export: false, plaintextExport: false, archive: false, plaintextArchive: false };

useOwnKeys();

let provider: Provider;
beforeEach(async () => {
  provider = await openCngProvider();
});
afterEach(() => provider.close());

/** A key as another application makes it: P-256, for signatures. */
function makeForeign(name: string, legacyKeySpec: number, prepare?: Prepare): Promise<void> {
  return withRawProvider(async (ncrypt, raw) => {
    const key = ncrypt.createPersistedKey(raw, 'ECDSA_P256', { name, legacyKeySpec });
    await ncrypt.finalizeKey(key, 0);
    prepare?.(ncrypt, key);
    ncrypt.freeObject(key);
  });
}

type Prepare = (ncrypt: NCrypt, key: Handle) => void;

/** What bare calls find under a native name. */
function look<Result>(nativeName: string, work: (ncrypt: NCrypt, key: Handle) => Result) {
  return withRawProvider((ncrypt, raw) => {
    const key = ncrypt.openKey(raw, nativeName, 0, 0);
    try {
      return work(ncrypt, key);
    } finally {
      ncrypt.freeObject(key);
    }
  });
}

async function listed(name: string): Promise<PersistedKeyInfo[]> {
  const found: PersistedKeyInfo[] = [];
  for await (const info of provider.listKeys())
    if (info.name.toLowerCase() === name.toLowerCase()) found.push(info);
  return found;
}

describe.skipIf(!keepsKeys)('a key that another process has', () => {
  it('made opens here, and one made here opens there', async () => {
    const [theirs, mine] = [newName(), newName()];
    const [made] = await race<string>([await forkTest(CHILD, ['make', theirs])]);
    const key = await provider.openKey(theirs, 'AT_SIGNATURE');
    expect(toHex(key.publicKey)).toBe(made);
    const own = await makeKey(provider, mine);
    const toSign = message('ecdsa-sha256');
    const child = await forkTest(CHILD, ['sign', mine, toHex(toSign.bytes)]);
    const [signature] = await race<string>([child]);
    const publicKey = createPublicKey({
      key: Buffer.from(own.publicKey),
      format: 'der',
      type: 'spki',
    });
    expect(verify('sha256', toSign.bytes, publicKey, Buffer.from(signature!, 'hex'))).toBe(true);
    await Promise.all([key.delete(), own.delete()]);
  });

  it('changes at the same time loses nothing', async () => {
    const name = newName();
    const key = await makeKey(provider, name);
    const children = await Promise.all(
      ['a', 'b', 'c'].map((letter) => forkTest(CHILD, ['change', name, letter])),
    );
    expect(await race<string>(children)).toEqual(['changed', 'changed', 'changed']);
    for (const letter of ['a', 'b', 'c'])
      for (let round = 0; round < 5; round++)
        expect(await key.getProperty(`custom:${letter}${round}`)).toEqual(Uint8Array.of(round));
    await key.delete();
  });
});

describe.skipIf(!keepsKeys)('a key of another application', () => {
  it.each([
    [0, 'none'],
    [1, 'AT_KEYEXCHANGE'],
    [2, 'AT_SIGNATURE'],
  ] as const)('with dwLegacyKeySpec %i is found by its own name', async (number, spec) => {
    const name = `${newName()} With Capitals`;
    await makeForeign(name, number);
    const [info] = await listed(name);
    expect(info).toMatchObject({ name, legacyKeySpec: spec, algorithm: 'ECDSA_P256' });
    const key = await provider.openKey(name, spec);
    expect(key.publicKey).toEqual(info!.publicKey);
    expect(await key.getProperty('exportPolicy')).toEqual(NOTHING);
    expect(await key.getProperty('keyUsage')).toEqual(['sign']);
    expect((await key.sign(message('ecdsa-sha256'))).length).toBeGreaterThan(60);
    expect(await codeOfAsync(key.exportKey('pkcs8'))).toBe('EXPORT_FORBIDDEN');
    await key.setProperty('custom:note', Uint8Array.of(7));
    const again = await provider.openKey(name, spec);
    expect(await again.getProperty('custom:note')).toEqual(Uint8Array.of(7));
    expect(await codeOfAsync(makeKeyOf(name, spec))).toBe('CONTAINER_EXISTS');
    await key.delete();
    expect(await listed(name)).toEqual([]);
  });

  const makeKeyOf = (name: string, spec: LegacyKeySpec) =>
    provider.createPersistedKey(spec === 'AT_KEYEXCHANGE' ? 'ECDH_P256' : 'ECDSA_P256', name, spec);

  it('is one key to Windows in whatever case, and not keycask’s own of another case', async () => {
    const name = newName();
    await makeForeign(name.toUpperCase(), 0);
    const key = await provider.openKey(name, 'none');
    const same = await provider.openKey(name.toUpperCase(), 'none');
    expect(same.publicKey).toEqual(key.publicKey);
    // Of a key that keycask made, the name counts as it was given.
    const own = newName();
    const made = await makeKey(provider, own);
    expect(await codeOfAsync(provider.openKey(own.toUpperCase(), 'AT_SIGNATURE'))).toBe(
      'CONTAINER_NOT_FOUND',
    );
    await Promise.all([key.delete(), made.delete()]);
  });

  it('is not believed what was copied to it: facts of another key', async () => {
    const [own, other] = [newName(), newName()];
    const pending = await provider.createPersistedKey('ECDSA_P256', own, 'none');
    const key = await pending.finalize();
    const facts = await look(`${own}~none`, (ncrypt, found) => ncrypt.getProperty(found, FACTS));
    await makeForeign(other, 0, (ncrypt, found) =>
      ncrypt.setProperty(found, FACTS, facts, NCRYPT_PERSIST_FLAG),
    );
    const foreign = await provider.openKey(other, 'none');
    expect(foreign.publicKey).not.toEqual(key.publicKey);
    expect(await foreign.getProperty('exportPolicy')).toEqual(NOTHING);
    expect((await listed(other)).map(({ name }) => name)).toEqual([other]);
    expect((await listed(own)).map(({ publicKey }) => publicKey)).toEqual([key.publicKey]);
    await Promise.all([foreign.delete(), key.delete()]);
  });

  it.each([
    ['cut', (facts: Uint8Array) => facts.subarray(0, 40)],
    ['nothing', () => new Uint8Array(0)],
    ['something else', () => Uint8Array.of(0x30, 0)],
  ])(
    'whose facts are %s is damaged, and holds its name until it is overwritten',
    async (_, lie) => {
      const name = newName();
      const made = await makeKey(provider, name);
      await look(`${name}~signature`, (ncrypt, found) => {
        const facts = ncrypt.getProperty(found, FACTS);
        ncrypt.setProperty(found, FACTS, lie(facts), NCRYPT_PERSIST_FLAG);
      });
      expect(await codeOfAsync(provider.openKey(name, 'AT_SIGNATURE'))).toBe('KEY_FILE_DAMAGED');
      expect(await codeOfAsync(makeKeyOf(name, 'AT_SIGNATURE'))).toBe('CONTAINER_EXISTS');
      expect(await codeOfAsync(listed(name))).toBe('KEY_FILE_DAMAGED');
      expect(await codeOfAsync(made.setProperty('keyUsage', ['sign']))).toBe('KEY_FILE_DAMAGED');
      const options = { overwrite: true };
      const pending = await provider.createPersistedKey(
        'ECDSA_P256',
        name,
        'AT_SIGNATURE',
        options,
      );
      const fresh = await pending.finalize();
      expect(fresh.publicKey).not.toEqual(made.publicKey);
      await fresh.delete();
    },
  );

  it('can be overwritten when that is asked for, and is gone then', async () => {
    const name = `${newName()} Capital`;
    await makeForeign(name, 2);
    const before = await provider.openKey(name, 'AT_SIGNATURE');
    const options = { overwrite: true };
    const pending = await provider.createPersistedKey('ECDSA_P256', name, 'AT_SIGNATURE', options);
    const key = await pending.finalize();
    expect(key.publicKey).not.toEqual(before.publicKey);
    expect((await listed(name)).map(({ publicKey }) => publicKey)).toEqual([key.publicKey]);
    await key.delete();
    expect(await codeOfAsync(provider.openKey(name, 'AT_SIGNATURE'))).toBe('CONTAINER_NOT_FOUND');
  });
});

describe.skipIf(!keepsKeys)('what Windows itself refuses', () => {
  it('is what the properties do not allow, once they were narrowed', async () => {
    const name = newName();
    const pending = await provider.createPersistedKey('RSA', name, 'AT_KEYEXCHANGE');
    await pending.setProperty('length', 2048);
    const key = await pending.finalize();
    const dwords = () =>
      look(name, (ncrypt, found) =>
        [NCRYPT_EXPORT_POLICY_PROPERTY, NCRYPT_KEY_USAGE_PROPERTY].map((property) =>
          Buffer.from(ncrypt.getProperty(found, property)).readUInt32LE(),
        ),
      );
    expect(await dwords()).toEqual([3, 3]);
    await key.setProperty('exportPolicy', NOTHING);
    await key.setProperty('keyUsage', ['sign']);
    expect(await dwords()).toEqual([0, 2]);
    const stolen = look(name, (ncrypt, found) => ncrypt.exportKey(found, 'RSAFULLPRIVATEBLOB'));
    expect(await codeOfAsync(stolen)).toBe('NOT_SUPPORTED');
    await key.delete();
  });

  it('is an imported key’s private half too, which keeps its spec', async () => {
    const name = newName();
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    using pkcs8 = SecretBytes.take(ec.export({ type: 'pkcs8', format: 'der' }));
    const pending = await provider.importKey(pkcs8, name, 'AT_SIGNATURE');
    await pending.setProperty('exportPolicy', NOTHING);
    const key = await pending.finalize();
    const stolen = look(`${name}~signature`, (ncrypt, found) =>
      ncrypt.exportKey(found, BCRYPT_ECCPRIVATE_BLOB),
    );
    expect(await codeOfAsync(stolen)).toBe('NOT_SUPPORTED');
    const specs = await withRawProvider((ncrypt, raw) =>
      ncrypt.enumKeys(raw, 0).filter((entry) => entry.name === `${name}~signature`),
    );
    expect(specs.map(({ legacyKeySpec }) => legacyKeySpec)).toEqual([2]);
    await key.delete();
  });
});

describe.skipIf(!keepsKeys)('what an interrupted making left', () => {
  it('is not listed, not found, and in nobody’s way', async () => {
    const name = `${newName()} Capital`;
    const { hashed } = nativeNameOf({ name, legacyKeySpec: 'AT_SIGNATURE', scope: 'user' });
    await makeForeign(hashed, 2);
    expect(await listed(hashed)).toEqual([]);
    expect(await codeOfAsync(provider.openKey(name, 'AT_SIGNATURE'))).toBe('CONTAINER_NOT_FOUND');
    const key = await makeKey(provider, name);
    expect((await listed(name)).map(({ publicKey }) => publicKey)).toEqual([key.publicKey]);
    await key.delete();
  });
});

describe.skipIf(keepsKeys)("on Wine's own ncrypt, which forgets keys", () => {
  it('there is no key with a name: none is made that would be lost', async () => {
    expect(await codeOfAsync(makeKey(provider, newName(), 'RSA'))).toBe('NOT_SUPPORTED');
    expect(await codeOfAsync(provider.openKey('any', 'none'))).toBe('CONTAINER_NOT_FOUND');
    expect(await listed('any')).toEqual([]);
    const key = await makeKey(provider, null, 'RSA');
    expect(await key.getProperty('posture')).toMatchObject({
      inMemory: 'this process',
      onDisk: 'nowhere',
    });
  });
});
