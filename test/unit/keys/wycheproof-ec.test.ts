/** Wycheproof's ECDSA and ECDH vectors through our own functions. */
import { createECDH, createPrivateKey, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { sequence, tlv } from '../../../lib/bytes/der-writer.ts';
import { TAG } from '../../../lib/bytes/der-tags.ts';
import { concatBytes, plainBytes, toHex } from '../../../lib/bytes/octets.ts';
import type { Curve } from '../../../lib/cms/algorithms.ts';
import { decodeSpki } from '../../../lib/cms/spki.ts';
import { BlobFormatError } from '../../../lib/errors.ts';
import { ecdhSharedSecret, EcdhPrivateKey } from '../../../lib/keys/ecdh.ts';
import type { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { verifySignature } from '../../../lib/keys/signature.ts';
import { hex } from '../../support/bytes.ts';
import { secretOrCode } from '../../support/errors.ts';
import { describeShared } from '../../support/shared.ts';
import { Tally, wycheproof, type WycheproofTest } from '../../support/wycheproof.ts';

interface EcdsaGroup {
  readonly publicKeyPem: string;
}
type EcdsaTest = WycheproofTest<'msg' | 'sig'>;
type EcdhTest = WycheproofTest<'public' | 'private' | 'shared'>;

describeShared('Wycheproof ECDSA', () => {
  test('ecdsa_secp256r1_sha256: DER signatures', () => {
    const tally = new Tally();
    for (const group of wycheproof<EcdsaGroup, EcdsaTest>('ecdsa_secp256r1_sha256').testGroups) {
      const spki = spkiOf(group);
      for (const { tcId, msg, sig, result } of group.tests) {
        const fits = verifySignature(spki, 'ecdsa-sha256', hex(msg), hex(sig));
        tally.right(fits ? 'verified' : 'refused', fits === (result === 'valid'), tcId);
      }
    }
    expect(tally.counts).toEqual({ verified: 174, refused: 310 });
  });

  test.each([
    ['ecdsa_secp256r1_sha256_p1363', 'ecdsa-sha256', 32, { verified: 173, refused: 68, size: 21 }],
    ['ecdsa_secp384r1_sha384_p1363', 'ecdsa-sha384', 48, { verified: 193, refused: 68, size: 19 }],
  ] as const)(
    '%s: written as DER where r and s have their size',
    (name, scheme, size, expected) => {
      const tally = new Tally();
      for (const group of wycheproof<EcdsaGroup, EcdsaTest>(name).testGroups) {
        const spki = spkiOf(group);
        for (const { tcId, msg, sig, result } of group.tests) {
          const signature = hex(sig);
          if (signature.length !== 2 * size) {
            tally.right('size', result === 'invalid', tcId);
            continue;
          }
          const fits = verifySignature(spki, scheme, hex(msg), toDer(signature));
          expect(fits, `${tcId}`).toBe(result === 'valid');
          tally.add(fits ? 'verified' : 'refused');
        }
      }
      expect(tally.counts).toEqual(expected);
    },
  );
});

describeShared('Wycheproof ECDH', () => {
  test.each([
    [
      'ecdh_secp256r1_ecpoint',
      'P-256',
      { agreed: 330, 'refused: invalid': 24, 'refused: CompressedPublic': 1 },
    ],
    [
      'ecdh_secp384r1_ecpoint',
      'P-384',
      { agreed: 771, 'refused: invalid': 18, 'refused: CompressedPublic': 1 },
    ],
  ] as const)('%s: points', (name, curve, expected) => {
    const tally = new Tally();
    for (const { tests } of wycheproof<object, EcdhTest>(name).testGroups) {
      for (const vector of tests) {
        const agree = () => ecdhSharedSecret(privateKeyOf(curve, vector), hex(vector.public));
        runEcdh(tally, vector, agree);
      }
    }
    expect(tally.counts).toEqual(expected);
  });

  test('ecdh_secp256r1: SPKIs, through our own strict reader', () => {
    const tally = new Tally();
    for (const { tests } of wycheproof<object, EcdhTest>('ecdh_secp256r1').testGroups) {
      for (const vector of tests) {
        const agree = () => {
          const key = decodeSpki(hex(vector.public));
          if (key.type !== 'ec') throw new BlobFormatError(NOT_EC);
          return ecdhSharedSecret(privateKeyOf('P-256', vector), key.point);
        };
        runEcdh(tally, vector, agree);
      }
    }
    expect(tally.counts).toEqual({
      agreed: 330,
      'refused: invalid': 52,
      'refused: InvalidAsn': 222,
      'refused: CompressedPublic': 1,
      'refused: UnnamedCurve': 7,
    });
  });
});

function runEcdh(tally: Tally, vector: EcdhTest, agree: () => SecretBytes): void {
  const { tcId, shared, result, flags } = vector;
  const got = secretOrCode(agree);
  const refused = REFUSALS.includes(got);
  if (result === 'valid') tally.right('agreed', got === shared, tcId);
  else if (result === 'invalid') tally.right('refused: invalid', refused, tcId);
  else tally.right(`refused: ${ACCEPTABLE.find((flag) => flags.includes(flag))}`, refused, tcId);
}

/** A private key of Wycheproof: a number in hex. */
function privateKeyOf(curve: Curve, vector: EcdhTest): EcdhPrivateKey {
  const size = curve === 'P-256' ? 32 : 48;
  const d = hex(vector.private.padStart(2 * size, '0').slice(-2 * size));
  const ecdh = createECDH(curve === 'P-256' ? 'prime256v1' : 'secp384r1');
  ecdh.setPrivateKey(d);
  const point = ecdh.getPublicKey();
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  const jwk = {
    kty: 'EC',
    crv: curve,
    d: text(d),
    x: text(point.subarray(1, 1 + size)),
    y: text(point.subarray(1 + size)),
  };
  return EcdhPrivateKey.from(createPrivateKey({ key: jwk, format: 'jwk' }));
}

function spkiOf(group: EcdsaGroup): Uint8Array {
  return plainBytes(createPublicKey(group.publicKeyPem).export({ format: 'der', type: 'spki' }));
}

/** Ecdsa-Sig-Value of r ‖ s. */
function toDer(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  return sequence(derInteger(signature.subarray(0, half)), derInteger(signature.subarray(half)));
}

function derInteger(number: Uint8Array): Uint8Array {
  const digits = toHex(number).replace(/^(00)+(?=..)/, '');
  const bytes = hex(digits);
  return tlv(TAG.INTEGER, bytes[0]! & 0x80 ? concatBytes(Uint8Array.of(0), bytes) : bytes);
}

const REFUSALS = ['KEY_UNWRAP_FAILED', 'BLOB_MALFORMED', 'BLOB_ALGORITHM_UNSUPPORTED'];
/** What Wycheproof lets an implementation do as it likes, by flag. Ours has one encoding of each key. */
const ACCEPTABLE = ['CompressedPublic', 'InvalidAsn', 'UnnamedCurve'];
const NOT_EC = { format: 'SubjectPublicKeyInfo', field: 'algorithm', offset: 0, problem: 'RSA' };
