/** Wycheproof's HKDF and PBKDF2 vectors through our own functions. */
import { expect, test } from 'vitest';
import { hkdf } from '../../../lib/kdf/hkdf.ts';
import { pbkdf2 } from '../../../lib/kdf/pbkdf2.ts';
import { hex, revealed } from '../../support/bytes.ts';
import { secretOrCode } from '../../support/errors.ts';
import { describeShared } from '../../support/shared.ts';
import { Tally, wycheproof, type WycheproofTest } from '../../support/wycheproof.ts';

type HkdfTest = WycheproofTest<'ikm' | 'salt' | 'info' | 'okm'> & { readonly size: number };
type PbkdfTest = WycheproofTest<'password' | 'salt' | 'dk'> & {
  readonly iterationCount: number;
  readonly dkLen: number;
};

describeShared('Wycheproof key derivation', () => {
  test.each([
    ['sha256', { derived: 83, refused: 3 }],
    ['sha384', { derived: 80, refused: 3 }],
  ] as const)('hkdf_%s', (hash, expected) => {
    const tally = new Tally();
    for (const { tests } of wycheproof<object, HkdfTest>(`hkdf_${hash}`).testGroups) {
      for (const { tcId, ikm, salt, info, size, okm, result } of tests) {
        const got = secretOrCode(() => hkdf(hash, hex(ikm), hex(salt), hex(info), size));
        if (result === 'valid') tally.right('derived', got === okm, tcId);
        else tally.right('refused', got === 'PARAMETER_INVALID', tcId);
      }
    }
    expect(tally.counts).toEqual(expected);
  });

  test('pbkdf2_hmacsha256', async () => {
    const tests = wycheproof<object, PbkdfTest>('pbkdf2_hmacsha256').testGroups.flatMap(
      (group) => group.tests,
    );
    for (const { tcId, password, salt, iterationCount, dkLen, dk } of tests) {
      const key = await pbkdf2(hex(password), hex(salt), iterationCount, dkLen);
      expect(revealed(key), `${tcId}`).toBe(dk);
    }
    expect(tests).toHaveLength(60);
  });
});
