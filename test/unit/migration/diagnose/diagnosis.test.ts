/** No secret is in a diagnosis, whatever it is of; and bytes of any kind are an answer. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { ALG_ID } from '../../../../lib/blobs/alg-id.ts';
import { encodePlaintextKeyBlob } from '../../../../lib/blobs/plaintext-key-blob.ts';
import { encodeSimpleBlob } from '../../../../lib/blobs/simple-blob.ts';
import {
  concatBytes,
  encodeUtf8,
  plainBytes,
  reverseBytes,
  toHex,
} from '../../../../lib/bytes/octets.ts';
import { SecretBytes } from '../../../../lib/keys/secret-bytes.ts';
import { importCapiKey } from '../../../../lib/legacy/capi-key.ts';
import { capiEncrypt } from '../../../../lib/legacy/cipher.ts';
import { cryptDeriveKey } from '../../../../lib/legacy/derive-key.ts';
import { capiHash } from '../../../../lib/legacy/hash.ts';
import { sealPvk } from '../../../../lib/legacy/pvk.ts';
import { wrapSimpleBlob } from '../../../../lib/legacy/simple-blob.ts';
import { diagnose } from '../../../../lib/migration/diagnose.ts';
import type { Diagnosis } from '../../../../lib/migration/diagnosis.ts';
import { RULES } from '../../../../lib/migration/diagnose/rules.ts';
import { diagnoseWith, oldKey } from '../../../support/diagnosing.ts';

const ours = oldKey();
const PASSWORD = 'correct horse battery';
const PLAINTEXT = 'The bid is four million two hundred thousand, in a sealed envelope.';

/** Nothing of these, in hex or base64, in either byte order; nothing of the texts. */
function expectNoSecret(diagnosis: Diagnosis, secrets: readonly Uint8Array[]): void {
  const json = JSON.stringify(diagnosis);
  expect(JSON.parse(json)).toEqual(diagnosis);
  expect(json).not.toContain(PASSWORD.slice(0, 9));
  expect(json).not.toContain(PLAINTEXT.slice(4, 12));
  for (const secret of secrets)
    for (const bytes of [secret, reverseBytes(secret)])
      for (let at = 0; at + 8 <= bytes.length; at++) {
        const part = bytes.subarray(at, at + 8);
        if (new Set(part).size < 4) continue;
        expect(json.toLowerCase()).not.toContain(toHex(part));
        expect(json).not.toContain(Buffer.from(part).toString('base64').slice(0, 10));
      }
}

test('no secret is in what is said of a blob that opens, and of its data', async () => {
  using key = SecretBytes.random(16);
  for (const padding of ['pkcs1', 'oaep'] as const) {
    using used = importCapiKey(ALG_ID.CALG_RC2, reverseBytes(key.bytes));
    const bytes = wrapSimpleBlob(ours.privateKey, { algId: ALG_ID.CALG_RC2, key }, { padding });
    const data = await capiEncrypt(used, encodeUtf8(PLAINTEXT), { mode: 'ecb' });
    const diagnosis = await diagnoseWith(
      { bytes },
      { files: { 'exchange.key': ours.blob }, data, passwords: [PASSWORD] },
    );
    expect(diagnosis.opened?.content).toBe('text');
    expectNoSecret(diagnosis, [key.bytes, ours.blob.subarray(20 + 128)]);
  }
});

test('nor of blobs in the clear, of passwords, of encrypted keys', async () => {
  using key = SecretBytes.random(16);
  const clear = encodePlaintextKeyBlob({ algId: ALG_ID.CALG_AES_128, key: key.bytes });
  expectNoSecret(await diagnoseWith({ bytes: clear }), [key.bytes]);
  const padded = concatBytes(Uint8Array.of(0, 2), new Uint8Array(109).fill(5), Uint8Array.of(0));
  const encryptedKey = concatBytes(padded, key.bytes);
  const nullKey = encodeSimpleBlob({ algId: ALG_ID.CALG_AES_128, encryptedKey });
  expectNoSecret(await diagnoseWith({ bytes: nullKey }), [key.bytes]);
  const pvk = await sealPvk(ours.blob, {
    keySpec: 1,
    password: encodeUtf8(PASSWORD),
    protection: 'strong',
  });
  const opened = await diagnoseWith({ bytes: pvk }, { passwords: [PASSWORD] });
  expect(opened.outcome).toBe('opened');
  expectNoSecret(opened, [ours.blob.subarray(20 + 128)]);
  const value = await capiHash(ALG_ID.CALG_SHA1, encodeUtf8(PASSWORD));
  using derived = await cryptDeriveKey(
    { hashAlgId: ALG_ID.CALG_SHA1, value },
    { algId: ALG_ID.CALG_3DES },
  );
  const data = await capiEncrypt(derived, encodeUtf8(PLAINTEXT));
  const byPassword = await diagnoseWith({ bytes: data }, { passwords: [PASSWORD] });
  expect(byPassword.outcome).toBe('opened');
  expectNoSecret(byPassword, [derived.key.bytes, value]);
});

test('random bytes behind every mark, with every symptom there is', async () => {
  const marks = [1, 6, 7, 8, 9, 0x0b].map((type) => [type, 2, 0, 0, 1, 0x68, 0, 0, 0, 0xa4, 0, 0]);
  const symptom = RULES.map((rule) => rule.symptom).join(' ');
  for (const mark of [...marks, [2, 0, 0, 0], [1, 0, 0, 0], [0x1e, 0xf1, 0xb5, 0xb0]])
    for (const length of [0, 4, 8, 60, 128, 300]) {
      const bytes = concatBytes(Uint8Array.from(mark), plainBytes(randomBytes(length)));
      const { findings } = await diagnose({ bytes, symptom });
      expect(findings.every(({ cause, hint }) => cause !== '' && hint !== '')).toBe(true);
    }
});

test('every name in a sentence is filled in', async () => {
  for (const { cause, hint } of (await diagnose({ symptom: SYMPTOMS })).findings)
    expect(`${cause} ${hint}`).not.toMatch(/\{\w+\}/u);
});

const SYMPTOMS = RULES.map(({ symptom }) => symptom).join(' ');
