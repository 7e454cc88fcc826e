/** Blobs that Windows, .NET, Mono, OpenSSL and Wine made: all are read, and written back byte for byte. */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../../lib/bytes/octets.ts';
import { decodeKeyBlob, encodeKeyBlob } from '../../../lib/blobs/index.ts';
import { rsaPrivateKeyFromBlob } from '../../../lib/keys/rsa-key-blob.ts';
import { codeOf } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';
import { Tally } from '../../support/wycheproof.ts';

const FILES = [
  'dotnet-csp-cng',
  'mono-cspblob-pvk',
  'openssl-msblob-pvk',
  'rfc3217-symmetricwrap',
  'wine-tests-arrays',
];
/** CryptExportKey's first bytes: a type of wincrypt.h, version 2, reserved 0. */
const BLOB_START = /^0[1-9a-c]020000/;

describeShared('blobs of other programs', () => {
  test('are read and written back byte for byte', () => {
    const tally = new Tally();
    for (const bytes of FILES.flatMap(blobsOf)) {
      const blob = decodeKeyBlob(bytes, { shortTail: 'allow' });
      if (blob.type === 'PRIVATEKEYBLOB' && blob.privateExponent === undefined) {
        tally.right('short tail', codeOf(() => decodeKeyBlob(bytes)) === 'BLOB_MALFORMED', bytes);
      } else {
        tally.right(blob.type, toHex(encodeKeyBlob(blob)) === toHex(bytes), toHex(bytes));
      }
    }
    expect(tally.counts).toEqual({
      SIMPLEBLOB: 3,
      PUBLICKEYBLOB: 8,
      PRIVATEKEYBLOB: 23,
      'DSS-PRIVATEKEYBLOB': 8,
      'DSS-PUBLICKEYBLOB': 2,
      SYMMETRICWRAPKEYBLOB: 2,
      'short tail': 1,
    });
  });

  test('one that ends within d becomes a key that signs', () => {
    const [short] = blobsOf('mono-cspblob-pvk').filter((bytes) => bytes.length === 490);
    using pkcs8 = rsaPrivateKeyFromBlob(short!, { shortTail: 'allow' });
    const key = createPrivateKey({ key: Buffer.from(pkcs8.bytes), format: 'der', type: 'pkcs8' });
    const message = Buffer.from('a message');
    const signature = sign('sha256', message, key);
    expect(verify('sha256', message, createPublicKey(key), signature)).toBe(true);
    expect(codeOf(() => rsaPrivateKeyFromBlob(short!))).toBe('BLOB_MALFORMED');
  });
});

/** Every string of a vector file that begins as a blob does. */
function blobsOf(file: string): Uint8Array[] {
  const { vectors } = sharedJson(`vectors/${file}.json`) as { vectors: Record<string, unknown>[] };
  const texts = vectors.flatMap((vector) => Object.values(vector));
  return texts.flatMap((text) =>
    typeof text === 'string' && BLOB_START.test(text) ? [fromHex(text) ?? new Uint8Array()] : [],
  );
}
