/** What an agent lets whom do: rights, rates, its trust, what it signs, what it gives out. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeSignedAttributes } from '../../../lib/cms/signed-data.ts';
import { encodeTbsCertificate } from '../../../lib/cms/certificate.ts';
import { ToBeSigned } from '../../../lib/contracts/to-be-signed.ts';
import { keyIdentifier } from '../../../lib/keys/key-identifier.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import type { SigningIdentity } from '../../../lib/messages/sign-message.ts';
import { sealKeyRecord } from '../../../lib/records/seal.ts';
import { verifyKeyRecord } from '../../../lib/records/verify.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import {
  classicRecordFor,
  message,
  recordFor,
} from '../../../lib/testing/provider/test-messages.ts';
import { encodeRequest } from '../../../lib/agent-protocol/index.ts';
import {
  exchangeKey,
  opens,
  rawClient,
  signatureKey,
  startTestAgent,
} from '../../support/agent.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { holdClock } from '../../support/held-clock.ts';
import { testIdentity } from '../../support/signing-identity.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const OWN = process.geteuid!();
const KEEP = { export: false, plaintextExport: false, archive: false, plaintextArchive: false };

describe('access list', () => {
  it('allows what a rule allows, by the name of the key, and nothing else', async () => {
    await using server = await startTestAgent({
      access: [
        { users: [OWN], keys: ['open-*', 'both'], rights: ['list', 'unwrap'] },
        { users: 'all', keys: ['sign-*', 'both'], rights: ['sign', 'delete'] },
        { users: [OWN + 1], rights: ['create', 'export', 'change'] },
        { users: [OWN], keys: ['*-1', 'both'], rights: ['create'] },
      ],
    });
    const client = await server.open();
    const open = await exchangeKey(client, 'open-1');
    const sign = await signatureKey(client, 'sign-1');
    const both = await exchangeKey(client, 'both');
    expect(await codeOfAsync(exchangeKey(client, 'open-2'))).toBe('AGENT_ACCESS_DENIED');
    expect(await opens(open)).toBe(true);
    expect(await codeOfAsync(open.delete())).toBe('AGENT_ACCESS_DENIED');
    expect(await codeOfAsync(open.setProperty('custom:x', new Uint8Array(1)))).toBe(
      'AGENT_ACCESS_DENIED',
    );
    expect(await codeOfAsync(open.exportKey('pkcs8'))).toBe('AGENT_ACCESS_DENIED');
    await sign.sign(message('ecdsa-sha256'));
    expect(await codeOfAsync(client.openKey('other', 'AT_SIGNATURE'))).toBe('AGENT_ACCESS_DENIED');
    expect(await codeOfAsync(client.openKey('open-3', 'AT_SIGNATURE'))).toBe('CONTAINER_NOT_FOUND');
    const names = [];
    for await (const { name } of client.listKeys()) names.push(name);
    expect(names.toSorted()).toEqual(['both', 'open-1']);
    await both.delete();
    expect(await codeOfAsync(client.lock())).toBe('AGENT_ACCESS_DENIED');
    // Making one over another deletes the other.
    const over = client.createPersistedKey('ECDH_P256', 'open-1', 'AT_KEYEXCHANGE', {
      overwrite: true,
    });
    expect(await codeOfAsync(over)).toBe('AGENT_ACCESS_DENIED');
    expect(
      (await server.audit()).filter(({ outcome }) => outcome === 'AGENT_ACCESS_DENIED').length,
    ).toBeGreaterThan(5);
  });

  it('lets whoever makes ephemeral keys use them as he likes', async () => {
    await using server = await startTestAgent({
      access: [{ users: 'all', keys: ['x'], rights: ['create'] }],
    });
    const client = await server.open();
    expect(await opens(await exchangeKey(client, null))).toBe(true);
  });
});

describe('rate limit', () => {
  it('refuses a user who asks too often, and lets him ask again later', async () => {
    const clock = holdClock();
    await using server = await startTestAgent({ limits: { requestsPerSecond: 0.5, burst: 10 } });
    const client = await server.open();
    const key = await exchangeKey(client);
    const test = await recordFor(key.publicKey);
    const codes = await Promise.all(
      Array.from({ length: 30 }, () => codeOfAsync(opens(key, test))),
    );
    expect(codes.filter((code) => code === 'none').length).toBeGreaterThan(3);
    expect(codes).toContain('AGENT_BUSY');
    // Another connection of the same user is the same user.
    const other = await server.open();
    expect(await codeOfAsync(other.openKey('archive', 'AT_KEYEXCHANGE'))).toBe('AGENT_BUSY');
    await other.status();
    clock.advance(2100);
    expect(await opens(key, test)).toBe(true);
  });
});

describe('trust', () => {
  it('opens nothing that a stranger signed, before the key is asked', async () => {
    await using server = await startTestAgent({ trustedSigners: [] });
    const client = await server.open();
    const key = await exchangeKey(client);
    expect(await codeOfAsync(opens(key))).toBe('BLOB_SIGNER_NOT_TRUSTED');
    expect((await server.audit()).at(-1)).toMatchObject({
      op: 'unwrap',
      key: 'archive',
      outcome: 'BLOB_SIGNER_NOT_TRUSTED',
    });
  });

  it('opens what a home signed whose keys it holds, before and after they were rotated', async () => {
    await using server = await startTestAgent({ trustedSigners: [] });
    const home = join(server.folder, 'home');
    await using store = await SessionKeyStore.create({
      home,
      provider: 'isolated',
      agentSocket: server.socket,
    });
    const { id } = await store.createKey('reports');
    await store.rotateContainer();
    await using again = await SessionKeyStore.open({ home, cache: { maxAgeMs: 0 } });
    using key = await again.openKey(id);
    expect(key.id).toBe(id);
    expect(new Set((await server.audit()).map(({ outcome }) => outcome))).toEqual(new Set(['ok']));
  });

  it('takes a certificate that is put into its folder while it runs, and leaves out what is none', async () => {
    const folder = await temporaryFolder();
    await using server = await startTestAgent({ trustedSigners: [], trustFolder: folder.path });
    const client = await server.open();
    const key = await exchangeKey(client);
    const stranger = await testIdentity();
    const record = await recordSignedBy(stranger, key.publicKey);
    expect(await codeOfAsync(key.unwrap(record, 0))).toBe('BLOB_SIGNER_NOT_TRUSTED');
    writeFileSync(join(folder.path, 'junk.cer'), 'no certificate');
    writeFileSync(join(folder.path, 'signer.cer'), stranger.certificate);
    // It looks at most once a second.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    (await key.unwrap(record, 0)).dispose();
    await folder.remove();
  });
});

describe('what is signed', () => {
  it('is keycask’s own messages only, each byte of them', async () => {
    await using server = await startTestAgent();
    const client = await server.open();
    const key = await signatureKey(client);
    const own = message('ecdsa-sha256').bytes;
    const refused = [
      new Uint8Array(0),
      new Uint8Array(40),
      Uint8Array.from([...own, 0]),
      own.subarray(0, -1),
      // A digest of another hash.
      encodeSignedAttributes({
        type: 'trust',
        messageDigest: new Uint8Array(48),
        signingTime: new Date(1e12),
      }),
      // A record's attributes with metadata that are none.
      encodeSignedAttributes({
        type: 'contentInfo',
        messageDigest: new Uint8Array(32),
        signingTime: new Date(1e12),
        metadata: Uint8Array.of(0x30, 0),
      }),
      // No message of keycask's has CMS's own type of content.
      flipped(own),
    ];
    for (const bytes of refused)
      expect(await codeOfAsync(key.sign(ToBeSigned.signedAttributes('ecdsa-sha256', bytes)))).toBe(
        'PARAMETER_INVALID',
      );
    expect((await key.sign(message('ecdsa-sha256'))).length).toBeGreaterThan(60);
    expect(
      (await server.audit()).filter(({ op, outcome }) => op === 'sign' && outcome === 'ok'),
    ).toHaveLength(1);
  });

  it('is certificates only of keys that the agent holds, issued by the key that signs', async () => {
    await using server = await startTestAgent();
    const client = await server.open();
    const signature = await signatureKey(client);
    const exchange = await exchangeKey(client);
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
    const stranger = new Uint8Array(other.export({ type: 'spki', format: 'der' }));
    const wanted = (role: 'exchange' | 'signature', publicKey: Uint8Array, issuer: Uint8Array) =>
      encodeTbsCertificate({
        role,
        publicKey,
        keyId: keyIdentifier(publicKey),
        issuerKeyId: keyIdentifier(issuer),
        notBefore: new Date('2026-01-01T00:00:00Z'),
        scheme: 'ecdsa-sha256',
      });
    const sign = async (tbs: Promise<Uint8Array>) =>
      codeOfAsync(signature.sign(ToBeSigned.certificate('ecdsa-sha256', await tbs)));
    expect(await sign(wanted('exchange', exchange.publicKey, signature.publicKey))).toBe('none');
    expect(await sign(wanted('signature', signature.publicKey, signature.publicKey))).toBe('none');
    expect(await sign(wanted('exchange', stranger, signature.publicKey))).toBe('PARAMETER_INVALID');
    expect(await sign(wanted('signature', exchange.publicKey, signature.publicKey))).toBe(
      'PARAMETER_INVALID',
    );
    expect(await sign(wanted('exchange', exchange.publicKey, stranger))).toBe('PARAMETER_INVALID');
    const bytes = await wanted('exchange', exchange.publicKey, signature.publicKey);
    const outcomes = new Set<string>();
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Uint8Array.from(bytes);
      changed[at]! ^= 0x80;
      outcomes.add(await sign(Promise.resolve(changed)));
    }
    expect([...outcomes]).toEqual(['PARAMETER_INVALID']);
  });
});

describe('PKCS#1 v1.5', () => {
  it('is never unwrapped by a named key that also signs, and is by one that only decrypts', async () => {
    await using server = await startTestAgent();
    const client = await server.open();
    const key = await exchangeKey(client, 'both', 'RSA');
    const { record } = await classicRecordFor(key.publicKey);
    expect(await codeOfAsync(key.unwrap(record, 0))).toBe('EXPORT_FORBIDDEN');
    await key.setProperty('keyUsage', ['decrypt']);
    using secret = await key.unwrap(record, 0);
    expect(secret.length).toBe(32);
  });

  it('and signatures exclude each other for an ephemeral key, by its first use', async () => {
    await using server = await startTestAgent();
    const client = await server.open();
    const [signs, opensBlobs] = [
      await exchangeKey(client, null, 'RSA'),
      await exchangeKey(client, null, 'RSA'),
    ];
    await signs.sign(message('rsa-pkcs1-sha256'));
    expect(
      await codeOfAsync(signs.unwrap((await classicRecordFor(signs.publicKey)).record, 0)),
    ).toBe('EXPORT_FORBIDDEN');
    (await opensBlobs.unwrap((await classicRecordFor(opensBlobs.publicKey)).record, 0)).dispose();
    expect(await codeOfAsync(opensBlobs.sign(message('rsa-pkcs1-sha256')))).toBe(
      'EXPORT_FORBIDDEN',
    );
  });
});

describe('private keys', () => {
  it('leave by an export that both the key and the agent allow, and else not', async () => {
    await using closed = await startTestAgent({
      access: [{ users: 'all', rights: ['create', 'export', 'unwrap'] }],
    });
    const key = await exchangeKey(await closed.open());
    expect(await codeOfAsync(key.exportKey('pkcs8'))).toBe('EXPORT_FORBIDDEN');
    await using server = await startTestAgent({
      allowExport: true,
      access: [{ users: 'all', rights: ['create', 'export', 'change'] }],
    });
    const open = await exchangeKey(await server.open());
    using exported = await open.exportKey('pkcs8');
    expect(exported.length).toBeGreaterThan(100);
    await open.setProperty('exportPolicy', KEEP);
    expect(await codeOfAsync(open.exportKey('pkcs8'))).toBe('EXPORT_FORBIDDEN');
  });

  it('are in no answer to any operation: neither the primes of RSA nor the scalar of P-256', async () => {
    const folder = await temporaryFolder();
    await using server = await startTestAgent({
      allowExport: true,
      access: [
        {
          users: 'all',
          rights: [
            'create',
            'export',
            'change',
            'unwrap',
            'sign',
            'list',
            'delete',
            'manage',
            'legacy',
          ],
        },
      ],
      legacyBlobs: {
        keys: ['*'],
        secretFile: join(folder.path, 'legacy-secret'),
      },
    });
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const numbers = ['d', 'p', 'q', 'dp', 'dq', 'qi'].map((name) =>
      Buffer.from(
        String((rsa.privateKey.export({ format: 'jwk' }) as Record<string, unknown>)[name]),
        'base64url',
      ),
    );
    numbers.push(Buffer.from(ec.privateKey.export({ format: 'jwk' }).d!, 'base64url'));
    const client = rawClient(server.socket);
    const seen: Buffer[] = [];
    client.socket.on('data', (piece: Buffer) => seen.push(Buffer.from(piece)));
    await client.hello();
    let id = 0;
    const ask = (request: Record<string, unknown>) =>
      client.request({ id: ++id, ...request } as never);
    for (const [pair, spec, scheme] of [
      [rsa, 'AT_KEYEXCHANGE', 'rsa-pkcs1-sha256'],
      [ec, 'AT_SIGNATURE', 'ecdsa-sha256'],
      [ec, 'AT_KEYEXCHANGE', 'ecdsa-sha256'],
    ] as const) {
      const privateKey = new Uint8Array(pair.privateKey.export({ type: 'pkcs8', format: 'der' }));
      const made = await ask({
        op: 'import',
        arguments: { privateKey, name: 'kept', spec, options: { overwrite: true } },
      });
      const { handle: pending } = made.result as { handle: number };
      await ask({
        op: 'setPending',
        arguments: { handle: pending, property: 'exportPolicy', value: KEEP },
      });
      const finalized = await ask({
        op: 'finalize',
        arguments: { handle: pending, writeToLegacyStore: false },
      });
      const { handle, publicKey } = finalized.result as { handle: number; publicKey: Uint8Array };
      const record = (await recordFor(publicKey)).record.parts.bytes;
      for (const property of [
        'length',
        'exportPolicy',
        'keyUsage',
        'uiPolicy',
        'uniqueName',
        'modified',
        'posture',
        'custom:x',
        'pkcs8',
        'privateKey',
      ])
        await ask({ op: 'getProperty', arguments: { handle, property } });
      for (const format of ['pkcs8', 'PRIVATEKEYBLOB']) {
        const { error } = await ask({ op: 'export', arguments: { handle, format } });
        expect(error?.code).toBe('EXPORT_FORBIDDEN');
      }
      const open = await ask({
        op: 'setProperty',
        arguments: { handle, property: 'exportPolicy', value: { ...KEEP, plaintextExport: true } },
      });
      expect(open.error?.code).toBe('EXPORT_FORBIDDEN');
      await ask({ op: 'unwrap', arguments: { handle, record, recipient: 0 } });
      await ask({
        op: 'sign',
        arguments: { handle, kind: 'signed-attributes', scheme, message: message(scheme).bytes },
      });
      await ask({ op: 'createSessionKeyBlob', arguments: { handle, lengthInBits: 256 } });
      await ask({
        op: 'unwrapLegacyBlob',
        arguments: { handle, blob: new Uint8Array(268).fill(1) },
      });
      await ask({ op: 'open', arguments: { name: 'kept', spec } });
      await ask({ op: 'list', arguments: {} });
      await ask({ op: 'status', arguments: {} });
      await ask({ op: 'close', arguments: { handle: 999 } });
    }
    await ask({ op: 'lock', arguments: {} });
    await ask({ op: 'unlock', arguments: { passphrase: new Uint8Array(0) } });
    client.send(encodeRequest({ id: ++id, op: 'goodbye', arguments: {} }));
    await client.ended;
    const everything = Buffer.concat(seen);
    expect(everything.length).toBeGreaterThan(5000);
    for (const number of numbers)
      for (const bytes of [number, Buffer.from(number).reverse()]) {
        expect(everything.includes(bytes)).toBe(false);
        expect(everything.includes(bytes.subarray(8, 24))).toBe(false);
      }
  });
});

describe('audit log', () => {
  it('has a line for each use of a key and each refusal, and no secret', async () => {
    await using server = await startTestAgent();
    const client = await server.open();
    const key = await exchangeKey(client);
    const test = await recordFor(key.publicKey);
    using secret = await key.unwrap(test.record, 0);
    await codeOfAsync(key.exportKey('pkcs8'));
    await (await signatureKey(client)).sign(message('ecdsa-sha256'));
    await key.delete();
    const lines = await server.audit();
    expect(lines.map(({ op, outcome }) => [op, outcome])).toEqual([
      ['create', 'ok'],
      ['unwrap', 'ok'],
      ['export', 'AGENT_ACCESS_DENIED'],
      ['create', 'ok'],
      ['sign', 'ok'],
      ['delete', 'ok'],
    ]);
    for (const line of lines)
      expect(line).toMatchObject({ uid: OWN, key: 'archive', scope: 'user', pid: process.pid });
    expect(lines[1]).toMatchObject({
      record: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      spec: 'AT_KEYEXCHANGE',
    });
    expect(Date.parse(lines[0]!['time'] as string)).toBeGreaterThan(Date.now() - 60_000);
    const text = JSON.stringify(lines);
    for (const hidden of [secret.bytes, test.sessionKey])
      expect(text).not.toContain(Buffer.from(hidden).toString('hex').slice(0, 16));
  });

  it('that cannot be written stops the use of private keys', async () => {
    await using server = await startTestAgent({ auditFile: '/dev/full' });
    const client = await server.open();
    const codes = new Set<string>();
    const key = await exchangeKey(client);
    for (let n = 0; n < 20; n++) {
      codes.add(await codeOfAsync(opens(key)));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(codes).toContain('STORAGE_FULL');
    await client.status();
  });
});

function flipped(bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  // The last byte of keycask's own type of message.
  const at = Buffer.from(bytes).indexOf(Buffer.from([0x02, 0x02, 0x30])) + 1;
  changed[at]! ^= 0x40;
  return changed;
}

async function recordSignedBy(signer: SigningIdentity, publicKey: Uint8Array) {
  const { record } = await recordFor(publicKey);
  using key = SecretBytes.random(32);
  const recipient = { type: 'public-key', publicKey, keyId: keyIdentifier(publicKey) } as const;
  const { commitment, bind, ...metadata } = record.metadata;
  expect([commitment, bind]).not.toContain(undefined);
  const signingTime = record.parts.signingTime;
  const bytes = await sealKeyRecord(key, metadata, {
    recipients: [recipient],
    signer,
    signingTime,
  });
  const pin = { ...signer, trust: 'pinned' } as const;
  return verifyKeyRecord(bytes, { findSigner: () => pin });
}
