/** Keys under session keys: RFC 3217 in the frame of a SYMMETRICWRAPKEYBLOB, and encrypted PRIVATEKEYBLOBs. */
import { expect } from 'vitest';
import {
  ALG_ID,
  decodeKeyBlob,
  decodeSymmetricWrapKeyBlob,
  encodeKeyBlob,
} from '../../../lib/blobs/index.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import {
  importCapiKey,
  openEncryptedPrivateKeyBlob,
  unwrapSymmetricWrapBlob,
} from '../../../lib/legacy/index.ts';
import { describeSharedVectors, type Verdict } from '../../support/account.ts';
import { hex } from '../../support/bytes.ts';
import { CIPHER_ALG_ID } from '../../support/capi-names.ts';

interface WrapVector {
  readonly kek: string;
  readonly cek: string;
  readonly effective_bits?: number;
  readonly wrapped: string;
  readonly symmetricwrapkeyblob: string;
}

describeSharedVectors<WrapVector>(
  'rfc3217-symmetricwrap.json',
  async (vector): Promise<Verdict> => {
    const { effective_bits: effectiveBits } = vector;
    const blob = hex(vector.symmetricwrapkeyblob);
    expect(toHex(decodeSymmetricWrapKeyBlob(blob).wrappedKey)).toBe(vector.wrapped);
    expect(toHex(encodeKeyBlob(decodeKeyBlob(blob)))).toBe(vector.symmetricwrapkeyblob);
    using kek = effectiveBits
      ? importCapiKey(ALG_ID.CALG_RC2, hex(vector.kek), { effectiveBits })
      : importCapiKey(ALG_ID.CALG_3DES, hex(vector.kek));
    using key = await unwrapSymmetricWrapBlob(blob, kek);
    expect([toHex(key.key.bytes), key.algId]).toEqual([vector.cek, kek.algId]);
    return { passed: 'keys unwrapped' };
  },
);

interface EncryptedVector {
  readonly alg: string;
  readonly key: string;
  readonly salt: string;
  readonly privatekeyblob_plain: string;
  readonly privatekeyblob_encrypted: string;
}

describeSharedVectors<EncryptedVector>(
  'encrypted-privatekeyblob-unverified.json',
  async (vector): Promise<Verdict> => {
    const algId = CIPHER_ALG_ID[vector.alg]!;
    const blob = hex(vector.privatekeyblob_encrypted);
    expect(toHex(encodeKeyBlob(decodeKeyBlob(hex(vector.privatekeyblob_plain))))).toBe(
      vector.privatekeyblob_plain,
    );
    using key = importCapiKey(algId, hex(vector.key));
    for (const candidate of [key, hex(vector.key)]) {
      using opened = await openEncryptedPrivateKeyBlob(blob, [candidate]);
      expect(toHex(opened.blob.bytes)).toBe(vector.privatekeyblob_plain);
      expect(opened.encryption).toMatchObject({ algId, saltLength: vector.salt.length / 2 });
    }
    return { passed: 'private keys opened, with the key and with its bytes alone' };
  },
);
