/** ALG_IDs by the names that the vectors of CryptoAPI use. */
import { ALG_ID } from '../../lib/blobs/alg-id.ts';

export const HASH_ALG_ID: Readonly<Record<string, number>> = {
  md2: ALG_ID.CALG_MD2,
  md4: ALG_ID.CALG_MD4,
  md5: ALG_ID.CALG_MD5,
  sha1: ALG_ID.CALG_SHA1,
  sha256: ALG_ID.CALG_SHA_256,
  sha384: ALG_ID.CALG_SHA_384,
  sha512: ALG_ID.CALG_SHA_512,
};

export const CIPHER_ALG_ID: Readonly<Record<string, number>> = {
  rc2: ALG_ID.CALG_RC2,
  rc4: ALG_ID.CALG_RC4,
  des: ALG_ID.CALG_DES,
  '3des': ALG_ID.CALG_3DES,
  '3des_112': ALG_ID.CALG_3DES_112,
  aes128: ALG_ID.CALG_AES_128,
  aes192: ALG_ID.CALG_AES_192,
  aes256: ALG_ID.CALG_AES_256,
};
