/** Key pairs of Windows, Wine, .NET, Mono and makecert: read, and the same keys as their PKCS#8 says. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { expect, it } from 'vitest';
import { toHex } from '../../../lib/bytes/octets.ts';
import {
  checkKeyPair,
  decodeKeyPair,
  encodeKeyPair,
  isPrivateKeyPair,
  publicHalfOf,
  type KeyPair,
} from '../../../lib/key-pairs/index.ts';
import { hex } from '../../support/bytes.ts';
import { codeOf } from '../../support/errors.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';

interface Vector {
  readonly name: string;
  readonly pvk?: string;
  readonly strength?: string;
  readonly private_blob?: string;
  readonly blob?: string;
  readonly blob_type?: string;
  readonly hex?: string;
  readonly pkcs8_pem?: string;
}

function vectorsOf(file: string): readonly Vector[] {
  return (sharedJson(`vectors/${file}`) as { vectors: readonly Vector[] }).vectors;
}

const spkiOf = (pair: KeyPair): string => toHex(encodeKeyPair(pair, 'SPKI'));

/** That a pair is the key of a PEM. */
function expectKeyOf(pair: KeyPair, pem: string): void {
  const key = createPublicKey(createPrivateKey(pem)).export({ format: 'der', type: 'spki' });
  expect(spkiOf(pair)).toBe(toHex(key));
  expect(checkKeyPair(pair)).toEqual([]);
}

describeShared('openssl-msblob-pvk.json', () => {
  const vectors = vectorsOf('openssl-msblob-pvk.json');

  it.each(vectors.filter(({ private_blob, pkcs8_pem }) => private_blob && pkcs8_pem))(
    'the PRIVATEKEYBLOB of $name is the key of its PEM',
    ({ private_blob, pkcs8_pem }) => {
      const { pair, format } = decodeKeyPair(hex(private_blob!));
      expect(format).toBe('PRIVATEKEYBLOB');
      expectKeyOf(pair, pkcs8_pem!);
    },
  );

  const files = vectors
    .filter(({ pvk }) => pvk)
    .map(({ name, pvk }) => ({ name, bytes: hex(pvk!) }));
  /** saltlen */
  const isEncrypted = (bytes: Uint8Array): boolean =>
    new DataView(bytes.buffer).getUint32(16, true) > 0;

  it.each(files.filter(({ bytes }) => !isEncrypted(bytes)))('$name is read', ({ bytes }) => {
    const { pair, format } = decodeKeyPair(bytes);
    expect(format).toBe('PVK');
    expect(checkKeyPair(pair)).toEqual([]);
    expect(isPrivateKeyPair(pair)).toBe(true);
  });

  it.each(files.filter(({ bytes }) => isEncrypted(bytes)))('$name is encrypted', ({ bytes }) => {
    expect(codeOf(() => decodeKeyPair(bytes))).toBe('NOT_SUPPORTED');
  });

  it.each(vectors.filter(({ blob }) => blob))('$name is written the same', ({ blob, name }) => {
    const { pair, format } = decodeKeyPair(hex(blob!));
    expect(format).toBe(name.includes('pub') ? 'PUBLICKEYBLOB' : 'PRIVATEKEYBLOB');
    expect(toHex(encodeKeyPair(pair, format))).toBe(blob);
  });
});

describeShared('cng-blobs.json', () => {
  const keys = vectorsOf('cng-blobs.json').filter(({ pkcs8_pem }) => pkcs8_pem);

  it.each(keys)('$name is the key of its PEM', ({ name, blob, blob_type, pkcs8_pem }) => {
    const { pair, format, details } = decodeKeyPair(hex(blob!));
    expect(format).toBe(blob_type);
    expectKeyOf(pair, pkcs8_pem!);
    const { keyUse } = details;
    expect(toHex(encodeKeyPair(pair, format, { ...(keyUse && { keyUse }) }))).toBe(blob);
    const own = decodeKeyPair(new TextEncoder().encode(pkcs8_pem)).pair;
    expect(toHex(encodeKeyPair(own, format, { ...(keyUse && { keyUse }) })), name).toBe(blob);
  });
});

describeShared('mono-cspblob-pvk.json', () => {
  const bytes = new Map(vectorsOf('mono-cspblob-pvk.json').map((v) => [v.name, hex(v.hex!)]));

  it('has a .snk file, and the public key of its strong name', () => {
    const { pair, format, details } = decodeKeyPair(bytes.get('strongName')!);
    expect({ format, ...details }).toEqual({
      format: 'PRIVATEKEYBLOB',
      algId: 0x2400,
      keyUse: 'signature',
    });
    const strongName = decodeKeyPair(bytes.get('strongNamePublicKey')!);
    expect(strongName.format).toBe('StrongNamePublicKey');
    expect(spkiOf(strongName.pair)).toBe(spkiOf(pair));
    expect(encodeKeyPair(pair, 'StrongNamePublicKey')).toEqual(bytes.get('strongNamePublicKey'));
    expect(encodeKeyPair(pair, 'PRIVATEKEYBLOB', { keyUse: 'signature' })).toEqual(
      bytes.get('strongName'),
    );
  });

  it('has a .snk file whose d is short, which is computed where that is allowed', () => {
    const short = bytes.get('strongNameNUnit')!;
    expect(codeOf(() => decodeKeyPair(short))).toBe('BLOB_MALFORMED');
    const { pair } = decodeKeyPair(short, { shortTail: 'allow' });
    expect(checkKeyPair(pair)).toEqual([]);
  });

  it('has a DSA key, whose public key is computed', () => {
    const { pair } = decodeKeyPair(bytes.get('dsaPrivBlob')!);
    const other = decodeKeyPair(bytes.get('dsaPubBlob')!).pair;
    expect(spkiOf(pair)).toBe(spkiOf(other));
    expect(encodeKeyPair(pair, 'PRIVATEKEYBLOB')).toEqual(bytes.get('dsaPrivBlob'));
    expect(encodeKeyPair(publicHalfOf(pair), 'PUBLICKEYBLOB')).toEqual(bytes.get('dsaPubBlob'));
  });
});

describeShared('the keys of the Wine runs', () => {
  const files = ['wine-capi-simpleblob-rsa.json', 'wine-capi-signatures.json'];
  const keys = files.flatMap((file) => {
    const { meta } = sharedJson(`vectors/${file}`) as { meta: { keys: Record<string, string> } };
    return Object.entries(meta.keys).map(([name, blob]) => ({ file, name, blob }));
  });

  it.each(keys.filter(({ name }) => !name.includes('expo1')))(
    '$name of $file is whole',
    ({ blob }) => {
      const { pair, format, details } = decodeKeyPair(hex(blob));
      const { keyUse } = details;
      expect(checkKeyPair(pair)).toEqual([]);
      expect(toHex(encodeKeyPair(pair, format, { ...(keyUse && { keyUse }) }))).toBe(blob);
    },
  );

  it.each(keys.filter(({ name }) => name.includes('expo1')))(
    '$name encrypts nothing',
    ({ blob }) => {
      expect(codeOf(() => decodeKeyPair(hex(blob)))).toBe('BLOB_ALGORITHM_UNSUPPORTED');
    },
  );
});
