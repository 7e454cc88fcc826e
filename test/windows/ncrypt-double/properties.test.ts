/** The double of ncrypt.dll: properties, export policies, blobs. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import koffi from 'koffi';
import { describe, expect, test } from 'vitest';
import { hasDouble, useFreshStore } from '../../native/ncrypt-double/fresh-store.ts';
import {
  createKey,
  deleteKey,
  dword,
  exportKey,
  finalizeKey,
  freeObject,
  getNumber,
  getProperty,
  importKey,
  must,
  openKey,
  setProperty,
  type CreateOptions,
} from '../../native/ncrypt-double/raw-ncrypt.ts';
import { wide } from '../../native/ncrypt-double/raw-structures.ts';
import { forkTest, race } from '../../support/fork.ts';
import {
  ecBlobOf,
  ecPrivateKeyOf,
  rsaBlobOf,
  rsaPrivateKeyOf,
  rsaPublicKeyOf,
} from './blob-keys.ts';

const PERSIST = 0x8000_0000;
const PERSIST_ONLY = 0x4000_0000;
const OWNER = 1;
const DACL = 4;
const MIB = 1 << 20;
const MACHINE = 0x20;
const DO_NOT_FINALIZE = 0x400;

describe.runIf(hasDouble)('the ncrypt double: properties', () => {
  const store = useFreshStore();

  function makeKey(name: string | null, { spec = 0, flags = 0 }: CreateOptions = {}): bigint {
    const key = must(createKey(store.provider, 'ECDH_P256', name, { spec, flags }));
    expect(finalizeKey(key)).toBe('ok');
    return key;
  }

  test('tells what a key is', () => {
    const rsa = must(createKey(store.provider, 'RSA', 'rsa', { flags: MACHINE }));
    expect(must(getProperty(rsa, 'Name'))).toEqual(wide('rsa'));
    expect(must(getProperty(rsa, 'Algorithm Name'))).toEqual(wide('RSA'));
    expect(getNumber(rsa, 'Length')).toEqual(['ok', 2048]);
    const lengths = Buffer.from(must(getProperty(rsa, 'Lengths')));
    const numbers = [0, 4, 8, 12].map((at) => lengths.readUInt32LE(at));
    expect(numbers).toEqual([512, 16384, 64, 2048]);
    expect(getNumber(rsa, 'Block Length')).toEqual(['ok', 256]);
    expect(getNumber(rsa, 'SignatureLength')).toEqual(['ok', 256]);
    expect(getNumber(rsa, 'Export Policy')).toEqual(['ok', 0]);
    expect(getNumber(rsa, 'Key Usage')).toEqual(['ok', 0xff_ffff]);
    expect(getNumber(rsa, 'Key Type')).toEqual(['ok', MACHINE]);
    expect(getProperty(rsa, 'UI Policy')[0]).toBe('NTE_NOT_FOUND');
    const started = Date.now();
    const key = makeKey('key');
    expect(must(getProperty(key, 'Algorithm Group'))).toEqual(wide('ECDH'));
    expect(getProperty(key, 'Block Length')[0]).toBe('NTE_NOT_SUPPORTED');
    const filetime = Buffer.from(must(getProperty(key, 'Modified'))).readBigUInt64LE();
    const modified = Number(filetime / 10_000n - 11_644_473_600_000n);
    expect(Math.abs(modified - started)).toBeLessThan(10_000);
    const handle = Buffer.from(must(getProperty(key, 'Provider Handle'))).readBigUInt64LE();
    expect(getNumber(handle, 'Impl Type')).toEqual(['ok', 2]);
    expect(freeObject(handle)).toBe('ok');
  });

  test('takes a length before the key is finalized, and none that RSA does not have', () => {
    const key = must(createKey(store.provider, 'RSA', null));
    for (const bits of [0, 448, 2050, 16448]) {
      expect(setProperty(key, 'Length', dword(bits))).toBe('NTE_INVALID_PARAMETER');
    }
    expect(setProperty(key, 'Length', Buffer.alloc(3))).toBe('NTE_INVALID_PARAMETER');
    expect(setProperty(key, 'Length', dword(1088))).toBe('ok');
    expect(finalizeKey(key)).toBe('ok');
    expect(getNumber(key, 'Length')).toEqual(['ok', 1088]);
    expect(exportKey(key, 'RSAPUBLICBLOB')[1].length).toBe(24 + 3 + 136);
    expect(setProperty(key, 'Length', dword(2048))).toBe('NTE_INVALID_HANDLE');
    expect(setProperty(key, 'Algorithm Name', wide('RSA'))).toBe('NTE_NOT_SUPPORTED');
  });

  test('keeps a custom property of 1 MiB with the key, and one byte more never', () => {
    const key = makeKey('key');
    const value = Buffer.alloc(MIB, 'x');
    expect(setProperty(key, 'a'.repeat(64), value, PERSIST)).toBe('ok');
    const kept = must(getProperty(must(openKey(store.provider, 'key')), 'a'.repeat(64)));
    expect(value.equals(kept)).toBe(true);
    const tooLong = Buffer.alloc(MIB + 1);
    expect(setProperty(key, 'a', tooLong, PERSIST)).toBe('NTE_INVALID_PARAMETER');
    expect(setProperty(key, 'a'.repeat(65), value, PERSIST)).toBe('NTE_INVALID_PARAMETER');
    expect(setProperty(key, 'a', Buffer.alloc(0), PERSIST)).toBe('ok');
    expect(getProperty(key, 'a')).toEqual(['ok', Buffer.alloc(0)]);
    expect(getProperty(key, 'b')[0]).toBe('NTE_NOT_FOUND');
    expect(setProperty(key, 'a', value, 0x1)).toBe('NTE_BAD_FLAGS');
    expect(getProperty(key, 'a', 0x1)[0]).toBe('NTE_BAD_FLAGS');
  });

  test('keeps a property without the flag in its handle, and one with it for all', () => {
    const key = must(createKey(store.provider, 'ECDH_P256', 'key'));
    expect(setProperty(key, 'lasting', wide('1'), PERSIST)).toBe('ok');
    expect(setProperty(key, 'passing', wide('1'))).toBe('ok');
    expect(finalizeKey(key)).toBe('ok');
    const other = must(openKey(store.provider, 'key'));
    expect(getProperty(other, 'lasting')).toEqual(['ok', wide('1')]);
    expect(getProperty(key, 'passing')).toEqual(['ok', wide('1')]);
    expect(getProperty(other, 'passing')[0]).toBe('NTE_NOT_FOUND');
    expect(getProperty(key, 'passing', PERSIST_ONLY)[0]).toBe('NTE_NOT_FOUND');
    // What one handle persists, the other reads.
    expect(setProperty(other, 'lasting', wide('2'), PERSIST)).toBe('ok');
    expect(getProperty(key, 'lasting')).toEqual(['ok', wide('2')]);
    expect(setProperty(key, 'passing', wide('3'), PERSIST)).toBe('ok');
    expect(getProperty(other, 'passing', PERSIST_ONLY)).toEqual(['ok', wide('3')]);
    // A name of Windows' own can be a custom one too.
    expect(setProperty(key, 'Length', wide('mine'), PERSIST_ONLY)).toBe('ok');
    expect(getNumber(key, 'Length')).toEqual(['ok', 256]);
    expect(getProperty(other, 'Length', PERSIST_ONLY)).toEqual(['ok', wide('mine')]);
    expect(setProperty(makeKey(null), 'x', wide('1'), PERSIST)).toBe('NTE_BAD_FLAGS');
    expect(deleteKey(other)).toBe('ok');
    expect(getProperty(key, 'lasting')).toEqual(['ok', wide('2')]);
    expect(setProperty(key, 'lasting', wide('4'), PERSIST)).toBe('NTE_BAD_KEYSET');
  });

  test('loses no property when processes set different ones at once', async () => {
    const key = makeKey('key');
    const names = ['one', 'two', 'three'];
    const children = await Promise.all(
      names.map((name) =>
        forkTest('native/ncrypt-double/children/other-process.ts', ['set', 'key', name]),
      ),
    );
    expect(await race(children)).toEqual(['ok', 'ok', 'ok']);
    for (const name of names) {
      for (let index = 0; index < 20; index += 1) {
        expect(getProperty(key, `${name}${index}`)).toEqual(['ok', Buffer.from(name)]);
      }
    }
  });

  test('lets a persisted key allow less, and an ephemeral one also more', () => {
    const key = must(createKey(store.provider, 'ECDH_P256', 'key'));
    expect(setProperty(key, 'Export Policy', dword(0x10))).toBe('NTE_INVALID_PARAMETER');
    expect(setProperty(key, 'Export Policy', dword(3))).toBe('ok');
    expect(finalizeKey(key)).toBe('ok');
    expect(setProperty(key, 'Export Policy', dword(7), PERSIST)).toBe('NTE_PERM');
    expect(setProperty(key, 'Export Policy', dword(1), PERSIST)).toBe('ok');
    expect(setProperty(key, 'Export Policy', dword(3), PERSIST)).toBe('NTE_PERM');
    expect(getNumber(must(openKey(store.provider, 'key')), 'Export Policy')).toEqual(['ok', 1]);
    expect(setProperty(key, 'Key Usage', dword(7))).toBe('NTE_PERM');
    const ephemeral = makeKey(null);
    expect(setProperty(ephemeral, 'Export Policy', dword(2))).toBe('ok');
    expect(exportKey(ephemeral, 'ECCPRIVATEBLOB')[0]).toBe('ok');
  });

  test('keeps a UI policy with its strings, set before the key is finalized', () => {
    const key = must(createKey(store.provider, 'ECDH_P256', 'key'));
    const title = wide('A title');
    // dwVersion, dwFlags, pszCreationTitle, pszFriendlyName (none), pszDescription
    const policy = Buffer.alloc(32);
    policy.writeUInt32LE(1, 0);
    policy.writeUInt32LE(2, 4);
    policy.writeBigUInt64LE(koffi.address(title), 8);
    policy.writeBigUInt64LE(koffi.address(title), 24);
    const unknown = Buffer.from(policy).fill(4, 4, 5);
    expect(setProperty(key, 'UI Policy', unknown)).toBe('NTE_INVALID_PARAMETER');
    expect(setProperty(key, 'UI Policy', policy.subarray(1))).toBe('NTE_INVALID_PARAMETER');
    expect(setProperty(key, 'UI Policy', policy)).toBe('ok');
    expect(finalizeKey(key, 0x40)).toBe('NTE_SILENT_CONTEXT');
    expect(finalizeKey(key)).toBe('ok');
    expect(setProperty(key, 'UI Policy', policy)).toBe('NTE_INVALID_HANDLE');

    const given = Buffer.from(must(getProperty(must(openKey(store.provider, 'key')), 'UI Policy')));
    expect(given.length).toBe(32 + 2 * title.length);
    expect([given.readUInt32LE(0), given.readUInt32LE(4)]).toEqual([1, 2]);
    const pointers = [8, 16, 24].map((at) => given.readBigUInt64LE(at));
    expect(pointers.map((pointer) => (pointer === 0n ? null : textAt(pointer)))).toEqual([
      'A title',
      null,
      'A title',
    ]);
  });

  test('keeps a security descriptor, part by part named', () => {
    const key = makeKey('key');
    // Self-relative, nothing in it: SE_SELF_RELATIVE.
    const descriptor = Buffer.alloc(20);
    descriptor[0] = 1;
    descriptor.writeUInt16LE(0x8000, 2);
    expect(setProperty(key, 'Security Descr', descriptor, PERSIST)).toBe('NTE_BAD_FLAGS');
    expect(setProperty(key, 'Security Descr', Buffer.alloc(20), PERSIST | DACL)).toBe(
      'NTE_INVALID_PARAMETER',
    );
    expect(setProperty(key, 'Security Descr', descriptor, PERSIST | DACL)).toBe('ok');
    const other = must(openKey(store.provider, 'key'));
    expect(getProperty(other, 'Security Descr', OWNER)).toEqual(['ok', descriptor]);
    expect(getProperty(other, 'Security Descr')[0]).toBe('NTE_BAD_FLAGS');
    expect(getProperty(other, 'custom', DACL)[0]).toBe('NTE_BAD_FLAGS');
  });
});

function textAt(pointer: bigint): string {
  return koffi.decode(pointer, 'char16_t', -1) as string;
}

describe.runIf(hasDouble)('the ncrypt double: blobs', () => {
  const store = useFreshStore();
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });

  /** Imported and allowed to leave. */
  function importPrivate(type: string, blob: Uint8Array): bigint {
    const key = must(importKey(store.provider, type, blob, { flags: DO_NOT_FINALIZE }));
    expect(setProperty(key, 'Export Policy', dword(3))).toBe('ok');
    expect(finalizeKey(key)).toBe('ok');
    return key;
  }

  test('takes and gives RSA keys in every form', () => {
    const full = rsaBlobOf(rsa.privateKey, 8);
    const short = rsaBlobOf(rsa.privateKey, 4);
    const open = rsaBlobOf(rsa.publicKey, 2);
    for (const key of [
      importPrivate('RSAFULLPRIVATEBLOB', full),
      importPrivate('RSAPRIVATEBLOB', short),
    ]) {
      const given = must(exportKey(key, 'RSAFULLPRIVATEBLOB'));
      expect(rsaPrivateKeyOf(given).equals(rsa.privateKey)).toBe(true);
      expect(must(exportKey(key, 'RSAPRIVATEBLOB'))).toEqual(short);
      expect(must(exportKey(key, 'RSAPUBLICBLOB'))).toEqual(open);
      expect(must(exportKey(key, 'PUBLICBLOB'))).toEqual(open);
      const capi = must(exportKey(key, 'CAPIPRIVATEBLOB'));
      const again = importPrivate('CAPIPRIVATEBLOB', capi);
      expect(must(exportKey(again, 'RSAPRIVATEBLOB'))).toEqual(short);
      expect(exportKey(key, 'ECCPUBLICBLOB')[0]).toBe('NTE_BAD_TYPE');
      expect(exportKey(key, 'NOSUCHBLOB')[0]).toBe('NTE_BAD_TYPE');
      expect(exportKey(key, 'RSAPUBLICBLOB', 0x1)[0]).toBe('NTE_BAD_FLAGS');
    }
    const publicKey = must(importKey(store.provider, 'RSAPUBLICBLOB', open));
    expect(exportKey(publicKey, 'RSAPRIVATEBLOB')[0]).toBe('NTE_NO_KEY');
    const capi = must(exportKey(publicKey, 'CAPIPUBLICBLOB'));
    const again = must(importKey(store.provider, 'CAPIPUBLICBLOB', capi));
    expect(rsaPublicKeyOf(must(exportKey(again, 'RSAPUBLICBLOB'))).equals(rsa.publicKey)).toBe(
      true,
    );
  });

  test('takes and gives keys of curves', () => {
    const blob = ecBlobOf(ec.privateKey, 'ECK4');
    const key = importPrivate('ECCPRIVATEBLOB', blob);
    const given = must(exportKey(key, 'ECCPRIVATEBLOB'));
    expect(given).toEqual(blob);
    expect(createPublicKey(ecPrivateKeyOf(given)).equals(ec.publicKey)).toBe(true);
    expect(must(exportKey(key, 'ECCPUBLICBLOB'))).toEqual(ecBlobOf(ec.publicKey, 'ECK3'));
    expect(must(getProperty(key, 'Algorithm Name'))).toEqual(wide('ECDH_P384'));
  });

  test('refuses blobs that are cut, longer, of another kind, or of no key', () => {
    const blobs = [
      ['RSAFULLPRIVATEBLOB', rsaBlobOf(rsa.privateKey, 8)],
      ['RSAPUBLICBLOB', rsaBlobOf(rsa.publicKey, 2)],
      ['ECCPRIVATEBLOB', ecBlobOf(ec.privateKey, 'ECS4')],
      ['ECCPUBLICBLOB', ecBlobOf(ec.publicKey, 'ECS3')],
    ] as const;
    const bring = (type: string, blob: Uint8Array) => importKey(store.provider, type, blob)[0];
    for (const [type, blob] of blobs) {
      expect(bring(type, blob)).toBe('ok');
      for (const length of [0, 3, 7, 23, blob.length - 1]) {
        expect(bring(type, blob.subarray(0, length))).toBe('NTE_BAD_DATA');
      }
      expect(bring(type, Buffer.concat([blob, Buffer.alloc(1)]))).toBe('NTE_BAD_DATA');
      expect(bring(type, Buffer.concat([Buffer.from('XXXX'), blob.subarray(4)]))).toBe(
        'NTE_BAD_DATA',
      );
      const damaged = Buffer.from(blob);
      damaged[damaged.length - 1]! ^= 1;
      expect(bring(type, damaged)).toBe('NTE_BAD_DATA');
      for (const [other] of blobs.filter(([name]) => name !== type)) {
        expect(bring(other, blob)).toBe('NTE_BAD_DATA');
      }
    }
    expect(bring('NOSUCHBLOB', blobs[0][1])).toBe('NTE_NOT_SUPPORTED');
  });

  test('persists an import under the name in its parameters', () => {
    const blob = ecBlobOf(ec.privateKey, 'ECS4');
    const bring = (flags: number) =>
      importKey(store.provider, 'ECCPRIVATEBLOB', blob, { name: 'key', flags });
    must(bring(0));
    expect(bring(0)[0]).toBe('NTE_EXISTS');
    expect(bring(0x80)[0]).toBe('ok');
    expect(bring(MACHINE)[0]).toBe('ok');
    expect(bring(0x1)[0]).toBe('NTE_BAD_FLAGS');
    const opened = must(openKey(store.provider, 'key'));
    expect(must(exportKey(opened, 'ECCPUBLICBLOB'))).toEqual(ecBlobOf(ec.publicKey, 'ECS3'));
    expect(exportKey(opened, 'ECCPRIVATEBLOB')[0]).toBe('NTE_NOT_SUPPORTED');
    const open = ecBlobOf(ec.publicKey, 'ECS3');
    const named = { name: 'public' };
    expect(importKey(store.provider, 'ECCPUBLICBLOB', open, named)[0]).toBe(
      'NTE_INVALID_PARAMETER',
    );
    const pending = { flags: DO_NOT_FINALIZE };
    expect(importKey(store.provider, 'ECCPUBLICBLOB', open, pending)[0]).toBe('NTE_BAD_FLAGS');
  });

  test('lets a key leave as its policy says', () => {
    const made = (policy: number, name: string | null = null) => {
      const key = must(createKey(store.provider, 'ECDH_P256', name));
      expect(setProperty(key, 'Export Policy', dword(policy))).toBe('ok');
      expect(finalizeKey(key)).toBe('ok');
      return key;
    };
    const leave = (key: bigint) => exportKey(key, 'ECCPRIVATEBLOB')[0];
    expect([0, 1, 2, 3, 4].map((policy) => leave(made(policy)))).toEqual([
      'NTE_NOT_SUPPORTED',
      'NTE_NOT_SUPPORTED',
      'ok',
      'ok',
      'NTE_NOT_SUPPORTED',
    ]);
    // For archiving: once, and by the handle that made it.
    const archived = made(8, 'key');
    const other = must(openKey(store.provider, 'key'));
    expect([leave(other), leave(archived), leave(archived)]).toEqual([
      'NTE_NOT_SUPPORTED',
      'ok',
      'NTE_NOT_SUPPORTED',
    ]);
  });
});
