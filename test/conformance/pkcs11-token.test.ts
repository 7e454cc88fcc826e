/** What a token does besides: PINs, sessions, keys of other programs, and being taken away. On SoftHSM 2. */
import { constants, publicEncrypt, randomBytes } from 'node:crypto';
import { chmod, copyFile, rename, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPkcs11 } from '../../native-bindings/pkcs11.ts';
import { CKA } from '../../native-bindings/pkcs11-constants.ts';
import type { PersistedKey, Provider } from '../../lib/contracts/provider.ts';
import { KeyStoreError } from '../../lib/errors.ts';
import { padRsaPkcs1 } from '../../lib/keys/rsa-pkcs1.ts';
import type { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { openPkcs11Provider } from '../../lib/providers/pkcs11/index.ts';
import { openKeyRecord } from '../../lib/records/open.ts';
import { SessionKeyStore } from '../../lib/session-key-store.ts';
import { message, recordFor } from '../../lib/testing/provider/test-messages.ts';
import { verifySignature } from '../../lib/keys/signature.ts';
import { codeOfAsync } from '../support/errors.ts';
import { forkTest, race } from '../support/fork.ts';
import {
  makeForeignRsa,
  publicKeyObject,
  unwrap,
  withStoredKey,
  type TokenOptions,
} from '../support/pkcs11.ts';
import {
  hasSoftHsm,
  makeSoftHsm,
  pinOf,
  SOFTHSM_MODULE,
  USER_PIN,
  type SoftHsm,
} from '../support/softhsm.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const LABEL = 'a token';

describe.skipIf(!hasSoftHsm)('pkcs11 on a token of SoftHSM 2', () => {
  let softHsm: SoftHsm;
  let options: TokenOptions;

  beforeAll(async () => {
    softHsm = await makeSoftHsm(LABEL);
    const pin = pinOf(USER_PIN);
    options = { module: SOFTHSM_MODULE, token: LABEL, pin, lockFolder: softHsm.folder };
  });

  afterAll(() => softHsm.remove());

  const open = (more: Partial<TokenOptions> = {}): Promise<Provider> =>
    openPkcs11Provider({ ...options, ...more });

  const make = async (
    provider: Provider,
    algorithm: 'RSA' | 'ECDH_P256' | 'ECDSA_P256',
    name: string | null = randomName(),
  ): Promise<PersistedKey> => {
    const spec = algorithm === 'ECDSA_P256' ? 'AT_SIGNATURE' : 'AT_KEYEXCHANGE';
    const pending = await provider.createPersistedKey(algorithm, name, spec);
    if (algorithm === 'RSA') await pending.setProperty('length', 2048);
    return pending.finalize();
  };

  describe('the PIN', () => {
    it('is refused when it is wrong, and not tried again by itself', async () => {
      let asked = 0;
      const pin = (): Promise<SecretBytes> => {
        asked++;
        return pinOf('9999')();
      };
      expect(await codeOfAsync(open({ pin }))).toBe('PASSWORD_WRONG');
      expect(asked).toBe(1);
      await using provider = await open();
      expect(provider.name).toBe('pkcs11');
    });

    it('is not tried again by many uses that are waiting for it', async () => {
      let asked = 0;
      let answer = USER_PIN;
      const pin = (): Promise<SecretBytes> => {
        asked++;
        return pinOf(answer)();
      };
      await using provider = await open({ pin });
      const key = await make(provider, 'ECDSA_P256');
      answer = '9999';
      await endModule();
      const failures = await Promise.allSettled(
        Array.from({ length: 32 }, () => key.sign(message('ecdsa-sha256'))),
      );
      for (const failure of failures)
        expect(failure).toMatchObject({ status: 'rejected', reason: { code: 'PASSWORD_WRONG' } });
      answer = USER_PIN;
      // Not even when it would be right by now: somebody has to open the provider anew.
      expect(await codeOfAsync(key.sign(message('ecdsa-sha256')))).toBe('PASSWORD_WRONG');
      expect(asked).toBe(2);
    });

    it('is wanted for every use, but not to list what is public', async () => {
      await using maker = await open();
      const key = await make(maker, 'ECDH_P256');
      await maker.close();
      const { pin: _pin, ...rest } = options;
      await using provider = await openPkcs11Provider(rest);
      const listed = [];
      for await (const info of provider.listKeys()) listed.push(info);
      expect(listed).toContainEqual({
        name: key.name,
        legacyKeySpec: 'AT_KEYEXCHANGE',
        algorithm: 'ECDH_P256',
        scope: 'user',
        publicKey: Uint8Array.from(key.publicKey),
      });
      const opening = provider.openKey(key.name!, 'AT_KEYEXCHANGE');
      expect(await codeOfAsync(opening)).toBe('PASSWORD_REQUIRED');
    });

    it('is not asked for silently', async () => {
      await using provider = await open();
      const key = await make(provider, 'ECDSA_P256');
      const again = await provider.openKey(key.name!, 'AT_SIGNATURE', { silent: true });
      await again.sign(message('ecdsa-sha256'));
      await endModule();
      expect(await codeOfAsync(again.sign(message('ecdsa-sha256')))).toBe('PASSWORD_REQUIRED');
      // Whoever may ask logs both in.
      await key.sign(message('ecdsa-sha256'));
      await again.sign(message('ecdsa-sha256'));
    });
  });

  describe('sessions', () => {
    it('serve 64 unwraps at once, none lost and none mixed up', async () => {
      await using provider = await open();
      const [rsa, ec] = [await make(provider, 'RSA'), await make(provider, 'ECDH_P256')];
      const records = await Promise.all(
        Array.from({ length: 64 }, async (_, n) => {
          const key = n % 2 === 0 ? rsa : ec;
          return { key, ...(await recordFor(key.publicKey, 'oaep-sha1')) };
        }),
      );
      await Promise.all(
        records.map(async ({ record, key, keyId, sessionKey }) => {
          using opened = await openKeyRecord(record, { exchangeKeys: [{ key, keyId }] });
          expect(Buffer.from(opened.bytes).equals(sessionKey)).toBe(true);
        }),
      );
    });

    it('are one where the caller wants one', async () => {
      await using provider = await openPkcs11Provider({ ...options, maxSessions: 1 });
      const key = await make(provider, 'ECDSA_P256', null);
      await Promise.all(Array.from({ length: 16 }, () => signsWith(key)));
      expect(await codeOfAsync(openPkcs11Provider({ ...options, maxSessions: 0 }))).toBe(
        'PARAMETER_INVALID',
      );
    });

    it('go on while keys are made, changed and deleted beside them', async () => {
      await using provider = await open();
      const key = await make(provider, 'ECDSA_P256');
      await Promise.all([
        ...Array.from({ length: 40 }, () => signsWith(key)),
        ...Array.from({ length: 6 }, async (_, n) => {
          const other = await make(provider, n % 2 === 0 ? 'ECDH_P256' : 'ECDSA_P256');
          await other.setProperty('custom:number', Uint8Array.of(n));
          await other.delete();
        }),
      ]);
      await expect(signsWith(key)).resolves.toBeUndefined();
    });
  });

  describe('a token that is taken away', () => {
    it('is said to be, and works again when it is back, with one more login', async () => {
      let asked = 0;
      const pin = (): Promise<SecretBytes> => {
        asked++;
        return options.pin();
      };
      await using provider = await open({ pin });
      const key = await make(provider, 'ECDSA_P256');
      const exchange = await make(provider, 'ECDH_P256');
      const { record } = await recordFor(exchange.publicKey);
      await signsWith(key);
      await rename(softHsm.tokens, `${softHsm.tokens}-away`);
      try {
        expect(await codeOfAsync(key.sign(message('ecdsa-sha256')))).toBe('PROVIDER_UNAVAILABLE');
        expect(await codeOfAsync(exchange.unwrap(record, 0))).toBe('PROVIDER_UNAVAILABLE');
        const opening = provider.openKey(key.name!, 'AT_SIGNATURE');
        expect(await codeOfAsync(opening)).toBe('PROVIDER_UNAVAILABLE');
        expect(await codeOfAsync(open())).not.toBe('CONTAINER_NOT_FOUND');
      } finally {
        await rename(`${softHsm.tokens}-away`, softHsm.tokens);
      }
      await Promise.all(Array.from({ length: 16 }, () => signsWith(key)));
      using contentKey = await exchange.unwrap(record, 0);
      expect(contentKey.length).toBe(32);
      await provider.openKey(key.name!, 'AT_SIGNATURE');
      expect(asked).toBe(2);
    });

    it('takes nothing with it but ephemeral keys, when others end the module or begin it anew', async () => {
      await using provider = await open();
      const key = await make(provider, 'ECDSA_P256');
      const ephemeral = await make(provider, 'ECDSA_P256', null);
      await endModule();
      await Promise.all(Array.from({ length: 32 }, () => signsWith(key)));
      expect(await codeOfAsync(ephemeral.sign(message('ecdsa-sha256')))).toBe('HANDLE_INVALID');
      await endModule();
      (await loadPkcs11(SOFTHSM_MODULE)).initialize();
      await Promise.all(Array.from({ length: 32 }, () => signsWith(key)));
    });

    it('cannot make a key that is there look as if it had never been', async () => {
      await using provider = await open();
      const key = await make(provider, 'ECDH_P256');
      await rename(softHsm.tokens, `${softHsm.tokens}-away`);
      try {
        const making = provider.createPersistedKey('ECDH_P256', key.name, 'AT_KEYEXCHANGE');
        expect(await codeOfAsync(making)).toBe('PROVIDER_UNAVAILABLE');
      } finally {
        await rename(`${softHsm.tokens}-away`, softHsm.tokens);
      }
      const again = provider.createPersistedKey('ECDH_P256', key.name, 'AT_KEYEXCHANGE');
      expect(await codeOfAsync(again)).toBe('CONTAINER_EXISTS');
    });
  });

  describe('keys of other programs', () => {
    it('are found by label, and by label and id where several have one label', async () => {
      await using provider = await open();
      await provider.listKeys()[Symbol.asyncIterator]().next();
      const [label, twin] = [randomName(), randomName()];
      const can = [CKA.SIGN, CKA.DECRYPT];
      await makeForeignRsa(options, { label, id: Uint8Array.of(1), can });
      for (const id of [2, 3])
        await makeForeignRsa(options, { label: twin, id: Uint8Array.of(id), can });
      const key = await provider.openKey(label, 'AT_KEYEXCHANGE');
      expect(await key.getProperty('keyUsage')).toEqual(['decrypt', 'sign']);
      const signature = await key.sign(message('rsa-pkcs1-sha256'));
      expect(signature.length).toBe(256);
      await opens(key);
      expect(await codeOfAsync(provider.openKey(twin, 'AT_KEYEXCHANGE'))).toBe('PARAMETER_INVALID');
      const names = [];
      for await (const { name } of provider.listKeys()) names.push(name);
      const uris = names.filter((name) => name.includes(encodeURIComponent(twin)));
      expect(uris).toHaveLength(2);
      const keys = await Promise.all(uris.map((uri) => provider.openKey(uri, 'AT_KEYEXCHANGE')));
      expect(Buffer.from(keys[0]!.publicKey).equals(keys[1]!.publicKey)).toBe(false);
      for (const one of keys) await opens(one);
      for (const bad of ['pkcs11:id=%0', 'pkcs11:colour=red', 'pkcs11:object=ü'])
        expect(await codeOfAsync(provider.openKey(bad, 'AT_KEYEXCHANGE'))).toBe(
          'PARAMETER_INVALID',
        );
    });

    it('keep what keycask says of them, under their label', async () => {
      await using provider = await open();
      const label = randomName();
      await provider.listKeys()[Symbol.asyncIterator]().next();
      await makeForeignRsa(options, { label, id: randomBytes(4), can: [CKA.SIGN, CKA.DECRYPT] });
      const key = await provider.openKey(label, 'AT_KEYEXCHANGE');
      await key.setProperty('custom:note', Uint8Array.of(7));
      await key.setProperty('keyUsage', ['sign']);
      await using other = await open();
      const again = await other.openKey(label, 'AT_KEYEXCHANGE');
      expect(await again.getProperty('custom:note')).toEqual(Uint8Array.of(7));
      expect(await codeOfAsync(opens(again))).toBe('EXPORT_FORBIDDEN');
    });

    it('that may only unwrap do so by C_UnwrapKey', async () => {
      await using provider = await open();
      await provider.listKeys()[Symbol.asyncIterator]().next();
      const label = randomName();
      await makeForeignRsa(options, { label, id: randomBytes(4), can: [CKA.UNWRAP] });
      const key = await provider.openKey(label, 'AT_KEYEXCHANGE');
      await opens(key);
      const name = { name: label, legacyKeySpec: 'AT_KEYEXCHANGE' } as const;
      await withStoredKey(options, name, async (stored) => {
        const failures = await failuresOf(stored.publicKey, (encryptedKey) =>
          unwrap(stored, { type: 'rsa-pkcs1', encryptedKey, plausibleLengths: [16] }),
        );
        expect(new Set(failures).size).toBe(1);
      });
    });
  });

  it('has one answer to wrong padding and to right padding of another length', async () => {
    await using provider = await open();
    const { name, publicKey } = await make(provider, 'RSA');
    const named = { name: name!, legacyKeySpec: 'AT_KEYEXCHANGE' } as const;
    await withStoredKey(options, named, async (stored) => {
      const encryptedKey = rawEncrypt(
        publicKey,
        padRsaPkcs1(256, new Uint8Array(16).fill(5)).bytes,
      );
      const wrapped = { type: 'rsa-pkcs1', encryptedKey, plausibleLengths: [16, 32] } as const;
      using key = await unwrap(stored, wrapped);
      expect(Buffer.from(key.bytes)).toEqual(Buffer.alloc(16, 5));
      const failures = await failuresOf(publicKey, (bad) =>
        unwrap(stored, { ...wrapped, encryptedKey: bad }),
      );
      expect(new Set(failures).size).toBe(1);
      expect(JSON.parse(failures[0]!)).not.toHaveProperty('native');
    });
  });

  it('refuses a point off the curve before the token sees it', async () => {
    await using provider = await open();
    const { name } = await make(provider, 'ECDH_P256');
    const named = { name: name!, legacyKeySpec: 'AT_KEYEXCHANGE' } as const;
    await withStoredKey(options, named, async (stored) => {
      const point = new Uint8Array(65).fill(1);
      point[0] = 4;
      const wrapped = {
        type: 'ecdh-x963',
        hash: 'sha256',
        ephemeralPublicKey: point,
        sharedInfo: Uint8Array.of(1),
        wrap: 'aes-256-kw',
        encryptedKey: new Uint8Array(40),
      } as const;
      expect(await codeOfAsync(unwrap(stored, wrapped))).toBe('KEY_UNWRAP_FAILED');
    });
  });

  it('never gives a private key out, whatever its policy says', async () => {
    await using provider = await open();
    const key = await make(provider, 'ECDSA_P256');
    expect(await key.getProperty('exportPolicy')).toMatchObject({ plaintextExport: true });
    expect(await codeOfAsync(key.exportKey('pkcs8'))).toBe('EXPORT_FORBIDDEN');
    expect((await key.getProperty('posture')).exportable).toBe(false);
  });

  it('says of a token of software that its keys are in this process', async () => {
    await using provider = await open();
    const posture = await (await make(provider, 'ECDSA_P256')).getProperty('posture');
    expect(posture).toMatchObject({ inMemory: 'this process', level: 'this process' });
    expect(posture.onDisk).toMatch(/^token "a token" \(SoftHSM/u);
  });

  it('gives each of 20 names that three processes make to exactly one of them', async () => {
    const child = 'conformance/children/finalize-token-key.ts';
    const args = [SOFTHSM_MODULE, LABEL, softHsm.folder, '20'];
    const children = await Promise.all([1, 2, 3].map(() => forkTest(child, args)));
    const won = await race<Record<string, string>>(children);
    await using provider = await open();
    for (let n = 0; n < 20; n++) {
      const name = `raced ${n}`;
      const winners = won.flatMap((keys) => keys[name] ?? []);
      const present = await provider.openKey(name, 'AT_KEYEXCHANGE');
      expect(winners).toEqual([Buffer.from(present.publicKey).toString('hex')]);
    }
  });

  it('does not load a module that is none, is not there, or that others can write', async () => {
    expect(await codeOfAsync(open({ module: '/etc/passwd' }))).toBe('PROVIDER_UNAVAILABLE');
    expect(await codeOfAsync(open({ module: '/nowhere/at/all.so' }))).toBe('FILE_NOT_FOUND');
    expect(await codeOfAsync(open({ token: 'another' }))).toBe('PROVIDER_UNAVAILABLE');
    expect(await codeOfAsync(open({ token: '' }))).toBe('PARAMETER_INVALID');
    const folder = await temporaryFolder();
    const copy = `${folder.path}/module.so`;
    await copyFile(SOFTHSM_MODULE, copy);
    await chmod(copy, 0o666);
    expect(await codeOfAsync(open({ module: copy }))).toBe('PERMISSION_DENIED');
    await folder.remove();
  });

  it('does not load a module that lies in the home, or that is named in part', async () => {
    const folder = await temporaryFolder();
    const home = `${folder.path}/home`;
    const pin = options.pin;
    const create = (pkcs11Module: string) =>
      SessionKeyStore.create({ home, provider: 'pkcs11', pkcs11Module, token: LABEL, pin });
    expect(await codeOfAsync(create(`${home}/module.so`))).toBe('POLICY_REFUSED');
    await (await create(SOFTHSM_MODULE)).close();
    for (const pkcs11Module of [`${home}/keys/../module.so`, 'keys/module.so', './module.so']) {
      const edited = { version: 1, provider: 'pkcs11', pkcs11Module, token: LABEL };
      await writeFile(`${home}/keycask.json`, JSON.stringify(edited));
      expect(await codeOfAsync(SessionKeyStore.open({ home, pin }))).toBe('POLICY_REFUSED');
    }
    await folder.remove();
  });

  describe.each(['p-256', 'rsa-2048'] as const)('a home of %s', (algorithm) => {
    it('lies on the token: create, encrypt, open again, rotate, list without a PIN', async () => {
      const folder = await temporaryFolder();
      const home = `${folder.path}/home`;
      const stateFolder = `${folder.path}/state`;
      const place = { home, stateFolder, pin: options.pin };
      const plaintext = new TextEncoder().encode('on a token');
      {
        const pkcs11Module = SOFTHSM_MODULE;
        const token = LABEL;
        await using store = await SessionKeyStore.create({
          ...place,
          provider: 'pkcs11',
          pkcs11Module,
          token,
          algorithm,
        });
        using _first = await store.createKey('first');
      }
      await using store = await SessionKeyStore.open(place);
      const encrypted = await store.encrypt(plaintext, { key: 'first' });
      expect(Buffer.from(await store.decrypt(encrypted))).toEqual(Buffer.from(plaintext));
      expect(await store.rotateContainer()).toBeGreaterThan(0);
      using _second = await store.rotateKey('first');
      expect(Buffer.from(await store.decrypt(encrypted))).toEqual(Buffer.from(plaintext));
      await store.close();
      await using reader = await SessionKeyStore.open({ home, stateFolder, readOnly: true });
      const states = [];
      for await (const { state } of reader.listKeys()) states.push(state);
      expect(states).toEqual(['ok', 'ok']);
      const { pin: _pin, ...noPin } = place;
      expect(await codeOfAsync(SessionKeyStore.open(noPin))).toBe('PASSWORD_REQUIRED');
      const wrong = { ...place, pin: pinOf('4321') };
      expect(await codeOfAsync(SessionKeyStore.open(wrong))).toBe('PASSWORD_WRONG');
      await folder.remove();
    });
  });

  /** As another part of this process would. */
  async function endModule(): Promise<void> {
    (await loadPkcs11(SOFTHSM_MODULE)).finalize();
  }
});

async function signsWith(key: PersistedKey): Promise<void> {
  const toBeSigned = message('ecdsa-sha256');
  const signature = await key.sign(toBeSigned);
  expect(verifySignature(key.publicKey, 'ecdsa-sha256', toBeSigned.bytes, signature)).toBe(true);
}

/** By RSA. */
async function opens(key: PersistedKey): Promise<void> {
  const { record, keyId, sessionKey } = await recordFor(key.publicKey, 'oaep-sha1');
  using opened = await openKeyRecord(record, { exchangeKeys: [{ key, keyId }] });
  expect(Buffer.from(opened.bytes).equals(sessionKey)).toBe(true);
}

function rawEncrypt(publicKey: Uint8Array, block: Uint8Array): Uint8Array {
  const key = publicKeyObject(publicKey);
  return Uint8Array.from(publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, block));
}

/** What is told of blocks whose first bytes, separator or length is wrong, and of random bytes. */
async function failuresOf(
  publicKey: Uint8Array,
  open: (encryptedKey: Uint8Array) => Promise<unknown>,
): Promise<string[]> {
  const padded = (length: number): Uint8Array =>
    Uint8Array.from(padRsaPkcs1(256, new Uint8Array(length).fill(5)).bytes);
  const [firstByte, blockType, noSeparator] = [padded(16), padded(16), padded(16)];
  firstByte[0] = 1;
  blockType[1] = 1;
  noSeparator.fill(7, 2);
  const blocks = [padded(17), padded(0), padded(245), blockType, noSeparator];
  const encrypted = blocks.map((block) => rawEncrypt(publicKey, block));
  const random = Uint8Array.from(randomBytes(256));
  random[0] = 0;
  const failures: string[] = [];
  for (const encryptedKey of [...encrypted, random]) {
    const failure = await open(encryptedKey).then(
      () => 'opened',
      (error: unknown) => (KeyStoreError.is(error) ? JSON.stringify(error) : String(error)),
    );
    failures.push(failure);
  }
  return failures;
}

function randomName(): string {
  return `keycask test ${randomBytes(6).toString('hex')}`;
}
