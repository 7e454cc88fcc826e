/** HKDF, PBKDF2 and Argon2id: published answers, bounds, calibration, and life without the package argon2. */
import { hkdfSync } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ARGON2ID_BOUNDS } from '../../../lib/cms/argon2id-parameters.ts';
import {
  ARGON2ID_MINIMUM,
  argon2id,
  calibrateArgon2id,
  type CalibrationOptions,
} from '../../../lib/kdf/argon2id.ts';
import { hkdf, hkdfExpand, hkdfExtract } from '../../../lib/kdf/hkdf.ts';
import { pbkdf2 } from '../../../lib/kdf/pbkdf2.ts';
import { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { hex, revealed } from '../../support/bytes.ts';
import { codeOf, codeOfAsync } from '../../support/errors.ts';

describe('HKDF', () => {
  // RFC 5869 appendix A.1
  test('gives the answer of RFC 5869', () => {
    const ikm = new Uint8Array(22).fill(0x0b);
    const salt = hex('000102030405060708090a0b0c');
    const info = hex('f0f1f2f3f4f5f6f7f8f9');
    const okm =
      '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865';
    expect(revealed(hkdf('sha256', ikm, salt, info, 42))).toBe(okm);
    using prk = hkdfExtract('sha256', ikm, salt);
    expect(revealed(hkdfExpand('sha256', prk, info, 42))).toBe(okm);
  });

  test.each(['sha256', 'sha384'] as const)('is what node:crypto says for %s', (hash) => {
    const [ikm, salt, info] = [hex('aa'.repeat(32)), hex('bb'.repeat(16)), hex('cc')];
    for (const length of [1, 32, 48, 49, 96, 200]) {
      const theirs = Buffer.from(hkdfSync(hash, ikm, salt, info, length)).toString('hex');
      expect(revealed(hkdf(hash, ikm, salt, info, length))).toBe(theirs);
    }
  });

  test('leaves its inputs as they are', () => {
    const ikm = hex('aa'.repeat(32));
    hkdf('sha256', ikm, new Uint8Array(0), new Uint8Array(0), 64).dispose();
    expect(ikm.every((byte) => byte === 0xaa)).toBe(true);
  });

  test('gives at most 255 hashes', () => {
    const nothing = new Uint8Array(0);
    hkdf('sha256', nothing, nothing, nothing, 255 * 32).dispose();
    expect(codeOf(() => hkdf('sha256', nothing, nothing, nothing, 255 * 32 + 1))).toBe(
      'PARAMETER_INVALID',
    );
  });
});

describe('PBKDF2', () => {
  // RFC 7914 section 11
  test('gives the answer of RFC 7914', async () => {
    const key = await pbkdf2(Buffer.from('passwd'), Buffer.from('salt'), 1, 64);
    expect(revealed(key)).toBe(
      '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc' +
        '49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
    );
  });

  test.each([0, -1, 2 ** 31, 1.5, Number.NaN])('refuses %d iterations', async (iterations) => {
    const nothing = new Uint8Array(8);
    expect(await codeOfAsync(pbkdf2(nothing, nothing, iterations, 32))).toBe('PARAMETER_INVALID');
  });
});

describe('Argon2id', () => {
  const salt = hex('02'.repeat(16));
  const cheap = { salt, memoryKiB: 8192, iterations: 1, parallelism: 1 };

  afterEach(() => {
    vi.doUnmock('argon2');
    vi.resetModules();
  });

  // RFC 9106's own vector needs a secret and associated data, which keycask never gives. These were made with OpenSSL 3.5.
  test('gives the answer that another implementation gives', async () => {
    const key = await argon2id(Buffer.from('password'), cheap, 32);
    expect(revealed(key)).toBe(REFERENCE.cheap);
    const best = await argon2id(Buffer.from('password'), { salt, ...ARGON2ID_MINIMUM }, 32);
    expect(revealed(best)).toBe(REFERENCE.minimum);
  });

  test('another password, salt or cost gives another key', async () => {
    const keys = await Promise.all([
      argon2id(Buffer.from('password'), cheap, 32),
      argon2id(Buffer.from('passwore'), cheap, 32),
      argon2id(Buffer.from('password'), { ...cheap, salt: hex('03'.repeat(16)) }, 32),
      argon2id(Buffer.from('password'), { ...cheap, iterations: 2 }, 32),
      argon2id(Buffer.from('password'), { ...cheap, parallelism: 2 }, 32),
      argon2id(Buffer.from('password'), { ...cheap, memoryKiB: 9216 }, 32),
    ]);
    expect(new Set(keys.map(revealed)).size).toBe(6);
  });

  test.each([
    { memoryKiB: ARGON2ID_BOUNDS.memoryKiB.min - 1 },
    { memoryKiB: ARGON2ID_BOUNDS.memoryKiB.max + 1 },
    { memoryKiB: Number.NaN },
    { iterations: 0 },
    { iterations: 17 },
    { parallelism: 0 },
    { parallelism: 17 },
    { salt: new Uint8Array(15) },
    { salt: new Uint8Array(65) },
  ])('refuses case %# before it takes any memory', async (wrong) => {
    const attempt = argon2id(new Uint8Array(8), { ...cheap, ...wrong }, 32);
    expect(await codeOfAsync(attempt)).toBe('PARAMETER_INVALID');
  });

  test('without the package it says which one is missing', async () => {
    vi.doMock('argon2', () => {
      throw new TypeError('not here');
    });
    vi.resetModules();
    const fresh = await import('../../../lib/kdf/argon2id.ts');
    const attempt = fresh.argon2id(new Uint8Array(8), cheap, 32);
    await expect(attempt).rejects.toMatchObject({
      code: 'MODULE_MISSING',
      message: expect.stringContaining('argon2') as string,
    });
  });
});

describe('calibrating Argon2id', () => {
  test.each([
    ['a slow machine', 900, 3],
    ['one that takes just as long', 250, 3],
    ['one that takes half as long', 125, 6],
    ['one where 5 fit and 6 do not', 126, 5],
    ['a fast machine', 60, 12],
    ['one that is too fast for the bounds', 10, 16],
    ['a clock that stands still', 0, 16],
  ])('%s: %i ms at the minimum give %i iterations', async (_, elapsed, iterations) => {
    const { options, costs } = machine(elapsed);
    expect(await calibrateArgon2id(options)).toEqual({ ...ARGON2ID_MINIMUM, iterations });
    expect(costs).toHaveLength(2);
    expect(costs[1]).toMatchObject(ARGON2ID_MINIMUM);
  });

  test('the minimum is 64 MiB, 3 iterations, 4 lanes', () => {
    expect(ARGON2ID_MINIMUM).toEqual({ memoryKiB: 65_536, iterations: 3, parallelism: 4 });
  });

  test('another target moves it', async () => {
    const { options } = machine(100);
    const cost = await calibrateArgon2id({ ...options, targetMs: 400 });
    expect(cost.iterations).toBe(12);
  });
});

/** A machine whose clock moves by `elapsed` with each derivation. */
function machine(elapsed: number): { options: CalibrationOptions; costs: object[] } {
  let now = 1000;
  const costs: object[] = [];
  const derive: typeof argon2id = async (_, parameters) => {
    costs.push(parameters);
    now += elapsed;
    return new SecretBytes(32);
  };
  return { options: { clock: () => now, derive }, costs };
}

/** By cost: 8 MiB once with one lane, and the minimum. */
const REFERENCE = {
  cheap: 'a0cc0d84d6376d733e3b12f9ea54102aebbe90255da61d65807de50265698e23',
  minimum: '0de30366f4b07ba6d3162d5063b7c0f6462e8b393d18998faca4c515822afcc5',
};
