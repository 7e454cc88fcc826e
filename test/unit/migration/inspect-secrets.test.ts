/** Nothing of a secret is in what inspect answers: no nine bytes of one, in hex or base64, in either byte order. */
import { createPrivateKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { decodeKeyBlob } from '../../../lib/blobs/key-blob.ts';
import { encodeUtf8, fromHex, reverseBytes, toHex } from '../../../lib/bytes/octets.ts';
import { inspect } from '../../../lib/migration/inspect.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';
import { testKeyPair, type TestKeyKind } from '../../support/signing-identity.ts';

const KINDS: readonly TestKeyKind[] = ['p-256', 'p-384', 'rsa-2048'];

describe('of a private key', () => {
  test.each(KINDS)('%s, in PKCS#8, in PEM, in hex and in base64', (kind) => {
    const { privateKey } = testKeyPair(kind);
    const secrets = jwkSecrets(privateKey.export({ format: 'jwk' }));
    expect(secrets.length).toBeGreaterThan(0);
    const der = privateKey.export({ type: 'pkcs8', format: 'der' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const jwk = JSON.stringify(privateKey.export({ format: 'jwk' }));
    for (const file of [
      der,
      encodeUtf8(String(pem)),
      encodeUtf8(jwk),
      encodeUtf8(toHex(der)),
      encodeUtf8(der.toString('base64')),
    ])
      expect(shownOf(secrets, file)).toBe(false);
  });

  test('that is damaged, or followed by other bytes', () => {
    const { privateKey } = testKeyPair('rsa-2048');
    const secrets = jwkSecrets(privateKey.export({ format: 'jwk' }));
    const der = privateKey.export({ type: 'pkcs8', format: 'der' });
    for (let cut = 8; cut < der.length; cut += 31)
      expect(shownOf(secrets, der.subarray(0, cut))).toBe(false);
    for (let at = 0; at < der.length; at += 37) {
      const changed = new Uint8Array(der);
      changed[at]! ^= 0x21;
      expect(shownOf(secrets, changed), `changed at ${at}`).toBe(false);
    }
  });
});

/** Of each file: the fields that are inspected, and those that are secrets. */
const FILES: readonly (readonly [file: string, inspected: string[], secrets: string[]])[] = [
  [
    'wine-capi-simpleblob-rsa',
    ['simpleblob', 'reimported_plaintextkeyblob', 'privatekeyblob', 'imported'],
    ['session_key', 'plaintext'],
  ],
  ['openssl-msblob-pvk', ['pvk', 'private_blob', 'blob', 'pkcs8_pem'], []],
  [
    'encrypted-privatekeyblob-unverified',
    ['privatekeyblob_plain', 'privatekeyblob_encrypted'],
    ['key'],
  ],
  ['rfc3217-symmetricwrap', ['symmetricwrapkeyblob'], ['kek', 'cek']],
  ['cng-blobs', ['blob', 'pkcs8_pem'], ['key', 'kek']],
  [
    'dpapi',
    [
      'blob',
      'masterkey_file',
      'file',
      'capi_key_file',
      'backup_key_secret',
      'private_plaintext',
      'privatekeyblob',
    ],
    ['master_key', 'prekey', 'plaintext', 'dpapi_system'],
  ],
  ['dpapi-ng', ['protected_blob', 'hex'], ['kek', 'cek', 'l2_key']],
  [
    'wine-container-protectdata',
    [
      'KeyExchangeKeyPair',
      'SignatureKeyPair',
      'blob',
      'expect_keyexchange_privatekeyblob',
      'expect_signature_privatekeyblob',
    ],
    ['plaintext'],
  ],
];

describeShared('of files that others made', () => {
  test.each(FILES)('%s', (file, inspected, secretFields) => {
    const { vectors } = sharedJson(`vectors/${file}.json`) as {
      vectors: Record<string, unknown>[];
    };
    let looked = 0;
    let secret = 0;
    for (const vector of vectors) {
      const given = secretFields.flatMap((field) => bytesOf(vector[field]));
      const found = inspected.flatMap((field) => bytesOf(vector[field]));
      const secrets = [...given, ...found.flatMap(secretsIn)].filter(
        ({ length }) => length >= WINDOW,
      );
      secret += secrets.length;
      for (const bytes of found) {
        expect(shownOf(secrets, bytes)).toBe(false);
        expect(shownOf(secrets, encodeUtf8(toHex(bytes)))).toBe(false);
        looked++;
      }
    }
    expect(looked).toBeGreaterThan(0);
    expect(secret).toBeGreaterThan(0);
  });
});

/** Private numbers of a blob or a PEM file. */
function secretsIn(bytes: Uint8Array): Uint8Array[] {
  if (toHex(bytes.subarray(0, 5)) === '2d2d2d2d2d') {
    const key = createPrivateKey(Buffer.from(bytes));
    return ['rsa', 'ec'].includes(key.asymmetricKeyType ?? '')
      ? jwkSecrets(key.export({ format: 'jwk' }))
      : [];
  }
  try {
    const blob = decodeKeyBlob(bytes) as unknown as Record<string, unknown>;
    return SECRET_NUMBERS.flatMap((name) => {
      const number = blob[name];
      return number instanceof Uint8Array ? [new Uint8Array(number)] : [];
    });
  } catch {
    return [];
  }
}

function jwkSecrets(jwk: object): Uint8Array[] {
  return ['d', 'p', 'q', 'dp', 'dq', 'qi'].flatMap((name) => {
    const text = (jwk as Record<string, unknown>)[name];
    return typeof text === 'string' ? [new Uint8Array(Buffer.from(text, 'base64url'))] : [];
  });
}

function bytesOf(value: unknown): Uint8Array[] {
  if (typeof value !== 'string' || value === '') return [];
  return [fromHex(value) ?? encodeUtf8(value)];
}

/** Whether a window of a secret is shown: in hex, in base64 of any alignment, in either byte order. */
function shownOf(secrets: readonly Uint8Array[], file: Uint8Array): boolean {
  const answer = JSON.stringify(inspect(file));
  // What is long enough for a window, and no more: most answers have nothing to look through.
  const hex = runsOf(answer.toLowerCase(), /[0-9a-f]{18,}/gu);
  const base64 = runsOf(answer, /[A-Za-z0-9+/]{12,}/gu);
  return secrets.some((secret) =>
    [secret, reverseBytes(secret)].some((bytes) => {
      for (let at = 0; at + WINDOW <= bytes.length; at++) {
        const window = bytes.subarray(at, at + WINDOW);
        // Zeros and other fillings are no secret.
        if (new Set(window).size < 4) continue;
        if (hex.includes(toHex(window)) || base64.includes(base64Of(window))) return true;
      }
      return false;
    }),
  );
}

function runsOf(text: string, run: RegExp): string {
  return (text.match(run) ?? []).join(' ');
}

/** Of nine bytes: twelve digits that depend on nothing beside them. Windows that begin one byte on are the other alignments. */
function base64Of(window: Uint8Array): string {
  return Buffer.from(window).toString('base64');
}

const WINDOW = 9;
const SECRET_NUMBERS = [
  'prime1',
  'prime2',
  'exponent1',
  'exponent2',
  'coefficient',
  'privateExponent',
  'privateKey',
  'key',
];
