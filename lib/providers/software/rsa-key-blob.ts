/** RSA private keys as CryptoAPI's PRIVATEKEYBLOB: the form of a legacy container. */
import type { KeyObject } from 'node:crypto';
import { ALG_ID } from '../../blobs/alg-id.ts';
import type { LegacyKeySpec } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import { rsaPrivateKeyFromBlob, rsaPrivateKeyToBlob } from '../../keys/rsa-key-blob.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { exportPkcs8, readPkcs8 } from '../rules/private-key.ts';

/** @throws KeyStoreError NOT_SUPPORTED for a key that is not RSA, or that a PRIVATEKEYBLOB cannot hold. */
export function exportPrivateKeyBlob(privateKey: KeyObject, spec: LegacyKeySpec): SecretBytes {
  if (privateKey.asymmetricKeyType !== 'rsa')
    throw new KeyStoreError('NOT_SUPPORTED', 'a PRIVATEKEYBLOB holds an RSA key');
  const algId = spec === 'AT_SIGNATURE' ? ALG_ID.CALG_RSA_SIGN : ALG_ID.CALG_RSA_KEYX;
  using pkcs8 = exportPkcs8(privateKey);
  return rsaPrivateKeyToBlob(pkcs8.bytes, algId);
}

/** @throws KeyStoreError BLOB_MALFORMED. */
export function readPrivateKeyBlob(blob: SecretBytes): KeyObject {
  using pkcs8 = rsaPrivateKeyFromBlob(blob.bytes);
  return readPkcs8(pkcs8);
}
