/** The double of ncrypt.dll: private halves that a key is given before it is finalized ("Key Import and Export"). */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hasDouble, useFreshStore } from '../../native/ncrypt-double/fresh-store.ts';
import {
  createKey,
  deleteKey,
  exportKey,
  finalizeKey,
  getNumber,
  must,
  openKey,
  setProperty,
} from '../../native/ncrypt-double/raw-ncrypt.ts';
import { ecBlobOf, rsaBlobOf } from './blob-keys.ts';

const AT_SIGNATURE = 2;

describe.runIf(hasDouble)('the ncrypt double: a key that is given its private half', () => {
  const store = useFreshStore();
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

  test('is that key, by the name of the blob or of any private blob', () => {
    const ways = [
      ['RSA', 'RSAFULLPRIVATEBLOB', rsaBlobOf(rsa, 8)],
      ['RSA', 'RSAPRIVATEBLOB', rsaBlobOf(rsa, 4)],
      ['RSA', 'PRIVATEBLOB', rsaBlobOf(rsa, 8)],
      ['ECDH_P256', 'ECCPRIVATEBLOB', ecBlobOf(ec, 'ECK2')],
      ['ECDSA_P256', 'PRIVATEBLOB', ecBlobOf(ec, 'ECS2')],
    ] as const;
    for (const [algorithm, type, blob] of ways) {
      const key = must(createKey(store.provider, algorithm, 'k', { spec: AT_SIGNATURE }));
      expect(setProperty(key, type, blob)).toBe('ok');
      expect(finalizeKey(key)).toBe('ok');
      const again = must(openKey(store.provider, 'k', { spec: AT_SIGNATURE }));
      expect(getNumber(again, 'Length')).toEqual(['ok', algorithm === 'RSA' ? 1024 : 256]);
      const publicType = algorithm === 'RSA' ? 'RSAPUBLICBLOB' : 'ECCPUBLICBLOB';
      const publicBlob = Buffer.from(must(exportKey(again, publicType)));
      // After the header both blobs begin alike.
      const header = algorithm === 'RSA' ? 24 : 8;
      const body = publicBlob.subarray(header);
      expect(body.equals(Buffer.from(blob).subarray(header, header + body.length))).toBe(true);
      expect(deleteKey(again)).toBe('ok');
    }
  });

  test('cannot be of another algorithm, damaged, public, or finalized', () => {
    const create = (algorithm: string) => must(createKey(store.provider, algorithm, null));
    const dh = ecBlobOf(ec, 'ECK2');
    expect(setProperty(create('RSA'), 'ECCPRIVATEBLOB', dh)).toBe('NTE_NOT_SUPPORTED');
    expect(setProperty(create('RSA'), 'PRIVATEBLOB', dh)).toBe('NTE_INVALID_PARAMETER');
    expect(setProperty(create('ECDSA_P256'), 'PRIVATEBLOB', dh)).toBe('NTE_INVALID_PARAMETER');
    expect(setProperty(create('ECDH_P384'), 'PRIVATEBLOB', dh)).toBe('NTE_INVALID_PARAMETER');
    for (const length of [0, 3, dh.length - 1])
      expect(setProperty(create('ECDH_P256'), 'PRIVATEBLOB', dh.subarray(0, length))).toBe(
        'NTE_BAD_DATA',
      );
    expect(setProperty(create('RSA'), 'PRIVATEBLOB', rsaBlobOf(rsa, 2))).toBe('NTE_BAD_DATA');
    const key = create('ECDH_P256');
    expect(finalizeKey(key)).toBe('ok');
    expect(setProperty(key, 'PRIVATEBLOB', dh)).toBe('NTE_INVALID_HANDLE');
  });
});
