/** Blobs and key files that Windows, .NET, Mono, OpenSSL and Wine made: all are read, and written back byte for byte. */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { equalBytes, fromHex, toHex } from '../../../lib/bytes/octets.ts';
import {
  decodeKeyBlob,
  decodePvk,
  decodeStrongNamePublicKey,
  encodeKeyBlob,
  encodePvk,
  encodeStrongNamePublicKey,
  type DssPrivateKeyBlob,
  type DssPublicKeyBlob,
} from '../../../lib/blobs/index.ts';
import { rsaPrivateKeyFromBlob } from '../../../lib/keys/rsa-key-blob.ts';
import { codeOf } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';
import { Tally } from '../../support/wycheproof.ts';

/** How many blobs of which layout each file holds: every string in it, however deep, that begins as one does. */
const FILES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'wine-tests-arrays': {
    PRIVATEKEYBLOB: 8,
    PUBLICKEYBLOB: 3,
    SIMPLEBLOB: 3,
    'DSS-PRIVATEKEYBLOB': 3,
  },
  'dotnet-csp-cng': { PUBLICKEYBLOB: 1, PRIVATEKEYBLOB: 1 },
  'mono-cspblob-pvk': {
    PRIVATEKEYBLOB: 1,
    // strongNameNUnit was cut 106 bytes before its end, within d. Windows reads such keys; without `shortTail` it is refused.
    'PRIVATEKEYBLOB with a short tail': 1,
    'DSS-PRIVATEKEYBLOB': 1,
    'DSS-PUBLICKEYBLOB': 1,
    'PVK, clear': 1,
    'PVK, encrypted': 1,
    'strong name': 1,
  },
  'openssl-msblob-pvk': {
    PRIVATEKEYBLOB: 13,
    PUBLICKEYBLOB: 4,
    'DSS-PRIVATEKEYBLOB': 4,
    'DSS-PUBLICKEYBLOB': 1,
    'PVK, clear': 5,
    'PVK, encrypted': 7,
  },
  'rfc3217-symmetricwrap': { SYMMETRICWRAPKEYBLOB: 2 },
  'encrypted-privatekeyblob-unverified': { PRIVATEKEYBLOB: 14, 'encrypted-PRIVATEKEYBLOB': 14 },
  'wine-capi-simpleblob-rsa': {
    SIMPLEBLOB: 68,
    PLAINTEXTKEYBLOB: 36,
    PRIVATEKEYBLOB: 18,
    PUBLICKEYBLOB: 4,
  },
  'wine-capi-signatures': { PRIVATEKEYBLOB: 8 },
  'wine-capi-derivekey': { PLAINTEXTKEYBLOB: 387 },
  'wine-capi-ciphers': {},
  'wine-capi-rc2-effective-salt': {},
  'wine-capi-mac-hash': {},
  'wine-container-protectdata': { PRIVATEKEYBLOB: 5 },
};

describeShared('blobs of other programs', () => {
  test.each(Object.keys(FILES))('%s: are read and written back byte for byte', (file) => {
    const tally = new Tally();
    for (const bytes of blobsOf(file)) {
      const { outcome, written } = roundTrip(bytes);
      tally.right(outcome, equalBytes(written, bytes), toHex(bytes));
    }
    expect(tally.counts).toEqual(FILES[file]);
  });

  test('of DSS: the public key is g^x mod p of the private one', () => {
    for (const file of ['mono-cspblob-pvk', 'openssl-msblob-pvk']) {
      const all = blobsOf(file).map((bytes) => roundTrip(bytes).decoded);
      const isPublic = (blob: unknown): blob is DssPublicKeyBlob =>
        (blob as DssPublicKeyBlob).type === 'DSS-PUBLICKEYBLOB';
      const isPrivate = (blob: unknown): blob is DssPrivateKeyBlob =>
        (blob as DssPrivateKeyBlob).type === 'DSS-PRIVATEKEYBLOB';
      const { prime, subprime, generator, publicKey, seed } = all.find(isPublic)!;
      const other = all.findLast(isPrivate)!;
      expect([other.prime, other.subprime, other.generator]).toEqual([prime, subprime, generator]);
      expect(other.seed).toEqual(seed);
      const p = number(prime);
      expect(power(number(generator), number(subprime), p)).toBe(1n);
      expect(power(number(generator), number(other.privateKey), p)).toBe(number(publicKey));
    }
  });

  test('one that ends within d becomes a key that signs', () => {
    const [short] = blobsOf('mono-cspblob-pvk').filter((bytes) => bytes.length === 490);
    using pkcs8 = rsaPrivateKeyFromBlob(short!, { shortTail: 'allow' });
    const key = createPrivateKey({ key: Buffer.from(pkcs8.bytes), format: 'der', type: 'pkcs8' });
    const message = Buffer.from('a message');
    const signature = sign('sha256', message, key);
    expect(verify('sha256', message, createPublicKey(key), signature)).toBe(true);
    expect(codeOf(() => rsaPrivateKeyFromBlob(short!))).toBe('BLOB_MALFORMED');
    expect(codeOf(() => decodeKeyBlob(short!))).toBe('BLOB_MALFORMED');
  });
});

function roundTrip(bytes: Uint8Array): { outcome: string; written: Uint8Array; decoded: unknown } {
  const start = toHex(bytes.subarray(0, 4));
  if (start === PVK) {
    const decoded = decodePvk(bytes);
    if (decoded.isEncrypted)
      return { outcome: 'PVK, encrypted', written: encodePvk(decoded), decoded };
    const keyBlob = encodeKeyBlob(decodeKeyBlob(decoded.keyBlob));
    return { outcome: 'PVK, clear', written: encodePvk({ ...decoded, keyBlob }), decoded };
  }
  if (start === STRONG_NAME) {
    const decoded = decodeStrongNamePublicKey(bytes);
    return { outcome: 'strong name', written: encodeStrongNamePublicKey(decoded), decoded };
  }
  const decoded = decodeKeyBlob(bytes, { shortTail: 'allow' });
  const written = encodeKeyBlob(decoded);
  if (decoded.type !== 'PRIVATEKEYBLOB' || decoded.privateExponent)
    return { outcome: decoded.type, written, decoded };
  return { outcome: 'PRIVATEKEYBLOB with a short tail', written, decoded };
}

/** Every string of a vector file that begins as a blob or a key file does. */
function blobsOf(file: string): Uint8Array[] {
  return [...stringsIn(sharedJson(`vectors/${file}.json`))]
    .filter((text) => START.test(text))
    .map((text) => fromHex(text)!);
}

function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) yield* stringsIn(inner);
}

function number(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`);
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (let [b, e] = [base, exponent]; e > 0n; e >>= 1n, b = (b * b) % modulus)
    if (e & 1n) result = (result * b) % modulus;
  return result;
}

const PVK = '1ef1b5b0';
const STRONG_NAME = '00240000';
/** CryptExportKey's first bytes (a type of wincrypt.h, version 2 or 3, reserved 0), PVK's magic, a strong name's SigAlgID; then hex. */
const START = /^(?:0[16-9a-c]0[23]0000|1ef1b5b0|00240000)(?:[0-9a-f]{2})+$/;
