/** Wycheproof's RSA decryption vectors through our own unwrapping. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { expect, test } from 'vitest';
import { unwrapRsaOaep } from '../../../lib/keys/rsa-oaep.ts';
import { unwrapRsaPkcs1 } from '../../../lib/keys/rsa-pkcs1.ts';
import { hex } from '../../support/bytes.ts';
import { secretOrCode, thrownBy } from '../../support/errors.ts';
import { describeShared } from '../../support/shared.ts';
import { Tally, wycheproof, type WycheproofTest } from '../../support/wycheproof.ts';

interface RsaGroup {
  readonly keySize: number;
  readonly privateKeyPkcs8: string;
}
interface OaepGroup extends RsaGroup {
  readonly sha: string;
  readonly mgfSha: string;
}
type OaepTest = WycheproofTest<'msg' | 'ct' | 'label'>;
type Pkcs1Test = WycheproofTest<'msg' | 'ct'>;

const OAEP_FILES = {
  rsa_oaep_2048_sha1_mgf1sha1: { unwrapped: 10, refused: 19, 'refused: label': 7 },
  rsa_oaep_2048_sha256_mgf1sha1: { 'not expressible: SHA-256/SHA-1': 31 },
  rsa_oaep_2048_sha256_mgf1sha256: { unwrapped: 10, refused: 19, 'refused: label': 8 },
  rsa_oaep_2048_sha384_mgf1sha384: { 'not expressible: SHA-384/SHA-384': 34 },
  rsa_oaep_2048_sha512_mgf1sha512: { 'not expressible: SHA-512/SHA-512': 33 },
  rsa_oaep_3072_sha256_mgf1sha256: { unwrapped: 10, refused: 19, 'refused: label': 8 },
  rsa_oaep_4096_sha256_mgf1sha256: { unwrapped: 10, refused: 19, 'refused: label': 8 },
  rsa_oaep_4096_sha512_mgf1sha512: { 'not expressible: SHA-512/SHA-512': 36 },
};

describeShared('Wycheproof RSA-OAEP', () => {
  test.each(Object.entries(OAEP_FILES))('%s', (name, expected) => {
    expect(tallyOaep(name)).toEqual(expected);
  });

  test('rsa_oaep_misc: every hash and modulus from 1024 to 8192 bits', () => {
    const counts = tallyOaep('rsa_oaep_misc');
    const { unwrapped, 'refused: label': labels, ...others } = counts;
    expect({ unwrapped, labels }).toEqual({ unwrapped: 30, labels: 16 });
    expect(Object.keys(others).every((outcome) => outcome.startsWith('not expressible'))).toBe(
      true,
    );
    expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(395);
  });
});

describeShared('Wycheproof RSA PKCS#1 v1.5', () => {
  test.each([
    ['rsa_pkcs1_2048', { unwrapped: 42, refused: 25 }],
    ['rsa_pkcs1_3072', { unwrapped: 41, refused: 26 }],
    ['rsa_pkcs1_4096', { unwrapped: 41, refused: 26 }],
  ])('%s, with one and the same failure', (name, expected) => {
    const tally = new Tally();
    const failures = new Set<string>();
    for (const group of wycheproof<RsaGroup, Pkcs1Test>(name).testGroups) {
      const key = privateKeyOf(group);
      const anyLength = Array.from({ length: group.keySize / 8 - 10 }, (_, length) => length);
      for (const { tcId, msg, ct, result } of group.tests) {
        const unwrap = () => unwrapRsaPkcs1(key, hex(ct), anyLength);
        const got = secretOrCode(unwrap);
        if (result === 'valid') {
          tally.right('unwrapped', got === msg, tcId);
        } else {
          tally.right('refused', got === 'KEY_UNWRAP_FAILED', tcId);
          failures.add(JSON.stringify(thrownBy(unwrap)));
        }
      }
    }
    expect(tally.counts).toEqual(expected);
    expect(failures.size).toBe(1);
  });
});

function tallyOaep(name: string): Readonly<Record<string, number>> {
  const tally = new Tally();
  const { testGroups } = wycheproof<OaepGroup, OaepTest>(name);
  for (const group of testGroups) {
    const hash = group.sha === group.mgfSha ? HASHES[group.sha] : undefined;
    const key = privateKeyOf(group);
    for (const { tcId, msg, ct, label, result } of group.tests) {
      if (hash === undefined) {
        tally.add(`not expressible: ${group.sha}/${group.mgfSha}`);
        continue;
      }
      const got = secretOrCode(() => unwrapRsaOaep(key, hash, hex(ct)));
      const refused = got === 'KEY_UNWRAP_FAILED';
      // Ours has an empty label, so what was made under another must fail.
      if (result === 'invalid') tally.right('refused', refused, tcId);
      else if (label !== '') tally.right('refused: label', refused, tcId);
      else tally.right('unwrapped', got === msg, tcId);
    }
  }
  return tally.counts;
}

function privateKeyOf(group: RsaGroup): KeyObject {
  const der = Buffer.from(group.privateKeyPkcs8, 'hex');
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

const HASHES: Readonly<Record<string, 'sha1' | 'sha256'>> = {
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
};
