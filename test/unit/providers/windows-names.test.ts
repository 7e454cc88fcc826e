/** What keys are called where Windows keeps them. */
import { describe, expect, it } from 'vitest';
import type { LegacyKeySpec } from '../../../lib/contracts/provider.ts';
import {
  cngNameOf,
  legacyKeySpecOf,
  LEGACY_KEY_SPEC,
} from '../../../lib/providers/cng/cng-names.ts';
import { isHashedName, nativeNameOf } from '../../../lib/providers/windows/native-name.ts';

const SPECS: readonly LegacyKeySpec[] = ['none', 'AT_KEYEXCHANGE', 'AT_SIGNATURE'];
/** MAX_PATH, wincrypt.h: what a CryptoAPI container's name has to fit into. */
const MAX_PATH = 260;

const plainOf = (name: string): string | undefined =>
  nativeNameOf({ name, legacyKeySpec: 'AT_KEYEXCHANGE', scope: 'user' }).plain;
const hashedOf = (name: string, legacyKeySpec: LegacyKeySpec = 'AT_KEYEXCHANGE'): string =>
  nativeNameOf({ name, legacyKeySpec, scope: 'user' }).hashed;

describe('a native name', () => {
  it('is the own name of lower-case letters, digits and a few signs', () => {
    for (const name of ['a', 'archive 2026', 'a.b_c~d-e', '{b1946ac9}', '0', 'x'.repeat(200)])
      expect(plainOf(name)).toBe(name);
  });

  it('is no name that Windows could take for another, or not keep', () => {
    const capitals = ['A', 'aB', 'É', 'ß'];
    const signs = ['a/b', 'a\\b', 'a:b', 'a*', 'a\u0000', 'a\n', 'ä', '鍵', '🔑', 'a|b'];
    const ends = ['', ' a', 'a ', ' '];
    const own = ['keycask-', 'keycask-a', hashedOf('a')];
    for (const name of [...capitals, ...signs, ...ends, ...own, 'x'.repeat(201)])
      expect(plainOf(name)).toBeUndefined();
  });

  it('is else a hash of name and spec, which no own name can be', () => {
    // printf 'AT_KEYEXCHANGE\0A' | sha256sum | cut -c1-40
    expect(hashedOf('A')).toBe('keycask-b5bd562957d73ce4af87776fe6c891afe3221274');
    for (const spec of SPECS) {
      expect(isHashedName(hashedOf('A', spec))).toBe(true);
      expect(plainOf(hashedOf('A', spec))).toBeUndefined();
    }
    expect(isHashedName('keycask-')).toBe(false);
    expect(isHashedName(`${hashedOf('A')}0`)).toBe(false);
    expect(isHashedName(hashedOf('A').toUpperCase())).toBe(false);
  });

  it('is in both scopes the same: Windows keeps them apart itself', () => {
    const named = { name: 'A', legacyKeySpec: 'none' } as const;
    expect(nativeNameOf({ ...named, scope: 'user' })).toEqual(
      nativeNameOf({ ...named, scope: 'machine' }),
    );
  });
});

describe('a name in a key storage provider', () => {
  it('has a suffix for all but the exchange key, which bears the name of the container', () => {
    const plain = (legacyKeySpec: LegacyKeySpec) =>
      cngNameOf({ name: 'archive', legacyKeySpec, scope: 'user' }).plain;
    expect(SPECS.map(plain)).toEqual(['archive~none', 'archive', 'archive~signature']);
  });

  it('is hashed where its end looks like such a suffix', () => {
    for (const name of ['a~signature', 'a~none', '~none'])
      for (const legacyKeySpec of SPECS)
        expect(cngNameOf({ name, legacyKeySpec, scope: 'user' }).plain).toBeUndefined();
    expect(cngNameOf({ name: 'a~', legacyKeySpec: 'none', scope: 'user' }).plain).toBe('a~~none');
  });

  it('is of two keys never one, in whatever case, and fits into MAX_PATH', () => {
    const names = ['a', 'A', 'a~', 'a~signature', 'a~none', 'A~none', 'a~none~none', ' a', 'a '];
    const long = ['x'.repeat(200), 'X'.repeat(200), 'x'.repeat(201), 'x'.repeat(260), 'ä', 'Ä'];
    const all = [...names, ...long, hashedOf('a'), hashedOf('A', 'none')];
    const owners = new Map<string, string>();
    for (const name of all)
      for (const legacyKeySpec of SPECS) {
        const owner = `${legacyKeySpec} ${name}`;
        const { plain, hashed } = cngNameOf({ name, legacyKeySpec, scope: 'user' });
        for (const native of plain === undefined ? [hashed] : [plain, hashed]) {
          expect(native.length).toBeLessThan(MAX_PATH);
          expect(owners.get(native.toLowerCase()) ?? owner).toBe(owner);
          owners.set(native.toLowerCase(), owner);
        }
      }
    expect(owners.size).toBeGreaterThan(all.length * SPECS.length);
  });

  it('says the spec by the numbers of ncrypt.h, and takes another number for none', () => {
    expect(LEGACY_KEY_SPEC).toEqual({ none: 0, AT_KEYEXCHANGE: 1, AT_SIGNATURE: 2 });
    for (const spec of SPECS) expect(legacyKeySpecOf(LEGACY_KEY_SPEC[spec])).toBe(spec);
    // CERT_NCRYPT_KEY_SPEC, wincrypt.h.
    expect(legacyKeySpecOf(0xffff_ffff)).toBe('none');
  });
});
