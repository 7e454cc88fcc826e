/** Every key of OpenSSL's through every pair of formats that can hold it, and compared with what OpenSSL writes itself. */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../lib/bytes/octets.ts';
import {
  checkKeyPair,
  decodeKeyPair,
  encodeKeyPair,
  isPrivateKeyPair,
  KEY_PAIR_FORMATS,
  keyPairFormatsOf,
  KeyStoreError,
  type KeyPair,
  type KeyPairFormat,
} from '../../../lib/key-pairs/index.ts';
import { OPENSSL_ENCODINGS, OPENSSL_KEYS, opensslKey } from '../../support/key-pairs.ts';

/** The formats that hold this key; of those that hold keys of its type, some have no room for its numbers. */
function formatsOf(pair: KeyPair): KeyPairFormat[] {
  return keyPairFormatsOf(pair).filter((format) => {
    try {
      encodeKeyPair(pair, format);
      return true;
    } catch (error) {
      if (KeyStoreError.is(error) && error.code === 'NOT_SUPPORTED') return false;
      throw error;
    }
  });
}

/** p and g for what lacks them. */
function optionsOf(pair: KeyPair) {
  return pair.type === 'DH' ? { dhParameters: pair } : {};
}

describe.each(OPENSSL_KEYS)('%s', (name) => {
  const { pair } = decodeKeyPair(opensslKey(name));
  const formats = formatsOf(pair);

  it('has numbers that belong together', () => {
    expect(checkKeyPair(pair)).toEqual([]);
    expect(isPrivateKeyPair(pair)).toBe(true);
  });

  it('is read as the format that it was written in', () => {
    const read = formats.map((format) => {
      return decodeKeyPair(encodeKeyPair(pair, format), optionsOf(pair)).format;
    });
    expect(read).toEqual(formats);
    expect(formats.length).toBeGreaterThanOrEqual(5);
  });

  it('goes from every format into every other and stays the same key', () => {
    const publicKey = toHex(encodeKeyPair(pair, 'SPKI'));
    const privateKey = toHex(encodeKeyPair(pair, 'PKCS8'));
    // q and j have no field in some formats, and without q a Diffie-Hellman key is of another algorithm.
    const isWhole = (own: KeyPair) =>
      pair.type !== 'DH' || (own.type === 'DH' && (own.q === undefined) === (pair.q === undefined));
    const ways = formats.flatMap((from) => {
      const source = decodeKeyPair(encodeKeyPair(pair, from), optionsOf(pair)).pair;
      return formatsOf(source).map((to) => ({
        way: `${from} to ${to}`,
        isNumbersOnly: from === 'RSAPRIVATEBLOB' || to === 'RSAPRIVATEBLOB',
        target: decodeKeyPair(encodeKeyPair(source, to), optionsOf(pair)).pair,
      }));
    });
    const whole = ways.filter(({ target }) => isWhole(target));
    for (const { way, target } of whole) {
      expect(toHex(encodeKeyPair(target, 'SPKI')), way).toBe(publicKey);
      expect(checkKeyPair(target), way).toEqual([]);
    }
    // An RSAPRIVATEBLOB has no d, and d is not unique.
    const same = whole.filter((way) => !way.isNumbersOnly && isPrivateKeyPair(way.target));
    expect(same.length).toBeGreaterThanOrEqual(4);
    for (const { way, target } of same)
      expect(toHex(encodeKeyPair(target, 'PKCS8')), way).toBe(privateKey);
  });

  it('is the same in PEM', () => {
    const withPem = formats.filter((format) => KEY_PAIR_FORMATS[format].pemLabel !== undefined);
    expect(withPem.length).toBeGreaterThanOrEqual(2);
    for (const format of withPem) {
      const read = decodeKeyPair(encodeKeyPair(pair, format, { pem: true }));
      expect(read.format).toBe(format);
      expect(read.details.pemLabel).toBe(KEY_PAIR_FORMATS[format].pemLabel);
      expect(encodeKeyPair(read.pair, format)).toEqual(encodeKeyPair(pair, format));
    }
  });
});

describe('node:crypto', () => {
  // Node knows no keys of X9.42.
  const known = OPENSSL_KEYS.filter((name) => !name.startsWith('dhx'));

  it.each(known)('takes PKCS#8 and SPKI of %s', (name) => {
    const { pair } = decodeKeyPair(opensslKey(name));
    const der = (format: KeyPairFormat) => Buffer.from(encodeKeyPair(pair, format));
    const key = createPrivateKey({ key: der('PKCS8'), format: 'der', type: 'pkcs8' });
    const publicKey = createPublicKey({ key: der('SPKI'), format: 'der', type: 'spki' });
    expect(createPublicKey(key).equals(publicKey)).toBe(true);
  });
});

describe('what OpenSSL writes', () => {
  it.each(OPENSSL_ENCODINGS)('$name as $format is written the same', ({ name, format }) => {
    const bytes = opensslKey(name, format);
    const decoded = decodeKeyPair(bytes);
    expect(decoded.format).toBe(format);
    expect(toHex(encodeKeyPair(decoded.pair, format))).toBe(toHex(bytes));
    expect(toHex(encodeKeyPair(decodeKeyPair(opensslKey(name)).pair, format))).toBe(toHex(bytes));
  });
});

describe('a JWK', () => {
  it.each(OPENSSL_KEYS.filter((name) => !name.startsWith('d')))(
    'of %s is that of node:crypto',
    (name) => {
      const der = Buffer.from(opensslKey(name));
      const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
      const text = new TextDecoder().decode(encodeKeyPair(decodeKeyPair(der).pair, 'JWK'));
      expect(JSON.parse(text)).toEqual(key.export({ format: 'jwk' }));
      expect(createPrivateKey({ key: JSON.parse(text), format: 'jwk' }).equals(key)).toBe(true);
    },
  );
});
