/** The ALG_ID table against wincrypt.h's own construction of it. */
import { expect, test } from 'vitest';
import {
  ALG_ID,
  algClass,
  algIdName,
  algSid,
  algType,
  describeAlgId,
  plausibleKeyLengths,
} from '../../../lib/blobs/index.ts';

test.each([
  ['CALG_MD2', 'hash', 'any', 1],
  ['CALG_SHA_256', 'hash', 'any', 12],
  ['CALG_RSA_SIGN', 'signature', 'rsa', 0],
  ['CALG_DSS_SIGN', 'signature', 'dss', 0],
  ['CALG_ECDSA', 'signature', 'dss', 3],
  ['CALG_RSA_KEYX', 'key-exchange', 'rsa', 0],
  ['CALG_DH_EPHEM', 'key-exchange', 'dh', 2],
  ['CALG_ECDH', 'key-exchange', 'dh', 5],
  ['CALG_ECDH_EPHEM', 'key-exchange', 'ecdh', 6],
  ['CALG_DES', 'data-encrypt', 'block', 1],
  ['CALG_3DES_112', 'data-encrypt', 'block', 9],
  ['CALG_AES_256', 'data-encrypt', 'block', 16],
  ['CALG_RC4', 'data-encrypt', 'stream', 1],
  ['CALG_SSL3_MASTER', 'msg-encrypt', 'secure-channel', 1],
] as const)('%s is a %s algorithm of type %s, number %i', (name, klass, type, sid) => {
  const id = ALG_ID[name];
  expect([algClass(id), algType(id), algSid(id)]).toEqual([klass, type, sid]);
  expect(algIdName(id)).toBe(name);
});

test('every number has one name', () => {
  const ids = Object.values(ALG_ID);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toHaveLength(48);
});

test('an unknown number has no name and no class beyond 16 bits', () => {
  expect(algIdName(0x1234)).toBeUndefined();
  expect(describeAlgId(0x1234)).toBe('0x1234');
  expect(describeAlgId(ALG_ID.CALG_AES_256)).toBe('CALG_AES_256 (0x6610)');
  expect(algClass(ALG_ID.CALG_OID_INFO_CNG_ONLY)).toBeUndefined();
  expect(algType(ALG_ID.CALG_OID_INFO_CNG_ONLY)).toBeUndefined();
});

test('session keys have the lengths that the Microsoft providers give them', () => {
  expect(plausibleKeyLengths(ALG_ID.CALG_DES)).toEqual([8]);
  expect(plausibleKeyLengths(ALG_ID.CALG_3DES_112)).toEqual([16]);
  expect(plausibleKeyLengths(ALG_ID.CALG_3DES)).toEqual([24]);
  expect(plausibleKeyLengths(ALG_ID.CALG_AES)).toEqual([16, 24, 32]);
  expect(plausibleKeyLengths(ALG_ID.CALG_RC4)).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
  expect(plausibleKeyLengths(ALG_ID.CALG_RC2)).toEqual(plausibleKeyLengths(ALG_ID.CALG_RC4));
  expect(plausibleKeyLengths(ALG_ID.CALG_RSA_KEYX)).toEqual([]);
  expect(plausibleKeyLengths(0)).toEqual([]);
});
