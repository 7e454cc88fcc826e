/** How properties lie with a CNG key, on a double of NCryptGetProperty and NCryptSetProperty. */
import { describe, expect, it } from 'vitest';
import { nativeError } from '../../../native-bindings/check-win32.ts';
import {
  NCRYPT_MAX_PROPERTY_DATA,
  NCRYPT_MAX_PROPERTY_NAME,
  NCRYPT_PERSIST_FLAG,
} from '../../../native-bindings/ncrypt-constants.ts';
import type { NCrypt } from '../../../native-bindings/ncrypt.ts';
import { WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { hex } from '../../support/bytes.ts';
import type { KeyAlgorithm } from '../../../lib/keys/key-algorithms.ts';
import {
  dword,
  exportPolicyDword,
  isInLegacyStore,
  isIsolated,
  isPerBoot,
  keyUsageDword,
  markLegacyStore,
  nativeProperties,
  readCustom,
  readDword,
  readFacts,
  readProperty,
  readText,
  writeCustom,
  writeFacts,
} from '../../../lib/providers/cng/cng-properties.ts';
import type { KeyFacts } from '../../../lib/providers/key-files/key-facts.ts';

type PropertyCalls = Pick<NCrypt, 'getProperty' | 'setProperty' | 'getUiPolicy'>;

const KEY = 7n;

/** A double of a key's properties: bytes by name, within the limits of ncrypt.h. */
class PropertiesDouble implements PropertyCalls {
  readonly values = new Map<string, Uint8Array>();
  uiFlags: number | undefined;
  /** What is answered for a property that the key does not have. */
  absent: keyof typeof WINDOWS_STATUS = 'NTE_NOT_FOUND';

  getProperty(_handle: bigint, name: string): Uint8Array {
    const value = this.values.get(name);
    if (!value) throw this.#failure('NCryptGetProperty', this.absent);
    return Uint8Array.from(value);
  }

  setProperty(_handle: bigint, name: string, value: Uint8Array, flags: number): void {
    const fits =
      name.length <= NCRYPT_MAX_PROPERTY_NAME && value.length <= NCRYPT_MAX_PROPERTY_DATA;
    if (!fits || flags !== NCRYPT_PERSIST_FLAG)
      throw this.#failure('NCryptSetProperty', 'NTE_INVALID_PARAMETER');
    this.values.set(name, Uint8Array.from(value));
  }

  getUiPolicy(): ReturnType<NCrypt['getUiPolicy']> {
    if (this.uiFlags === undefined) throw this.#failure('NCryptGetProperty', this.absent);
    return { flags: this.uiFlags, creationTitle: null, friendlyName: null, description: null };
  }

  #failure(api: string, status: keyof typeof WINDOWS_STATUS): Error {
    return nativeError(api, 'hresult', WINDOWS_STATUS[status]);
  }

  /** For functions that take all of ncrypt.dll, and use these three. */
  get ncrypt(): NCrypt {
    return this as unknown as NCrypt;
  }
}

/** Values whose bytes tell their place. */
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at % 251);

describe('a custom property', () => {
  const MAX = 1 << 20;

  it('comes back as it was written, empty or as long as it may be, and longer or shorter later', () => {
    const { ncrypt, values } = new PropertiesDouble();
    for (const length of [0, 1, 2, MAX - 2, MAX - 1, MAX, 5, MAX, 0]) {
      writeCustom(ncrypt, KEY, 'name', bytes(length));
      const value = readCustom(ncrypt, KEY, 'name')!;
      expect(value.length).toBe(length);
      expect(Buffer.compare(value, bytes(length))).toBe(0);
    }
    for (const value of values.values()) expect(value.length).toBeLessThanOrEqual(MAX);
  });

  it('is not there before it is written, and after it is removed', () => {
    const { ncrypt } = new PropertiesDouble();
    expect(readCustom(ncrypt, KEY, 'name')).toBeUndefined();
    for (const length of [0, 3, MAX]) {
      writeCustom(ncrypt, KEY, 'name', bytes(length));
      writeCustom(ncrypt, KEY, 'name', undefined);
      expect(readCustom(ncrypt, KEY, 'name')).toBeUndefined();
    }
  });

  it('is another for every name, none of Windows’ own, under a name that fits', () => {
    const double = new PropertiesDouble();
    const names = ['a', 'A', 'Length', 'Export Policy', 'keycask facts', 'x'.repeat(64), 'ä'];
    for (const [index, name] of names.entries())
      writeCustom(double.ncrypt, KEY, name, Uint8Array.of(index));
    for (const [index, name] of names.entries())
      expect(readCustom(double.ncrypt, KEY, name)).toEqual(Uint8Array.of(index));
    expect(double.values.size).toBe(names.length);
    // printf Length | sha256sum | cut -c1-40
    expect([...double.values.keys()]).toContain('keycask:adc95605a1b30c73959fbaf21e60f9723efe855c');
    for (const name of double.values.keys()) expect(name).toMatch(/^keycask:[0-9a-f]{40}$/);
  });

  it('that somebody else wrote without its first byte is none', () => {
    const double = new PropertiesDouble();
    writeCustom(double.ncrypt, KEY, 'name', bytes(3));
    const [stored] = double.values.keys();
    double.values.set(stored!, new Uint8Array(0));
    expect(readCustom(double.ncrypt, KEY, 'name')).toBeUndefined();
  });
});

describe('what is kept with a key', () => {
  const facts: KeyFacts = {
    generation: 3,
    content: 'reference',
    name: 'Archive',
    scope: 'user',
    legacyKeySpec: 'AT_KEYEXCHANGE',
    algorithm: 'ECDH_P256',
    publicKey: hex(
      '3059301306072a8648ce3d020106082a8648ce3d03010703420004' +
        '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296' +
        '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
    ),
    properties: {
      exportPolicy: {
        export: true,
        plaintextExport: false,
        archive: false,
        plaintextArchive: true,
      },
      keyUsage: ['agree'],
      uiPolicy: { level: 'protect', title: 'The archive' },
      isolation: 'prefer-vbs',
      modified: new Date('2026-01-01T00:00:00Z'),
      custom: new Map(),
    },
  };

  it('comes back as it was written', () => {
    const { ncrypt } = new PropertiesDouble();
    expect(readFacts(ncrypt, KEY)).toBeUndefined();
    writeFacts(ncrypt, KEY, facts);
    expect(readFacts(ncrypt, KEY)).toEqual(facts);
  });

  it('is damaged where it is malformed: cut, continued, or changed into what nobody writes', () => {
    const double = new PropertiesDouble();
    writeFacts(double.ncrypt, KEY, facts);
    const [name, der] = [...double.values][0]!;
    for (let length = 0; length < der.length; length++) {
      double.values.set(name, der.subarray(0, length));
      expect(readFacts(double.ncrypt, KEY)).toBe('damaged');
    }
    double.values.set(name, Uint8Array.of(...der, 0));
    expect(readFacts(double.ncrypt, KEY)).toBe('damaged');
  });

  it('says whether it is in the legacy store too', () => {
    const { ncrypt } = new PropertiesDouble();
    expect(isInLegacyStore(ncrypt, KEY)).toBe(false);
    markLegacyStore(ncrypt, KEY);
    expect(isInLegacyStore(ncrypt, KEY)).toBe(true);
  });
});

describe('a property of Windows’ own', () => {
  it('is a DWORD of flags, little-endian', () => {
    const policy = { export: true, plaintextExport: true, archive: true, plaintextArchive: true };
    expect(exportPolicyDword(policy)).toEqual(Uint8Array.of(15, 0, 0, 0));
    expect(exportPolicyDword({ ...policy, export: false })).toEqual(Uint8Array.of(14, 0, 0, 0));
    expect(keyUsageDword(['decrypt', 'sign'])).toEqual(Uint8Array.of(3, 0, 0, 0));
    expect(keyUsageDword(['agree'])).toEqual(Uint8Array.of(4, 0, 0, 0));
    expect(dword(0x8000_0001)).toEqual(Uint8Array.of(1, 0, 0, 0x80));
    expect(readDword(dword(0x8000_0001))).toBe(0x8000_0001);
    // Of a buffer that begins elsewhere.
    expect(readDword(Uint8Array.of(9, 9, 1, 2, 0, 0).subarray(2))).toBe(0x0201);
    expect(readDword(Uint8Array.of(1, 2, 3))).toBeUndefined();
    expect(readDword(undefined)).toBeUndefined();
  });

  it('is a wide string up to its zero', () => {
    expect(readText(Buffer.from('ECDH\0', 'utf16le'))).toBe('ECDH');
    expect(readText(Buffer.from('a\u00e4\ud83d\udd11\0rest', 'utf16le'))).toBe('aä🔑');
    expect(readText(new Uint8Array(0))).toBe('');
  });

  it('is absent for what Windows and Wine answer of a property that is not there, and for nothing else', () => {
    const double = new PropertiesDouble();
    for (const absent of ['NTE_NOT_FOUND', 'NTE_NOT_SUPPORTED', 'NTE_INVALID_PARAMETER'] as const) {
      double.absent = absent;
      expect(readProperty(double.ncrypt, KEY, 'Virtual Iso')).toBeUndefined();
      expect(isIsolated(double.ncrypt, KEY)).toBe(false);
      expect(isPerBoot(double.ncrypt, KEY)).toBe(false);
    }
    double.absent = 'NTE_INVALID_HANDLE';
    expect(() => readProperty(double.ncrypt, KEY, 'Virtual Iso')).toThrow(/NTE_INVALID_HANDLE/);
  });

  it('says whether a key is in VBS, and ends with the boot', () => {
    const double = new PropertiesDouble();
    for (const [value, is] of [
      [0, false],
      [1, true],
    ] as const) {
      double.values.set('Virtual Iso', dword(value));
      double.values.set('Per Boot Key', dword(value));
      expect(isIsolated(double.ncrypt, KEY)).toBe(is);
      expect(isPerBoot(double.ncrypt, KEY)).toBe(is);
    }
  });
});

describe('a key of another application', () => {
  const properties = (algorithm: KeyAlgorithm, double: PropertiesDouble) =>
    nativeProperties(double.ncrypt, KEY, { algorithm, legacyKeySpec: 'AT_KEYEXCHANGE' });

  it('has the policy, usages, protection and date that Windows tells of it', () => {
    const double = new PropertiesDouble();
    double.values.set('Export Policy', dword(0x9));
    double.values.set('Key Usage', dword(0x2));
    // 2026-01-01T00:00:00Z: w32tm /ntte, or (1767225600 + 11644473600) * 10^7.
    double.values.set('Modified', hex('00008192b17adc01'));
    double.uiFlags = 1;
    expect(properties('RSA', double)).toEqual({
      exportPolicy: {
        export: true,
        plaintextExport: false,
        archive: false,
        plaintextArchive: true,
      },
      keyUsage: ['sign'],
      uiPolicy: { level: 'protect' },
      isolation: 'none',
      modified: new Date('2026-01-01T00:00:00Z'),
      custom: new Map(),
    });
    double.uiFlags = 3;
    expect(properties('RSA', double).uiPolicy).toEqual({ level: 'force-high' });
  });

  it('may do what its kind can where Windows sets no limit, and not what its kind cannot', () => {
    const double = new PropertiesDouble();
    expect(properties('RSA', double).keyUsage).toEqual(['decrypt', 'sign']);
    // NCRYPT_ALLOW_ALL_USAGES
    double.values.set('Key Usage', dword(0xff_ffff));
    expect(properties('RSA', double).keyUsage).toEqual(['decrypt', 'sign']);
    expect(properties('ECDH_P256', double).keyUsage).toEqual(['agree']);
    double.values.set('Key Usage', dword(0));
    expect(properties('ECDH_P256', double).keyUsage).toEqual([]);
  });

  it('allows no export that Windows does not tell of, asks nobody, and is of 1970', () => {
    const { exportPolicy, uiPolicy, modified } = properties('RSA', new PropertiesDouble());
    expect(Object.values(exportPolicy)).toEqual([false, false, false, false]);
    expect(uiPolicy).toEqual({ level: 'none' });
    expect(modified).toEqual(new Date(0));
  });
});
