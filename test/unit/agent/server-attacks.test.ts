/** What a client may try that is let in: to be believed as a signer, to have blocks tried, to lose or to fill what the agent keeps. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { AccessList } from '../../../lib/agent/access-list.ts';
import { rulesOf } from '../../../lib/agent/access-settings.ts';
import { DEFAULT_CONFIGURATION } from '../../../lib/agent/agent-configuration.ts';
import { judgeMessage } from '../../../lib/agent/own-messages.ts';
import { ALG_ID } from '../../../lib/blobs/alg-id.ts';
import { encodeSimpleBlob } from '../../../lib/blobs/simple-blob.ts';
import { plainBytes } from '../../../lib/bytes/octets.ts';
import { wrapRsaPkcs1 } from '../../../lib/keys/rsa-pkcs1.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { parsePublicKey } from '../../../lib/keys/signature.ts';
import type { SigningIdentity } from '../../../lib/messages/sign-message.ts';
import type { IsolatedKey } from '../../../lib/providers/isolated/index.ts';
import { sealClassicRecord } from '../../../lib/records/seal.ts';
import { verifyKeyRecord } from '../../../lib/records/verify.ts';
import { message } from '../../../lib/testing/provider/test-messages.ts';
import {
  openSoftwareProvider,
  passphraseProtector,
} from '../../../lib/providers/software/index.ts';
import { exchangeKey, rawClient, signatureKey, startTestAgent } from '../../support/agent.ts';
import { startCpuClock } from '../../support/cpu-clock.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { holdClock } from '../../support/held-clock.ts';
import { testIdentity } from '../../support/signing-identity.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A record that somebody else than the key's owner makes around a block of his choice. */
async function recordAround(block: Uint8Array, signer: SigningIdentity) {
  using secret = new SecretBytes(32);
  const simpleBlob = encodeSimpleBlob({ algId: ALG_ID.CALG_AES_256, encryptedKey: block });
  const signingTime = new Date('2026-01-01T00:00:00Z');
  const metadata = {
    recordId: plainBytes(randomBytes(16)),
    recordVersion: 1,
    label: '',
    purpose: '',
    algorithm: ALG_ID.CALG_AES_256,
    effectiveBits: 256,
    created: signingTime,
    storeId: plainBytes(randomBytes(16)),
    provenance: 'generated',
    attributes: [],
  } as const;
  const bytes = await sealClassicRecord(secret, simpleBlob, metadata, { signer, signingTime });
  const pin = { ...signer, trust: 'pinned' } as const;
  return verifyKeyRecord(bytes, { findSigner: () => pin });
}

function blockFor(key: IsolatedKey): Uint8Array {
  using secret = SecretBytes.random(32);
  return wrapRsaPkcs1(parsePublicKey(key.publicKey), secret);
}

async function pkcs8Of({ privateKey }: Awaited<ReturnType<typeof testIdentity>>) {
  return SecretBytes.take(plainBytes(privateKey.export({ type: 'pkcs8', format: 'der' })));
}

describe('a signer whom nobody named', () => {
  it('is not believed for bringing its key in as an ephemeral one', async () => {
    await using server = await startTestAgent({ trustedSigners: [] });
    const client = await server.open();
    const key = await exchangeKey(client, 'archive', 'RSA');
    await key.setProperty('keyUsage', ['decrypt']);
    const stranger = await testIdentity();
    using pkcs8 = await pkcs8Of(stranger);
    const brought = await (await client.importKey(pkcs8, null, 'AT_SIGNATURE')).finalize();
    await brought.setProperty('keyUsage', ['sign']);
    const record = await recordAround(blockFor(key), stranger);
    expect(await codeOfAsync(key.unwrap(record, 0))).toBe('BLOB_SIGNER_NOT_TRUSTED');
    await brought.close();
    expect(await codeOfAsync(key.unwrap(record, 0))).toBe('BLOB_SIGNER_NOT_TRUSTED');
  });

  it('is not believed any more when another key has the place of its own', async () => {
    await using server = await startTestAgent({ trustedSigners: [] });
    const client = await server.open();
    const key = await exchangeKey(client, 'archive', 'RSA');
    await key.setProperty('keyUsage', ['decrypt']);
    const retired = await testIdentity();
    using pkcs8 = await pkcs8Of(retired);
    await (await client.importKey(pkcs8, 'archive', 'AT_SIGNATURE')).finalize();
    const record = await recordAround(blockFor(key), retired);
    (await key.unwrap(record, 0)).dispose();
    const over = { overwrite: true };
    await (
      await client.createPersistedKey('ECDSA_P256', 'archive', 'AT_SIGNATURE', over)
    ).finalize();
    expect(await codeOfAsync(key.unwrap(record, 0))).toBe('BLOB_SIGNER_NOT_TRUSTED');
  });
});

describe('blocks of PKCS#1 v1.5', () => {
  it('that do not open are tried only so often, whoever signed around them', async () => {
    // One more would be tried each second.
    const clock = holdClock();
    await using server = await startTestAgent();
    const client = await server.open();
    const key = await exchangeKey(client, 'archive', 'RSA');
    await key.setProperty('keyUsage', ['decrypt']);
    const signer = await testIdentity();
    using pkcs8 = await pkcs8Of(signer);
    await (await client.importKey(pkcs8, 'signer', 'AT_SIGNATURE')).finalize();
    const block = blockFor(key);
    (await key.unwrap(await recordAround(block, signer), 0)).dispose();
    block[100]! ^= 1;
    const bad = await recordAround(block, signer);
    const codes: string[] = [];
    for (let n = 0; n < 7; n++)
      codes.push(
        ...(await Promise.all(Array.from({ length: 100 }, () => codeOfAsync(key.unwrap(bad, 0))))),
      );
    expect(codes.slice(0, 600)).toEqual(Array.from({ length: 600 }, () => 'KEY_UNWRAP_FAILED'));
    expect(codes.slice(600)).toEqual(Array.from({ length: 100 }, () => 'AGENT_BUSY'));
    clock.advance(1000);
    expect(await codeOfAsync(key.unwrap(bad, 0))).toBe('KEY_UNWRAP_FAILED');
    // Other work of the same user goes on.
    await (await signatureKey(client, 'other')).sign(message('ecdsa-sha256'));
  });

  it('are not opened by an ephemeral key that has signed, whatever its usages are now', async () => {
    await using server = await startTestAgent();
    const key = await exchangeKey(await server.open(), null, 'RSA');
    await key.sign(message('rsa-pkcs1-sha256'));
    await key.setProperty('keyUsage', ['decrypt']);
    const record = await recordAround(blockFor(key), await testIdentity());
    expect(await codeOfAsync(key.unwrap(record, 0))).not.toBe('none');
  });
});

describe('what is to be signed', () => {
  it('is looked at for no longer because it is long', async () => {
    const header = [0x30, 0x82, 0xea, 0x60, 0xa0, 0x03, 2, 1, 2, 2, 1, 1, 0x30, 0];
    const long = new Uint8Array(60_004).fill(5);
    long.set(header);
    const judge = () =>
      codeOfAsync(
        judgeMessage({
          kind: 'certificate',
          scheme: 'ecdsa-sha256',
          message: long,
          publicKey: new Uint8Array(91),
          holds: () => true,
        }),
      );
    // What it needs is loaded for the first one.
    expect(await judge()).toBe('PARAMETER_INVALID');
    const spent = startCpuClock();
    expect(await judge()).toBe('PARAMETER_INVALID');
    expect(spent()).toBeLessThan(50);
  });
});

describe('settings', () => {
  it('let nobody use a key beside the access list, whatever is switched on for that key', async () => {
    const mine = { users: ['root'], keys: ['*'], rights: ['unwrap'] } as const;
    const switched = { ...DEFAULT_CONFIGURATION, legacyKeys: ['old'], allowExport: true };
    const rights = (access: AccessList) => [...access.rightsOf(4711, 'old')];
    expect(rights(new AccessList(await rulesOf(switched)))).toContain('legacy');
    expect(rights(new AccessList(await rulesOf({ ...switched, access: [mine] })))).toEqual([]);
  });
});

describe.runIf(process.platform !== 'win32')('the audit log', () => {
  it('is not written to where a link leads', async () => {
    const folder = await temporaryFolder();
    const [link, file] = [join(folder.path, 'audit.log'), join(folder.path, 'other')];
    writeFileSync(file, '');
    symlinkSync(file, link);
    expect(await codeOfAsync(startTestAgent({ auditFile: link }))).not.toBe('none');
    await folder.remove();
  });
});

describe('connections', () => {
  it('of one session that overlap lose none of its handles', async () => {
    await using server = await startTestAgent({ limits: { sessionGraceMs: 100 } });
    const session = plainBytes(randomBytes(16));
    const hello = {
      id: 0,
      op: 'hello',
      arguments: { protocol: 'keycask-agent', versions: [1], session },
    } as const;
    const first = rawClient(server.socket);
    await first.request(hello);
    const create = { algorithm: 'ECDH_P256', name: null, spec: 'none', options: {} } as const;
    const made = await first.request({ id: 1, op: 'create', arguments: create });
    const { handle } = made.result as { handle: number };
    // The client took its connection for broken; the agent does not know yet.
    const second = rawClient(server.socket);
    expect((await second.request(hello)).result).toMatchObject({ resumed: true });
    await sleep(1000);
    const finalize = { handle, writeToLegacyStore: false };
    const finalized = await second.request({ id: 2, op: 'finalize', arguments: finalize });
    expect(finalized.error).toBeUndefined();
    second.socket.destroy();
  });

  it('that send a frame byte by byte have no more time for it', async () => {
    await using server = await startTestAgent({ limits: { frameTimeoutMs: 500 } });
    const slow = rawClient(server.socket);
    await slow.hello();
    const start = performance.now();
    // Were its time counted from the last byte, it would have 25 seconds.
    slow.send(Uint8Array.of(0, 0, 1, 0));
    const drip = setInterval(() => slow.send(new Uint8Array(1)), 100);
    await slow.ended;
    clearInterval(drip);
    expect(performance.now() - start).toBeLessThan(15_000);
  });
});

describe('an agent that is locked', () => {
  const secret = (text: string) => SecretBytes.copy(Buffer.from(text));

  async function startSealed() {
    const folder = await temporaryFolder();
    const keys = join(folder.path, 'keys');
    const cost = { memoryKiB: 8 * 1024, iterations: 1, parallelism: 1 };
    const server = await startTestAgent({
      passphrase: secret('correct horse'),
      openProvider: ({ passphrase }) =>
        openSoftwareProvider({
          folder: keys,
          protector: passphraseProtector({ passphrase, cost }),
        }),
    });
    return { server, folder, keys };
  }

  it('is not kept locked by a key that is damaged, nor opened by a passphrase that no key has proved', async () => {
    const { server, folder, keys } = await startSealed();
    await using _ = server;
    const client = await server.open();
    for (const name of ['a', 'b', 'c']) await exchangeKey(client, name);
    const files = readdirSync(keys, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.key'),
    );
    const spoil = (name: string) => {
      const bytes = readFileSync(join(keys, name));
      bytes[bytes.length - 5]! ^= 1;
      writeFileSync(join(keys, name), bytes);
    };
    expect(files).toHaveLength(3);
    for (const name of files.slice(0, 2)) spoil(name);
    await server.agent.lock();
    expect(await codeOfAsync(server.agent.unlock(secret('wrong')))).toBe('PASSWORD_WRONG');
    await server.agent.unlock(secret('correct horse'));
    spoil(files[2]!);
    await server.agent.lock();
    expect(await codeOfAsync(server.agent.unlock(secret('correct horse')))).toBe(
      'KEY_FILE_DAMAGED',
    );
    await folder.remove();
  });

  it('lets passphrases be tried ever more slowly', async () => {
    const clock = holdClock();
    const { server, folder } = await startSealed();
    await using _ = server;
    await exchangeKey(await server.open());
    await server.agent.lock();
    const codes = await Promise.all(
      Array.from({ length: 6 }, () => codeOfAsync(server.agent.unlock(secret('wrong')))),
    );
    expect(codes.filter((code) => code === 'PASSWORD_WRONG')).toHaveLength(3);
    expect(codes.filter((code) => code === 'AGENT_BUSY')).toHaveLength(3);
    // The right one waits too, and is taken then.
    expect(await codeOfAsync(server.agent.unlock(secret('correct horse')))).toBe('AGENT_BUSY');
    clock.advance(1100);
    await server.agent.unlock(secret('correct horse'));
    await folder.remove();
  });
});
