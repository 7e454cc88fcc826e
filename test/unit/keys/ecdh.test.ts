/** Ephemeral-static ECDH: against node:crypto's own, and every kind of bad point. */
import {
  createDecipheriv,
  createECDH,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
} from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { concatBytes, plainBytes, toHex } from '../../../lib/bytes/octets.ts';
import { ECC_SHARED_INFO } from '../../../lib/cms/recipient-info.ts';
import { decodeSpki, encodeEcSpki, type EcPublicKey } from '../../../lib/cms/spki.ts';
import { EcdhPrivateKey, ecdhSharedSecret, unwrapEcdh, wrapEcdh } from '../../../lib/keys/ecdh.ts';
import { x963Kdf } from '../../../lib/keys/x963-kdf.ts';
import { hex, revealed, secretHex } from '../../support/bytes.ts';
import { codeOf, thrownBy } from '../../support/errors.ts';

const KEY = '00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f';
const CURVES = [
  { curve: 'P-256', hash: 'sha256', size: 32 },
  { curve: 'P-384', hash: 'sha384', size: 48 },
] as const;

describe.each(CURVES)('ECDH on $curve', ({ curve, hash, size }) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
  const recipient = decodeSpki(
    plainBytes(publicKey.export({ format: 'der', type: 'spki' })),
  ) as EcPublicKey;
  const opened = EcdhPrivateKey.from(privateKey);
  const sharedInfo = ECC_SHARED_INFO;

  test('wraps and unwraps, each time with another ephemeral key', () => {
    const first = wrapEcdh(recipient, secretHex(KEY), sharedInfo);
    const second = wrapEcdh(recipient, secretHex(KEY), sharedInfo);
    expect(toHex(first.ephemeralPublicKey)).not.toBe(toHex(second.ephemeralPublicKey));
    for (const wrapped of [first, second]) {
      expect(wrapped.ephemeralPublicKey).toHaveLength(1 + 2 * size);
      expect(Buffer.isBuffer(wrapped.ephemeralPublicKey)).toBe(false);
      expect(revealed(unwrapEcdh(opened, { ...wrapped, sharedInfo }))).toBe(KEY);
    }
  });

  test('a reader made of node:crypto alone unwraps it', () => {
    const wrapped = wrapEcdh(recipient, secretHex(KEY), sharedInfo);
    const spki = encodeEcSpki(curve, wrapped.ephemeralPublicKey);
    const ephemeral = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    const shared = diffieHellman({ privateKey, publicKey: ephemeral });
    const counter = Buffer.from('00000001', 'hex');
    const digest = createHash(hash).update(shared).update(counter).update(sharedInfo).digest();
    const iv = Buffer.alloc(8, 0xa6);
    const unwrap = createDecipheriv('id-aes256-wrap', digest.subarray(0, 32), iv);
    expect(unwrap.update(wrapped.encryptedKey).toString('hex')).toBe(KEY);
  });

  test('has one failure for another key, shared info, text or point', () => {
    const good = { ...wrapEcdh(recipient, secretHex(KEY), sharedInfo), sharedInfo };
    const stranger = EcdhPrivateKey.from(
      generateKeyPairSync('ec', { namedCurve: curve }).privateKey,
    );
    const failures = [
      () => unwrapEcdh(stranger, good),
      () => unwrapEcdh(opened, { ...good, sharedInfo: Uint8Array.of(1) }),
      () => unwrapEcdh(opened, { ...good, encryptedKey: good.encryptedKey.toReversed() }),
      () => unwrapEcdh(opened, { ...good, encryptedKey: new Uint8Array(0) }),
      ...badPoints(good.ephemeralPublicKey, curve).map(
        (ephemeralPublicKey) => () => unwrapEcdh(opened, { ...good, ephemeralPublicKey }),
      ),
    ].map((act) => JSON.stringify(thrownBy(act)));
    expect(new Set(failures).size).toBe(1);
    expect(failures[0]).toContain('KEY_UNWRAP_FAILED');
  });

  test('a recipient that is no point of the curve is refused before anything is wrapped', () => {
    for (const point of badPoints(recipient.point, curve)) {
      const wrap = () => wrapEcdh({ curve, point }, secretHex(KEY), sharedInfo);
      expect(codeOf(wrap)).toBe('PARAMETER_INVALID');
    }
  });

  test('both sides compute the same secret, of full length', () => {
    const other = createECDH(curve === 'P-256' ? 'prime256v1' : 'secp384r1');
    const point = plainBytes(other.generateKeys());
    const mine = revealed(ecdhSharedSecret(opened, point));
    expect(mine).toBe(other.computeSecret(recipient.point).toString('hex'));
    expect(mine).toHaveLength(2 * size);
  });
});

test('a private key of another kind is refused', () => {
  const keys = [
    generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
    generateKeyPairSync('x25519').privateKey,
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
  ];
  for (const key of keys) expect(codeOf(() => EcdhPrivateKey.from(key))).toBe('PARAMETER_INVALID');
});

// GEC 2 and NIST CAVS 12.0, "ANS X9.63-2001", SHA-256, shared secret of 192 bits
test('the X9.63 KDF gives the published answer', () => {
  const z = hex('96c05619d56c328ab95fe84b18264b08725b85e33fd34f08');
  expect(revealed(x963Kdf('sha256', z, new Uint8Array(0), 16))).toBe(
    '443024c3dae66b95e6f5670601558f71',
  );
});

test('the X9.63 KDF counts its blocks, and a longer key begins with the shorter', () => {
  const z = hex('00');
  const long = revealed(x963Kdf('sha384', z, Uint8Array.of(7), 100));
  expect(revealed(x963Kdf('sha384', z, Uint8Array.of(7), 48))).toBe(long.slice(0, 96));
  const second = createHash('sha384')
    .update(z)
    .update(Uint8Array.of(0, 0, 0, 2, 7))
    .digest('hex');
  expect(long.slice(96, 192)).toBe(second);
});

/** From a good point: off the curve, compressed, hybrid, cut, continued, infinite, empty, and one of the other curve. */
function badPoints(point: Uint8Array, curve: string): Uint8Array[] {
  const offCurve = Uint8Array.from(point);
  offCurve[offCurve.length - 1]! ^= 1;
  const half = (point.length - 1) / 2;
  const odd = point.at(-1)! & 1;
  const other = createECDH(curve === 'P-256' ? 'secp384r1' : 'prime256v1').generateKeys();
  return [
    offCurve,
    concatBytes(Uint8Array.of(2 + odd), point.subarray(1, 1 + half)),
    concatBytes(Uint8Array.of(6 + odd), point.subarray(1)),
    point.subarray(0, -1),
    concatBytes(point, Uint8Array.of(0)),
    new Uint8Array(point.length),
    concatBytes(Uint8Array.of(4), new Uint8Array(point.length - 1)),
    concatBytes(Uint8Array.of(4), new Uint8Array(point.length - 1).fill(0xff)),
    Uint8Array.of(0),
    new Uint8Array(0),
    plainBytes(other),
  ];
}
