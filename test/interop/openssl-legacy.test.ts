/** What CryptoAPI wraps, encrypts, signs and keeps in PVK files is made by OpenSSL and opened by keycask, and the other way round. */
import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { significant } from '../../lib/blobs/rsa-bounds.ts';
import { encodeSimpleBlob } from '../../lib/blobs/simple-blob.ts';
import { DerReader } from '../../lib/bytes/der-reader.ts';
import { TAG } from '../../lib/bytes/der-tags.ts';
import { sequence, tlv } from '../../lib/bytes/der-writer.ts';
import { encodeUtf8, reverseBytes, toHex } from '../../lib/bytes/octets.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { importLegacyPrivateKey } from '../../lib/legacy/legacy-key.ts';
import { openPvk, sealPvk } from '../../lib/legacy/pvk.ts';
import { capiRsaDecrypt, capiRsaEncrypt } from '../../lib/legacy/rsa-encryption.ts';
import { capiSign, capiVerify } from '../../lib/legacy/signature.ts';
import { unwrapSimpleBlob, wrapSimpleBlob } from '../../lib/legacy/simple-blob.ts';
import { hex } from '../support/bytes.ts';
import { describeOpenssl, openssl } from '../support/openssl.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
const dsa = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 });
const KEY = hex('00112233445566778899aabbccddeeff');

let folder: TemporaryFolder;
const run = (line: string) => openssl(folder.path, ...line.split(' '));
const read = async (name: string) => new Uint8Array(await readFile(join(folder.path, name)));
const write = (name: string, content: string | Uint8Array) =>
  writeFile(join(folder.path, name), content);

beforeAll(async () => {
  folder = await temporaryFolder();
  for (const [name, { privateKey, publicKey }] of Object.entries({ rsa, dsa })) {
    await write(`${name}.pem`, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await write(`${name}.pub`, publicKey.export({ type: 'spki', format: 'pem' }));
  }
  await write('key', KEY);
});
afterAll(() => folder.remove());

describeOpenssl('PVK files', () => {
  it.each([
    ['rsa', 'none'],
    ['rsa', 'weak'],
    ['rsa', 'strong'],
    ['dsa', 'none'],
    ['dsa', 'weak'],
    ['dsa', 'strong'],
  ] as const)('of a key of %s, protection %s, are opened', async (type, protection) => {
    const how = `-outform PVK -pvk-${protection} -passout pass:secret ${LEGACY}`;
    await run(`${type} -in ${type}.pem -out key.pvk ${how}`);
    using opened = await openPvk(await read('key.pvk'), encodeUtf8('secret'));
    expect(opened.protection).toBe(protection);
    const { privateKey } = type === 'rsa' ? rsa : dsa;
    expect(importLegacyPrivateKey(opened.blob.bytes).equals(privateKey)).toBe(true);
  });

  it.each([
    ['rsa', 'weak'],
    ['rsa', 'strong'],
    ['dsa', 'weak'],
    ['dsa', 'strong'],
  ] as const)('of a key of %s, protection %s, are read by openssl', async (type, protection) => {
    await run(`${type} -in ${type}.pem -outform MSBLOB -out key.blob`);
    const password = encodeUtf8('secret');
    const options = { keySpec: 2, password, protection } as const;
    await write('key.pvk', await sealPvk(await read('key.blob'), options));
    await run(`${type} -inform PVK -in key.pvk -passin pass:secret -out again.pem ${LEGACY}`);
    const { privateKey } = type === 'rsa' ? rsa : dsa;
    await run('pkcs8 -topk8 -nocrypt -in again.pem -outform DER -out again.der');
    expect(importLegacyPrivateKey(await read('again.der')).equals(privateKey)).toBe(true);
  });
});

describeOpenssl('RSA ciphertexts', () => {
  const PADDINGS = [
    ['pkcs1', 'rsa_padding_mode:pkcs1', {}],
    ['oaep', 'rsa_padding_mode:oaep', { padding: 'oaep' }],
    [
      'oaep with a label',
      'rsa_padding_mode:oaep -pkeyopt rsa_oaep_label:00ff10',
      { padding: 'oaep', label: hex('00ff10') },
    ],
  ] as const;

  it.each(PADDINGS)('with %s are session keys and messages', async (_, option, options) => {
    await run(`pkeyutl -encrypt -pubin -inkey rsa.pub -in key -out enc -pkeyopt ${option}`);
    const encryptedKey = await read('enc');
    const blob = encodeSimpleBlob({ algId: ALG_ID.CALG_AES_128, encryptedKey });
    using key = await unwrapSimpleBlob(blob, rsa.privateKey, options);
    using message = capiRsaDecrypt(rsa.privateKey, reverseBytes(encryptedKey), options);
    expect([toHex(key.key.bytes), toHex(message.bytes)]).toEqual([toHex(KEY), toHex(KEY)]);
  });

  it.each(PADDINGS)('with %s are decrypted by openssl', async (_, option, options) => {
    using key = SecretBytes.copy(KEY);
    const blob = wrapSimpleBlob(rsa.publicKey, { algId: ALG_ID.CALG_AES_128, key }, options);
    const ciphertext = capiRsaEncrypt(rsa.publicKey, key, options);
    for (const reversed of [blob.subarray(12), ciphertext]) {
      await write('enc', reverseBytes(reversed));
      await run(`pkeyutl -decrypt -inkey rsa.pem -in enc -out dec -pkeyopt ${option}`);
      expect(toHex(await read('dec'))).toBe(toHex(KEY));
    }
  });
});

describeOpenssl('signatures', () => {
  const HASHES = [
    ['md5', ALG_ID.CALG_MD5],
    ['sha1', ALG_ID.CALG_SHA1],
    ['sha256', ALG_ID.CALG_SHA_256],
    ['sha384', ALG_ID.CALG_SHA_384],
    ['sha512', ALG_ID.CALG_SHA_512],
  ] as const;

  it.each(HASHES)('of RSA with %s verify on both sides', async (name, hashAlgId) => {
    const signed = { hashAlgId, data: KEY };
    await run(`dgst -${name} -sign rsa.pem -out sig key`);
    expect(await capiVerify(rsa.publicKey, signed, reverseBytes(await read('sig')))).toBe(true);
    await write('sig', reverseBytes(await capiSign(rsa.privateKey, signed)));
    expect(await run(`dgst -${name} -verify rsa.pub -signature sig key`)).toContain('Verified OK');
  });

  it('of X9.31 verify on both sides, whichever of s and n - s is the smaller', async () => {
    for (let i = 0; i < 8; i++) {
      const data = Uint8Array.of(i);
      const signed = { hashAlgId: ALG_ID.CALG_SHA1, data };
      const x931 = 'dgst -sha1 -sigopt rsa_padding_mode:x931';
      await write('data', data);
      await run(`${x931} -sign rsa.pem -out sig data`);
      const signature = reverseBytes(await read('sig'));
      expect(await capiVerify(rsa.publicKey, signed, signature, { x931: true })).toBe(true);
      expect(await capiVerify(rsa.publicKey, signed, signature)).toBe(false);
      const other = { ...signed, data: KEY };
      expect(await capiVerify(rsa.publicKey, other, signature, { x931: true })).toBe(false);
      await write('sig', reverseBytes(await capiSign(rsa.privateKey, signed, { x931: true })));
      expect(await run(`${x931} -verify rsa.pub -signature sig data`)).toContain('Verified OK');
    }
  });

  it('of DSS verify on both sides', async () => {
    const signed = { hashAlgId: ALG_ID.CALG_SHA1, data: KEY };
    await run('dgst -sha1 -sign dsa.pem -out sig key');
    const [r, s] = (await read('sig').then(derIntegers)).map(reverseBytes);
    expect(await capiVerify(dsa.publicKey, signed, Uint8Array.of(...r!, ...s!))).toBe(true);
    const own = await capiSign(dsa.privateKey, signed);
    await write('sig', derOfHalves(own));
    expect(await run('dgst -sha1 -verify dsa.pub -signature sig key')).toContain('Verified OK');
  });
});

const LEGACY = '-provider legacy -provider default';

/** The numbers of SEQUENCE { INTEGER, INTEGER }, as 20 bytes each. */
function derIntegers(der: Uint8Array): Uint8Array[] {
  const r = new DerReader(der, 'Dss-Sig-Value').enter(TAG.SEQUENCE, 'Dss-Sig-Value');
  return ['r', 's'].map((field) => {
    const number = r.positive(field);
    const padded = new Uint8Array(20);
    padded.set(number, 20 - number.length);
    return padded;
  });
}

/** Dss-Sig-Value of r and s, each little-endian. */
function derOfHalves(signature: Uint8Array): Uint8Array {
  const halves = [signature.subarray(0, 20), signature.subarray(20)].map(reverseBytes);
  const numbers = halves.map((half) => {
    const number = significant(half);
    const sign = number[0]! & 0x80 ? [0] : [];
    return tlv(TAG.INTEGER, Uint8Array.from(sign), number);
  });
  return sequence(...numbers);
}
