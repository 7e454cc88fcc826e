/** Key blobs of CNG, and BCryptDeriveKeyCapi, through keycask/blobs, keycask/key-pairs and keycask/legacy. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { expect } from 'vitest';
import {
  decodeAesWrapKeyBlob,
  decodeCngBlob,
  encodeAesWrapKeyBlob,
  encodeCngBlob,
  type CngBlobType,
} from '../../../lib/blobs/index.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import { checkKeyPair, decodeKeyPair, encodeKeyPair } from '../../../lib/key-pairs/index.ts';
import { bcryptDeriveKeyCapi, capiHash } from '../../../lib/legacy/index.ts';
import { describeSharedVectors, type Verdict } from '../../support/account.ts';
import { hex, revealed } from '../../support/bytes.ts';
import { HASH_ALG_ID } from '../../support/capi-names.ts';
import { codeOfAsync } from '../../support/errors.ts';

interface BlobVector {
  readonly blob_type: CngBlobType;
  readonly blob: string;
  readonly pkcs8_pem?: string;
}
interface DeriveVector {
  readonly hash: string;
  readonly target: string;
  readonly len: number;
  readonly status: string;
  readonly out: string;
}
interface File {
  readonly vectors: readonly BlobVector[];
  readonly derive_key_capi_wine8: readonly DeriveVector[];
}

describeSharedVectors<BlobVector | DeriveVector, File>(
  'cng-blobs.json',
  async (vector) => ('blob' in vector ? judgeBlob(vector) : await judgeDerived(vector)),
  (file) => [...file.vectors, ...file.derive_key_capi_wine8],
);

function judgeBlob({ blob_type: type, blob, pkcs8_pem: pem }: BlobVector): Verdict {
  const bytes = hex(blob);
  if (type === 'Rfc3565KeyWrapBlob') {
    expect(toHex(encodeAesWrapKeyBlob(decodeAesWrapKeyBlob(bytes)))).toBe(blob);
    return { passed: 'wrapped keys read and written back' };
  }
  const decoded = decodeCngBlob(bytes, type);
  expect(decoded.type).toBe(type);
  expect(toHex(encodeCngBlob(decoded))).toBe(blob);
  if (pem === undefined) return { passed: 'session keys read and written back' };
  const { pair } = decodeKeyPair(bytes);
  const spki = createPublicKey(createPrivateKey(pem)).export({ format: 'der', type: 'spki' });
  expect(toHex(encodeKeyPair(pair, 'SPKI'))).toBe(toHex(spki));
  expect(checkKeyPair(pair)).toEqual([]);
  return { passed: 'key pairs read and written back, the keys of their PEMs' };
}

async function judgeDerived({ hash, target, len, status, out }: DeriveVector): Promise<Verdict> {
  const hashAlgId = HASH_ALG_ID[hash]!;
  const value = await capiHash(hashAlgId, new TextEncoder().encode('password'));
  const options = target === 'AES' ? ({ target } as const) : {};
  const derived = bcryptDeriveKeyCapi({ hashAlgId, value }, len, options);
  if (status === STATUS_INVALID_PARAMETER) {
    expect(await codeOfAsync(derived)).toBe('PARAMETER_INVALID');
    return { passed: 'lengths refused' };
  }
  const bytes = revealed(await derived);
  if (status !== STATUS_SUCCESS) {
    expect([target, bytes.length]).toEqual(['AES', 2 * len]);
    return { outOfScope: 'answers of Wine that it has no AES handle here, which Windows has' };
  }
  expect(bytes).toBe(out);
  return { passed: 'bytes of BCryptDeriveKeyCapi' };
}

/** ntstatus.h */
const STATUS_SUCCESS = '00000000';
const STATUS_INVALID_PARAMETER = 'c000000d';
