/** Pains of wrapped session keys: byte order, padding, the key pair that they were made for. */
import { constants, createPublicKey, privateDecrypt, publicEncrypt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../../lib/blobs/alg-id.ts';
import { encodePlaintextKeyBlob } from '../../../../lib/blobs/plaintext-key-blob.ts';
import { encodeSimpleBlob } from '../../../../lib/blobs/simple-blob.ts';
import { concatBytes, encodeUtf8, plainBytes, reverseBytes } from '../../../../lib/bytes/octets.ts';
import { SecretBytes } from '../../../../lib/keys/secret-bytes.ts';
import { importCapiKey } from '../../../../lib/legacy/capi-key.ts';
import { capiEncrypt } from '../../../../lib/legacy/cipher.ts';
import { wrapSimpleBlob } from '../../../../lib/legacy/simple-blob.ts';
import { diagnoseWith, findingOf, idsOf, oldKey } from '../../../support/diagnosing.ts';
import { makeWindowsProfile } from '../../../support/windows-profile.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const ours = oldKey();
const publicKey = createPublicKey(ours.privateKey);
const LETTER = encodeUtf8('The figures of the third quarter, as you asked for them on Monday.');

function sessionKey(length = 16): SecretBytes {
  return SecretBytes.random(length);
}

function wrapped(key: SecretBytes, algId: number = ALG_ID.CALG_AES_128): Uint8Array {
  return wrapSimpleBlob(publicKey, { algId, key });
}

/** A SIMPLEBLOB around any RSA block, big-endian. */
function around(block: Uint8Array, algId: number = ALG_ID.CALG_AES_128): Uint8Array {
  return encodeSimpleBlob({ algId, encryptedKey: block });
}

function rsa(block: Uint8Array): Uint8Array {
  return plainBytes(publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, block));
}

const atHand = { files: { 'exchange.key': ours.blob } };

test('a blob as CryptoAPI makes it opens, and there is nothing to complain about', async () => {
  using key = sessionKey();
  const diagnosis = await diagnoseWith({ bytes: wrapped(key) }, atHand);
  expect(diagnosis).toMatchObject({
    format: 'simpleblob',
    outcome: 'opened',
    opened: { padding: 'pkcs1', byteOrder: 'little-endian', algorithm: 'CALG_AES_128' },
    findings: [],
  });
  expect(diagnosis.opened?.by).toContain('exchange.key');
  expect(diagnosis.attempts.at(-1)).toMatchObject({ opened: true });
});

test('pain 1: the RSA block is big-endian, as other libraries write it', async () => {
  using key = sessionKey();
  const blob = wrapped(key);
  blob.set(reverseBytes(blob.subarray(12)), 12);
  const diagnosis = await diagnoseWith({ bytes: blob, symptom: 'Bad Data.' }, atHand);
  expect(diagnosis).toMatchObject({ outcome: 'opened', opened: { byteOrder: 'big-endian' } });
  expect(findingOf(diagnosis, 'RSA_BLOCK_REVERSED')).toMatchObject({
    certainty: 'certain',
    cause: expect.stringContaining('big-endian'),
    hint: expect.stringContaining('offset 12'),
  });
});

describe('pain 2: what should not be reversed was reversed', () => {
  test('the session key inside the blob', async () => {
    using key = sessionKey();
    using used = importCapiKey(ALG_ID.CALG_AES_128, reverseBytes(key.bytes));
    const data = await capiEncrypt(used, LETTER);
    const diagnosis = await diagnoseWith({ bytes: wrapped(key) }, { ...atHand, data });
    expect(diagnosis).toMatchObject({
      outcome: 'opened',
      opened: { keyOrder: 'reversed', dataOrder: 'natural', content: 'text' },
    });
    expect(findingOf(diagnosis, 'SESSION_KEY_REVERSED')).toMatchObject({
      hint: expect.stringContaining('Reverse the key'),
    });
  });

  test('the ciphertext', async () => {
    using key = sessionKey();
    using used = importCapiKey(ALG_ID.CALG_AES_128, key.bytes);
    const data = reverseBytes(await capiEncrypt(used, LETTER));
    const diagnosis = await diagnoseWith({ bytes: wrapped(key) }, { ...atHand, data });
    expect(diagnosis.opened).toMatchObject({ keyOrder: 'natural', dataOrder: 'reversed' });
    expect(idsOf(diagnosis)).toEqual(['CIPHERTEXT_REVERSED']);
  });
});

describe('pain 3: the blob does not tell its padding', () => {
  test('CRYPT_OAEP', async () => {
    using key = sessionKey();
    const blob = wrapSimpleBlob(
      publicKey,
      { algId: ALG_ID.CALG_AES_128, key },
      { padding: 'oaep' },
    );
    const diagnosis = await diagnoseWith({ bytes: blob }, atHand);
    expect(diagnosis.opened).toMatchObject({ padding: 'oaep', byteOrder: 'little-endian' });
    expect(findingOf(diagnosis, 'OAEP_PADDING')?.hint).toContain('CRYPT_OAEP');
  });

  test('OAEP of CNG, where the hash is another one', async () => {
    using key = sessionKey();
    const options = { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING };
    const block = plainBytes(publicEncrypt({ ...options, oaepHash: 'sha256' }, key.bytes));
    const diagnosis = await diagnoseWith({ bytes: around(block) }, atHand);
    expect(diagnosis).toMatchObject({ outcome: 'opened', opened: { padding: 'oaep-sha256' } });
    expect(findingOf(diagnosis, 'OAEP_OTHER_HASH')?.cause).toContain('OAEP-SHA256');
  });

  test('PKCS#1 with too little padding, which Wine takes', async () => {
    const long = new Uint8Array(120).fill(9);
    const blob = around(
      rsa(concatBytes(Uint8Array.of(0, 2, 7, 7, 7, 7, 7, 0), long)),
      ALG_ID.CALG_RC2,
    );
    expect(idsOf(await diagnoseWith({ bytes: blob }, atHand))).toContain('PADDING_SHORT');
  });

  test('a length that no key of this algorithm has', async () => {
    using key = sessionKey(20);
    const padded = new Uint8Array(128).fill(5);
    padded.set([0, 2]);
    padded[107] = 0;
    padded.set(key.bytes, 108);
    const diagnosis = await diagnoseWith({ bytes: around(rsa(padded)) }, atHand);
    expect(findingOf(diagnosis, 'KEY_LENGTH_IMPLAUSIBLE')?.cause).toContain('inside are 20 bytes');
  });

  test('no padding at all', async () => {
    using key = sessionKey();
    const block = rsa(concatBytes(new Uint8Array(112), key.bytes));
    const diagnosis = await diagnoseWith({ bytes: around(block) }, atHand);
    expect(idsOf(diagnosis)).toEqual(['NO_PADDING']);
  });
});

test('pain 4: Node refuses PKCS#1 v1.5, and our reading works all the same', async () => {
  using key = sessionKey();
  const blob = wrapped(key);
  const symptom = nodeSays(reverseBytes(blob.subarray(12)));
  const diagnosis = await diagnoseWith({ bytes: blob, symptom }, atHand);
  expect(diagnosis).toMatchObject({ outcome: 'opened', opened: { padding: 'pkcs1' } });
  expect(findingOf(diagnosis, 'NODE_REFUSES_PKCS1')).toMatchObject({
    certainty: 'certain',
    hint: expect.stringContaining('--security-revert'),
  });
});

/** The message of this Node, or of Node 20 where this one answers random bytes. */
function nodeSays(block: Uint8Array): string {
  try {
    const options = { key: ours.privateKey, padding: constants.RSA_PKCS1_PADDING };
    privateDecrypt(options, block);
  } catch (error) {
    return String(error);
  }
  return 'TypeError: RSA_PKCS1_PADDING is no longer supported for private decryption';
}

test('pain 14: a blob of the NULL key, which wraps nothing', async () => {
  using key = sessionKey();
  const padded = new Uint8Array(128).fill(5);
  padded.set([0, 2]);
  padded[111] = 0;
  padded.set(key.bytes, 112);
  const diagnosis = await diagnoseWith({ bytes: around(padded) });
  expect(diagnosis).toMatchObject({ outcome: 'opened', opened: { by: 'no key' } });
  expect(findingOf(diagnosis, 'EXPONENT_OF_ONE')).toMatchObject({
    certainty: 'certain',
    cause: expect.stringContaining('in the clear'),
    hint: expect.stringContaining('encrypt the data again'),
  });
});

describe('pain 15: NTE_BAD_DATA, and the key pair is gone', () => {
  test('no key of this size is at hand', async () => {
    using key = sessionKey();
    const files = { 'other.key': oldKey(2048).blob };
    const diagnosis = await diagnoseWith({ bytes: wrapped(key), symptom: '0x80090005' }, { files });
    expect(diagnosis.outcome).toBe('closed');
    expect(findingOf(diagnosis, 'KEY_PAIR_OF_OTHER_SIZE')?.cause).toContain(
      'wrapped for an RSA key of 1024 bits, and those at hand have others (2048)',
    );
    expect(findingOf(diagnosis, 'KEY_PAIR_GONE')?.cause).toContain('cannot be recovered');
    expect(findingOf(diagnosis, 'KEY_PAIR_GONE')?.hint).toContain('backup authority');
  });

  test('keys of this size are, and each was tried in every way', async () => {
    using key = sessionKey();
    const files = { 'a.key': oldKey().blob, 'b.key': oldKey().blob };
    const diagnosis = await diagnoseWith({ bytes: wrapped(key) }, { files });
    expect(findingOf(diagnosis, 'KEY_PAIR_IS_ANOTHER')?.cause).toContain('2 have its 1024 bits');
    for (const name of ['a.key', 'b.key'])
      for (const padding of ['pkcs1', 'oaep'])
        for (const byteOrder of ['little-endian', 'big-endian'])
          expect(diagnosis.attempts).toContainEqual({
            with: expect.stringContaining(name),
            padding,
            byteOrder,
            opened: false,
          });
  });

  test('a container of this size is there, sealed: it is named', async () => {
    using key = sessionKey();
    const folder = await temporaryFolder();
    try {
      await makeWindowsProfile(folder.path, {
        sid: 'S-1-5-21-1-2-3-1001',
        password: 'long ago',
        capi: [{ name: 'Archive', exchange: ours.privateKey }],
      });
      const closed = await diagnoseWith({ bytes: wrapped(key) }, { folders: [folder.path] });
      expect(findingOf(closed, 'CONTAINER_STILL_SEALED')?.cause).toContain('"Archive"');
      const opened = await diagnoseWith(
        { bytes: wrapped(key) },
        { folders: [folder.path], passwords: ['wrong', 'long ago'] },
      );
      expect(opened).toMatchObject({ outcome: 'opened', findings: [] });
      expect(opened.opened).toMatchObject({
        by: expect.stringContaining('container "Archive", exchange key, of the user'),
        container: 'Archive',
        slot: 'exchange',
        scope: 'user',
        sid: 'S-1-5-21-1-2-3-1001',
      });
    } finally {
      await folder.remove();
    }
  });
});

test('a blob that was cut is damaged, and says so', async () => {
  using key = sessionKey();
  const diagnosis = await diagnoseWith({ bytes: wrapped(key).subarray(0, 40) }, atHand);
  expect(diagnosis).toMatchObject({ outcome: 'damaged' });
  expect(idsOf(diagnosis)).toEqual(['DAMAGED']);
});

test('a session key in the clear, and what it encrypted', async () => {
  using key = sessionKey();
  using used = importCapiKey(ALG_ID.CALG_AES_128, key.bytes);
  const blob = encodePlaintextKeyBlob({ algId: ALG_ID.CALG_AES_128, key: key.bytes });
  const data = await capiEncrypt(used, LETTER);
  const diagnosis = await diagnoseWith({ bytes: data }, { files: { 'session.key': blob } });
  expect(diagnosis).toMatchObject({ outcome: 'opened', opened: { content: 'text' } });
});
