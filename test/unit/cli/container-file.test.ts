/** Private keys of a container as files. */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { encodeDer, encodePem, readContainerKeys } from '../../../lib/cli/container-file.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { exportPrivateKeyBlob } from '../../../lib/providers/software/rsa-key-blob.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'keycask-private-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const pkcs8 = (key: typeof ec) => new Uint8Array(key.export({ format: 'der', type: 'pkcs8' }));
const keys = { exchange: SecretBytes.copy(pkcs8(ec)), signature: SecretBytes.copy(pkcs8(rsa)) };
let files = 0;

/** @returns Path of a new file. */
function fileOf(bytes: Uint8Array | string): string {
  const path = join(folder, `keys-${files++}`);
  writeFileSync(path, bytes);
  return path;
}

/** A certificate of a container in memory. */
async function certificate(role: 'exchange' | 'signature'): Promise<Uint8Array> {
  await using store = await SessionKeyStore.inMemory();
  return await store.certificate(role);
}

const pemOf = (der: Uint8Array) => new X509Certificate(der).toString();

/** @returns The keys of a file, PKCS#8. */
async function keysOf(path: string): Promise<(Uint8Array | undefined)[]> {
  const { exchange, signature } = await readContainerKeys(path);
  return [exchange.bytes, signature?.bytes];
}

describe('private keys in files', () => {
  test('bring their certificates along', async () => {
    const certificates = {
      exchange: await certificate('exchange'),
      signing: await certificate('signature'),
    };
    using der = encodeDer({ ...keys, certificates });
    expect(await readContainerKeys(fileOf(der.bytes))).toMatchObject({ certificates });
    using pem = encodePem({ ...keys, certificates });
    const read = await readContainerKeys(fileOf(pem.bytes));
    expect(read).toMatchObject({ certificates });
    expect(read.signature?.bytes).toEqual(keys.signature.bytes);
    const text = new TextDecoder().decode(pem.bytes);
    expect(text.trim().endsWith(pemOf(certificates.signing).trim())).toBe(true);
    const half = fileOf(text.slice(0, text.lastIndexOf('-----BEGIN')));
    await expect(readContainerKeys(half)).rejects.toMatchObject({ code: 'BLOB_MALFORMED' });
  });

  test('are written and read as DER, one after the other', async () => {
    using der = encodeDer(keys);
    expect(await keysOf(fileOf(der.bytes))).toEqual([keys.exchange.bytes, keys.signature.bytes]);
  });

  test('are written and read as PEM, as node:crypto writes it', async () => {
    using pem = encodePem(keys);
    const text = new TextDecoder().decode(pem.bytes);
    expect(text).toBe(
      [ec, rsa].map((key) => key.export({ format: 'pem', type: 'pkcs8' })).join(''),
    );
    expect(await keysOf(fileOf(pem.bytes))).toEqual([keys.exchange.bytes, keys.signature.bytes]);
  });

  test.each([1, 2, 3, 46, 47, 48, 49, 95, 96, 97])(
    'PEM of %d bytes is base64 in lines of 64',
    (length) => {
      using exchange = SecretBytes.random(length);
      using pem = encodePem({ exchange });
      const [, ...lines] = new TextDecoder().decode(pem.bytes).trimEnd().split('\n');
      expect(lines.slice(0, -1).join('')).toBe(Buffer.from(exchange.bytes).toString('base64'));
      expect(lines.slice(0, -2).every((line) => line.length === 64)).toBe(true);
    },
  );

  test('are read in other forms of PEM, with text around', async () => {
    const sec1 = ec.export({ format: 'pem', type: 'sec1' });
    expect(await keysOf(fileOf(`Bag Attributes\n${String(sec1)}`))).toEqual([pkcs8(ec), undefined]);
    const pkcs1 = rsa.export({ format: 'pem', type: 'pkcs1' });
    const crlf = fileOf(String(pkcs1).replaceAll('\n', '\r\n'));
    expect(await keysOf(crlf)).toEqual([pkcs8(rsa), undefined]);
  });

  test('are read from a PRIVATEKEYBLOB', async () => {
    using blob = exportPrivateKeyBlob(rsa, 'AT_KEYEXCHANGE');
    const read = await readContainerKeys(fileOf(blob.bytes));
    const key = createPrivateKey({
      key: Buffer.from(read.exchange.bytes),
      format: 'der',
      type: 'pkcs8',
    });
    expect(key.equals(rsa)).toBe(true);
  });

  test('are refused when a password encrypts them', async () => {
    const pem = ec.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' });
    await expect(readContainerKeys(fileOf(String(pem)))).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
  });

  test.each([
    ['nothing', new Uint8Array(0), 'BLOB_MALFORMED'],
    ['text', new TextEncoder().encode('hello'), 'BLOB_MALFORMED'],
    ['a DER sequence that is no key', Uint8Array.of(0x30, 0x00), 'BLOB_MALFORMED'],
    ['a key that is cut', pkcs8(ec).subarray(0, 100), 'BLOB_MALFORMED'],
    ['a length of 4 GiB', Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff), 'BLOB_MALFORMED'],
    ['three keys', Buffer.concat([pkcs8(ec), pkcs8(ec), pkcs8(ec)]), 'BLOB_MALFORMED'],
    [
      'a PEM heading alone',
      new TextEncoder().encode('-----BEGIN PRIVATE KEY-----\n'),
      'BLOB_MALFORMED',
    ],
    ['a PRIVATEKEYBLOB that is cut', Uint8Array.of(7, 2, 0, 0, 0, 0xa4, 0, 0), 'BLOB_MALFORMED'],
    ['64 KiB and more', new Uint8Array(65_537), 'BLOB_TOO_LARGE'],
  ])('are refused when the file holds %s', async (_, bytes, code) => {
    await expect(readContainerKeys(fileOf(bytes))).rejects.toMatchObject({ code });
  });
});
