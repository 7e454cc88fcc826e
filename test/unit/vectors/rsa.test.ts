/** What CryptoAPI wrapped, encrypted and signed with RSA keys under Wine, through keycask/legacy and keycask/blobs. */
import { expect } from 'vitest';
import { decodeKeyBlob, decodePlaintextKeyBlob, encodeKeyBlob } from '../../../lib/blobs/index.ts';
import { toHex } from '../../../lib/bytes/octets.ts';
import {
  capiDecrypt,
  capiRsaDecrypt,
  capiSign,
  capiVerify,
  importLegacyPrivateKey,
  readNullKeySimpleBlob,
  unwrapSimpleBlob,
  wrapSimpleBlob,
  type CapiSignatureOptions,
} from '../../../lib/legacy/index.ts';
import { ALG_ID } from '../../../lib/blobs/index.ts';
import { describeSharedVectors, type Verdict } from '../../support/account.ts';
import { hex, revealed, secretHex } from '../../support/bytes.ts';
import { HASH_ALG_ID } from '../../support/capi-names.ts';
import { codeOf } from '../../support/errors.ts';

interface File {
  readonly meta: { readonly keys: Readonly<Record<string, string>> };
}
interface RsaVector {
  readonly kind: string;
  readonly recipient_key?: string;
  readonly key?: string;
  readonly padding?: string;
  readonly algid?: number;
  readonly session_key?: string;
  readonly simpleblob?: string;
  readonly reimported_plaintextkeyblob?: string;
  readonly publickeyblob?: string;
  readonly privatekeyblob?: string;
  readonly imported?: string;
  readonly plaintext?: string;
  readonly ciphertext?: string;
  readonly ciphertext_with_key?: string;
  readonly error?: number;
}

describeSharedVectors<RsaVector, File>(
  'wine-capi-simpleblob-rsa.json',
  async (vector, { meta }): Promise<Verdict> => {
    const padding = vector.padding === 'oaep-sha1' ? 'oaep' : 'pkcs1';
    const keyBlob = hex(meta.keys[vector.recipient_key ?? vector.key!]!);
    if (vector.kind === 'rsa_blobs') {
      for (const blob of [vector.publickeyblob, vector.privatekeyblob, vector.imported])
        expect(toHex(encodeKeyBlob(decodeKeyBlob(hex(blob!))))).toBe(blob);
      return { passed: 'key pairs read and written back' };
    }
    if (vector.kind === 'rsa_encrypt') {
      if (vector.error !== undefined)
        return { outOfScope: 'messages too long to encrypt, which keycask does not offer to' };
      const message = capiRsaDecrypt(keyBlob, hex(vector.ciphertext!), { padding });
      expect(revealed(message)).toBe(vector.plaintext);
      return { passed: 'messages decrypted' };
    }
    expect(vector.kind).toBe('simpleblob');
    if (vector.error !== undefined) {
      using key = secretHex(vector.session_key!);
      const wrapping = { algId: vector.algid!, key };
      const privateKey = importLegacyPrivateKey(keyBlob);
      expect(codeOf(() => wrapSimpleBlob(privateKey, wrapping, { padding }))).toBe(
        'PARAMETER_INVALID',
      );
      return { passed: 'session keys too long for their RSA key, refused' };
    }
    await expectToUnwrap(vector, keyBlob);
    return { passed: `session keys unwrapped, ${padding === 'oaep' ? 'OAEP' : 'PKCS #1'}` };
  },
);

async function expectToUnwrap(vector: RsaVector, keyBlob: Uint8Array): Promise<void> {
  const padding = vector.padding === 'oaep-sha1' ? 'oaep' : 'pkcs1';
  const blob = hex(vector.simpleblob!);
  using key = await unwrapSimpleBlob(blob, keyBlob, { padding });
  expect([toHex(key.key.bytes), key.algId]).toEqual([vector.session_key, vector.algid]);
  if (vector.recipient_key!.includes('expo1') && padding === 'pkcs1') {
    using plain = readNullKeySimpleBlob(blob);
    expect(toHex(plain!.key.bytes)).toBe(vector.session_key);
  }
  if (vector.ciphertext_with_key === undefined) return;
  const again = decodePlaintextKeyBlob(hex(vector.reimported_plaintextkeyblob!));
  expect([toHex(again.key), again.algId]).toEqual([vector.session_key, vector.algid]);
  const opened = await capiDecrypt(key, hex(vector.ciphertext_with_key));
  expect(toHex(opened)).toBe(vector.plaintext);
}

interface SignatureVector {
  readonly kind: string;
  readonly key: string;
  readonly hash: string;
  readonly message?: string;
  readonly hash_value: string;
  readonly variant: string;
  readonly description?: string;
  readonly signature_le: string;
  readonly verify: number;
  readonly verify_flags0: number;
}

const FLAGS: Readonly<Record<string, CapiSignatureOptions>> = {
  pkcs1v15: {},
  nohashoid: { noHashOid: true },
  x931: { x931: true },
  description: {},
};
const VARIANTS: Readonly<Record<string, string>> = {
  pkcs1v15: 'signatures verified and made again',
  nohashoid: 'such without the OID of the hash',
  x931: 'such of X9.31',
  description: 'such with a description',
};

describeSharedVectors<SignatureVector, File>(
  'wine-capi-signatures.json',
  async (vector, { meta }): Promise<Verdict> => {
    expect(vector.kind).toBe('signature');
    const { hash, variant, description } = vector;
    const options = FLAGS[variant]!;
    const hashAlgId = hash === 'ssl3_shamd5' ? ALG_ID.CALG_SSL3_SHAMD5 : HASH_ALG_ID[hash]!;
    const signed =
      vector.message === undefined
        ? { hashAlgId, value: hex(vector.hash_value) }
        : { hashAlgId, data: hex(vector.message), ...(description && { description }) };
    const privateKey = hex(meta.keys[vector.key]!);
    const signature = hex(vector.signature_le);
    expect(toHex(await capiSign(privateKey, signed, options))).toBe(vector.signature_le);
    expect(await capiVerify(privateKey, signed, signature, options)).toBe(vector.verify === 1);
    const ofValue = { hashAlgId, value: hex(vector.hash_value) };
    expect(await capiVerify(privateKey, ofValue, signature, options)).toBe(vector.verify === 1);
    expect(await capiVerify(privateKey, signed, signature)).toBe(vector.verify_flags0 === 1);
    return { passed: VARIANTS[variant]! };
  },
);
