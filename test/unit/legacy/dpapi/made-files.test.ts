/** Master keys, blobs and containers of forms that no sample of Windows has: sealed by test/support/windows-profile.ts by the same pages. */
import { createPrivateKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALG_ID } from '../../../../lib/blobs/alg-id.ts';
import { encodePvk } from '../../../../lib/blobs/pvk.ts';
import { BlobWriter } from '../../../../lib/bytes/blob-writer.ts';
import { concatBytes, plainBytes, toHex } from '../../../../lib/bytes/octets.ts';
import { KeyStoreError } from '../../../../lib/errors.ts';
import { rsaPrivateKeyFromBlob, rsaPrivateKeyToBlob } from '../../../../lib/keys/rsa-key-blob.ts';
import { backupPreKey } from '../../../../lib/legacy/dpapi/master-key.ts';
import { strongPasswordOfPin } from '../../../../lib/legacy/dpapi/windows-hello.ts';
import {
  encodeDomainBackupKey,
  encodePcpKeyFile,
  openBackupKey,
  openContainerFile,
  openCredHist,
  openDpapiBlob,
  openMasterKey,
} from '../../../../lib/legacy/index.ts';
import { hash } from '../../../../lib/legacy/dpapi/dpapi-algorithms.ts';
import { revealed } from '../../../support/bytes.ts';
import { codeOfAsync } from '../../../support/errors.ts';
import {
  capiContainerFile,
  cngContainerFile,
  credHistFile,
  dssSlot,
  masterKeyFile,
  ntHash,
  preKeyFor,
  rsaSlot,
  sealDpapiBlob,
  sealSection,
  utf16,
  wrapByServer,
  wrapForDomain,
} from '../../../support/windows-profile.ts';

const SID = 'S-1-5-21-494464150-3436831043-1864828003-1001';
const GUID = '1eccdbd2-4771-4360-8b19-9d6060a061dc';
const MASTER_KEY = Uint8Array.from({ length: 64 }, (_, i) => i);
const SEAL = { guid: GUID, masterKey: MASTER_KEY };
const PLAINTEXT = new TextEncoder().encode('a secret');

describe('a master key', () => {
  test.each(['sha1', 'nt-hash', 'protected-users'] as const)(
    'under the form %s opens with the password, and with no other one',
    async (form) => {
      const preKey = await preKeyFor({ password: utf16('pässword') }, SID, form);
      const era = form === 'nt-hash' ? 'xp' : 'windows-10';
      const masterKey = await sealSection(MASTER_KEY, preKey, era);
      const file = masterKeyFile({ guid: GUID.toUpperCase(), masterKey });
      using opened = await openMasterKey(file, { password: utf16('pässword'), sid: SID });
      expect([opened.form, opened.guid, toHex(opened.key.bytes)]).toEqual([
        form,
        GUID,
        toHex(MASTER_KEY),
      ]);
      const hashed =
        form === 'sha1'
          ? { sha1: hash('sha1', utf16('pässword')), sid: SID }
          : { ntHash: await ntHash('pässword'), sid: SID };
      using again = await openMasterKey(file, hashed);
      expect(again.form).toBe(form);
      for (const wrong of [
        { password: utf16('passwort'), sid: SID },
        { password: utf16('pässword'), sid: 'S-1-5-21-1-2-3-1001' },
        { sha1: new Uint8Array(20), sid: SID },
        { ntHash: new Uint8Array(16), sid: SID },
      ])
        expect(await codeOfAsync(openMasterKey(file, wrong))).toBe('PASSWORD_WRONG');
    },
  );

  test('of the system opens with DPAPI_SYSTEM: 44 bytes, or its two keys', async () => {
    const keys = plainBytes(randomBytes(40));
    const whole = concatBytes(Uint8Array.of(1, 0, 0, 0), keys);
    for (const [at, form] of [
      [0, 'dpapi-system-machine'],
      [20, 'dpapi-system-user'],
    ] as const) {
      const section = await sealSection(MASTER_KEY, keys.subarray(at, at + 20));
      const file = masterKeyFile({ guid: GUID, masterKey: section });
      for (const dpapiSystem of [whole, keys]) {
        using opened = await openMasterKey(file, { dpapiSystem });
        expect(opened.form).toBe(form);
      }
      const wrong = openMasterKey(file, { dpapiSystem: new Uint8Array(40) });
      expect(await codeOfAsync(wrong)).toBe('KEY_UNWRAP_FAILED');
    }
  });

  test('of a domain opens with its RSA key in every form that tools export', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pkcs8 = plainBytes(privateKey.export({ format: 'der', type: 'pkcs8' }));
    using secret = rsaPrivateKeyToBlob(pkcs8, 0xa400);
    const privateKeyBlob = secret.bytes;
    const sources = {
      KeyObject: privateKey,
      PRIVATEKEYBLOB: privateKeyBlob,
      'PKCS#8': pkcs8,
      'LSA secret': encodeDomainBackupKey({ version: 2, privateKeyBlob, certificate: PLAINTEXT }),
      PVK: pvk(privateKeyBlob, 0),
    };
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    for (const [version, oaepHash] of [
      [2, 'sha1'],
      [3, 'sha1'],
      [3, 'sha256'],
    ] as const) {
      const domainKey = wrapForDomain(MASTER_KEY, privateKey, {
        version,
        oaepHash,
        backupKeyGuid: GUID,
      });
      const file = masterKeyFile({ guid: GUID, domainKey });
      for (const source of Object.values(sources)) {
        using opened = await openMasterKey(file, { domainKey: source });
        expect([opened.form, toHex(opened.key.bytes)]).toEqual(['domain-key', toHex(MASTER_KEY)]);
      }
      const codes = [
        openMasterKey(file, { domainKey: other }),
        openMasterKey(file, {
          domainKey: encodeDomainBackupKey({ version: 1, key: new Uint8Array(256) }),
        }),
        openMasterKey(file, { domainKey: pvk(privateKeyBlob, 1) }),
        openMasterKey(file, { password: utf16(''), sid: SID }),
      ].map(codeOfAsync);
      expect(await Promise.all(codes)).toEqual([
        'KEY_UNWRAP_FAILED',
        'KEY_UNWRAP_FAILED',
        'PASSWORD_REQUIRED',
        'KEY_NOT_FOUND',
      ]);
    }
  });

  test('of a domain of Windows 2000 opens with its symmetric key', async () => {
    const key = plainBytes(randomBytes(256));
    const file = masterKeyFile({ guid: GUID, domainKey: await wrapByServer(MASTER_KEY, key, SID) });
    using opened = await openMasterKey(file, {
      domainKey: encodeDomainBackupKey({ version: 1, key }),
    });
    expect(toHex(opened.key.bytes)).toBe(toHex(MASTER_KEY));
    const wrong = encodeDomainBackupKey({ version: 1, key: key.toReversed() });
    expect(await codeOfAsync(openMasterKey(file, { domainKey: wrong }))).toBe('KEY_UNWRAP_FAILED');
  });

  test('has a backup section that is bound to DPAPI_SYSTEM where its flags say so', async () => {
    const dpapiSystem = plainBytes(randomBytes(40));
    const preKey = backupPreKey({ hashAlgId: ALG_ID.CALG_SHA_512 }, SID, dpapiSystem);
    const backupKey = await sealSection(MASTER_KEY.subarray(0, 32), preKey);
    const file = masterKeyFile({ guid: GUID, backupKey, flags: 5 });
    const opened = await openBackupKey(file, { sid: SID, dpapiSystem });
    expect(revealed(opened)).toBe(toHex(MASTER_KEY.subarray(0, 32)));
    expect(await codeOfAsync(openBackupKey(file, { sid: SID }))).toBe('PARAMETER_INVALID');
  });
});

describe('a DPAPI blob', () => {
  test.each([
    ['XP, 3DES and SHA-1', { era: 'xp' }],
    ['3DES and SHA-1 in the plain form', { era: 'xp', form: 'plain' }],
    ['AES-256 and SHA-512', {}],
    [
      'AES-128 and SHA-256',
      { algorithms: { cryptAlgId: 0x660e, cryptBits: 128, hashAlgId: 0x800c, hashBits: 256 } },
    ],
    [
      'AES-256 and SHA-1, whose key is expanded',
      { algorithms: { hashAlgId: 0x8004, hashBits: 160 } },
    ],
    ['CALG_AES with its bits', { algorithms: { cryptAlgId: 0x6611 } }],
    ['DES and MD5', { era: 'xp', algorithms: { cryptAlgId: 0x6601, hashAlgId: 0x8003 } }],
  ] as const)('of %s opens, with entropy and a strong password', async (_, options) => {
    const entropy = utf16('entropy');
    const strongPassword = utf16('strong');
    const plain = sealDpapiBlob(PLAINTEXT, { ...SEAL, ...options });
    expect(revealed(await openDpapiBlob(plain, MASTER_KEY))).toBe(toHex(PLAINTEXT));
    const both = sealDpapiBlob(PLAINTEXT, { ...SEAL, ...options, entropy, strongPassword });
    const opened = await openDpapiBlob(both, hash('sha1', MASTER_KEY), { entropy, strongPassword });
    expect(revealed(opened)).toBe(toHex(PLAINTEXT));
    expect(await codeOfAsync(openDpapiBlob(both, MASTER_KEY, { strongPassword }))).toBe(
      'KEY_UNWRAP_FAILED',
    );
  });

  test('of an algorithm that is not known is refused by name', async () => {
    const blob = sealDpapiBlob(PLAINTEXT, SEAL);
    // hashAlgId stands behind the two salts' first.
    const at = toHex(blob).indexOf('0e800000') / 2;
    blob[at] = 0x0b;
    expect(await codeOfAsync(openDpapiBlob(blob, MASTER_KEY))).toBe('ALGORITHM_UNSUPPORTED');
  });
});

describe('a container', () => {
  const { privateKey: rsa1024 } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const { privateKey: rsa2048 } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const masterKeys = async () => {
    const { SecretBytes } = await import('../../../../lib/keys/secret-bytes.ts');
    return SecretBytes.copy(MASTER_KEY);
  };

  test('of CryptoAPI has an exchange key and a signature key', async () => {
    const exchange = rsaSlot(rsa2048, SEAL, { exportable: false });
    const signature = rsaSlot(rsa1024, { ...SEAL, era: 'xp' }, { algId: 0x2400 });
    const file = capiContainerFile('both', { exchange, signature });
    using container = await openContainerFile(file, masterKeys);
    if (container.format !== 'capi') throw new TypeError('not CryptoAPI');
    expect([container.exchange!.exportable, container.signature!.exportable]).toEqual([
      false,
      true,
    ]);
    expect(isSameKey(container.exchange!.privateKeyBlob.bytes, rsa2048)).toBe(true);
    expect(isSameKey(container.signature!.privateKeyBlob.bytes, rsa1024)).toBe(true);
    expect(container.signature!.privateKeyBlob.bytes[5]).toBe(0x24);
  });

  test('of CryptoAPI with strong protection needs its password', async () => {
    const strongPassword = utf16('click');
    const file = capiContainerFile('strong', {
      exchange: rsaSlot(rsa1024, { ...SEAL, strongPassword }),
    });
    using container = await openContainerFile(file, masterKeys, { strongPassword });
    expect(container.format === 'capi' && container.exchange?.exportable).toBe(true);
  });

  test('of the DSS provider gives a DSS4 blob: its public part and x', async () => {
    const publicPart = new BlobWriter(72)
      .u8(7)
      .u8(3)
      .u16le(0)
      .u32le(ALG_ID.CALG_DSS_SIGN)
      .u32le(0x34535344)
      .u32le(64)
      .u32le(32)
      .u32le(0)
      .u32le(0)
      .bytes(new Uint8Array(24).fill(0xff))
      .bytes(new Uint8Array(20).fill(9))
      .finish();
    const x = Uint8Array.of(1, 2, 3, 4);
    const file = capiContainerFile('dss', { signature: dssSlot(publicPart, x, SEAL) });
    using container = await openContainerFile(file, masterKeys);
    if (container.format !== 'capi') throw new TypeError('not CryptoAPI');
    const blob = container.signature!.privateKeyBlob.bytes;
    expect(toHex(blob.subarray(24, 28))).toBe('20000000');
    expect(toHex(blob)).toBe(
      toHex(publicPart).replace('00000000ffffffff', '20000000ffffffff') + toHex(x),
    );
  });

  test('of CNG gives its private blob, its properties and its export policy', async () => {
    const key = {
      name: 'te-key',
      type: 4,
      publicBlob: PLAINTEXT,
      privateBlob: Uint8Array.of(1, 2),
      exportPolicy: 1,
    };
    using container = await openContainerFile(cngContainerFile(key, SEAL), masterKeys);
    if (container.format !== 'cng') throw new TypeError('not CNG');
    expect([container.name, container.type, container.exportPolicy]).toEqual(['te-key', 4, 1]);
    expect(toHex(container.privateBlob!.bytes)).toBe('0102');
    expect(toHex(container.publicBlob!)).toBe(toHex(PLAINTEXT));
    expect(container.properties.map(({ name }) => name)).toEqual(['Modified', '', 'Export Policy']);
  });

  test('of Windows Hello in software opens with its PIN', async () => {
    const salt = plainBytes(randomBytes(16));
    using strong = await strongPasswordOfPin(utf16('1234'), { salt, rounds: 100 });
    const properties = [
      { name: 'NgcSoftwareKeyPbkdf2Salt', value: salt },
      { name: 'NgcSoftwareKeyPbkdf2Round', value: new BlobWriter(4).u32le(100).finish() },
    ];
    const key = {
      name: 'hello',
      type: 1,
      publicBlob: PLAINTEXT,
      privateBlob: PLAINTEXT,
      properties,
    };
    const file = cngContainerFile(key, { ...SEAL, strongPassword: strong.bytes });
    using container = await openContainerFile(file, masterKeys, { pin: utf16('1234') });
    expect(container.format === 'cng' && toHex(container.privateBlob!.bytes)).toBe(
      toHex(PLAINTEXT),
    );
  });

  test('whose master key is missing names it', async () => {
    const file = capiContainerFile('c', { exchange: rsaSlot(rsa1024, SEAL) });
    const error: unknown = await openContainerFile(file, () => undefined).catch(
      (cause: unknown) => cause,
    );
    expect(
      KeyStoreError.is(error) && [
        error.code,
        error.message.includes(GUID),
        error.hint.includes(GUID),
      ],
    ).toEqual(['KEY_NOT_FOUND', true, true]);
  });

  test('of a TPM is told from a damaged file', async () => {
    const tpm = encodePcpKeyFile({ content: new Uint8Array(9) });
    expect(await codeOfAsync(openContainerFile(tpm, masterKeys))).toBe('NOT_SUPPORTED');
    expect(await codeOfAsync(openContainerFile(new Uint8Array(3), masterKeys))).toBe(
      'BLOB_MALFORMED',
    );
    expect(await codeOfAsync(openContainerFile(new Uint8Array(64), masterKeys))).toBe(
      'BLOB_VERSION_UNSUPPORTED',
    );
  });
});

describe('CREDHIST', () => {
  test('under AES-256 leads from one password to the next, and stops where the file was changed', async () => {
    const file = await credHistFile(SID, 'now', ['before', 'first']);
    using former = await openCredHist(file, { password: utf16('now') });
    expect(former.passwords.map(({ sha1 }) => toHex(sha1.bytes))).toEqual(
      ['before', 'first'].map((password) => toHex(hash('sha1', utf16(password)))),
    );
    // In the cipher text of the oldest entry, which lies first.
    file[24 + 44 + 28 + 20]! ^= 1;
    using shorter = await openCredHist(file, { password: utf16('now') });
    expect([shorter.passwords.length, shorter.closed]).toEqual([1, 1]);
    expect(await codeOfAsync(openCredHist(file, { password: utf16('then') }))).toBe(
      'PASSWORD_WRONG',
    );
  });
});

function pvk(keyBlob: Uint8Array, encryptedFlag: 0 | 1): Uint8Array {
  const salt = new Uint8Array(encryptedFlag === 1 ? 16 : 0);
  return encodePvk({ keySpec: 1, encryptedFlag, salt, keyBlob });
}

function isSameKey(blob: Uint8Array, key: KeyObject): boolean {
  using pkcs8 = rsaPrivateKeyFromBlob(blob);
  const opened = createPrivateKey({ key: Buffer.from(pkcs8.bytes), format: 'der', type: 'pkcs8' });
  return opened.equals(key);
}
