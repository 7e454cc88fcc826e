/** What Windows and Wine keep: DPAPI, key containers, the registry of Wine, opened with keycask/legacy. */
import { expect } from 'vitest';
import { toHex } from '../../../lib/bytes/octets.ts';
import {
  capiContainerFileName,
  cngContainerFileName,
  decodeCapiContainerFile,
  decodeCngContainerFile,
  decodeCredHist,
  decodeDomainBackupKey,
  decodeDpapiBlob,
  decodeMasterKeyFile,
  decodeRoamedCngKey,
  encodeCapiContainerFile,
  encodeCngContainerFile,
  encodeCredHist,
  encodeDomainBackupKey,
  encodeDpapiBlob,
  encodeMasterKeyFile,
  encodeRoamedCngKey,
  openBackupKey,
  openContainerFile,
  openCredHist,
  openDpapiBlob,
  openMasterKey,
  openWineContainer,
  openWineProtectedBlob,
  readWineRegistry,
} from '../../../lib/legacy/index.ts';
import { describeSharedVectors, type Verdict } from '../../support/account.ts';
import { hex, revealed } from '../../support/bytes.ts';
import { registryText } from '../../support/wine-registry-text.ts';
import { utf16 } from '../../support/windows-profile.ts';

type Vector = Readonly<Record<string, string>>;

describeSharedVectors<Vector>('dpapi.json', async (vector): Promise<Verdict> => {
  const judge = DPAPI_KINDS[vector['kind']!];
  if (judge === undefined) throw new TypeError('an unknown kind');
  return await judge(vector);
});

const DPAPI_KINDS: Readonly<Record<string, (vector: Vector) => Verdict | Promise<Verdict>>> = {
  masterkey: async (vector) => {
    using key = await openMasterKey(fileOf(vector), secretOf(vector));
    expect([toHex(key.key.bytes), key.guid]).toEqual([vector['master_key'], vector['guid']]);
    return { passed: 'master keys opened' };
  },
  blob: async (vector) => {
    const { blob, master_key: masterKey, entropy } = vector;
    expect(toHex(encodeDpapiBlob(decodeDpapiBlob(hex(blob!))))).toBe(blob);
    const options = { entropy: hex(entropy!) };
    const secret = await openDpapiBlob(hex(blob!), hex(masterKey!), options);
    expect(revealed(secret)).toBe(vector['plaintext']);
    return { passed: 'blobs opened' };
  },
  credhist: async (vector) => {
    const file = hex(vector['file']!);
    expect(toHex(encodeCredHist(decodeCredHist(file)))).toBe(vector['file']);
    const password = utf16(vector['current_password']!);
    using former = await openCredHist(file, { password });
    const want = vector['entries_newest_first'] as unknown as { sha1: string; nt: string }[];
    expect(former.passwords.map((it) => [toHex(it.sha1.bytes), toHex(it.ntHash.bytes)])).toEqual(
      want.map(({ sha1, nt }) => [sha1, nt]),
    );
    return { passed: 'CREDHIST opened' };
  },
  domain_backup: async (vector) => {
    const domainKey = hex(vector['backup_key_secret']!);
    expect(toHex(encodeDomainBackupKey(decodeDomainBackupKey(domainKey)))).toBe(toHex(domainKey));
    using key = await openMasterKey(fileOf(vector), { domainKey });
    expect(toHex(key.key.bytes)).toBe(vector['master_key']);
    const backup = await openBackupKey(fileOf(vector), { sid: vector['sid']! });
    expect(revealed(backup)).toBe(vector['backup_section_key']);
    return { passed: 'master keys opened with the key of a domain' };
  },
  capi_key_file_chain: async (vector) => {
    using masterKey = await openMasterKey(fileOf(vector), secretOf(vector));
    expect(toHex(masterKey.key.bytes)).toBe(vector['master_key']);
    const file = hex(vector['capi_key_file']!);
    expect(toHex(encodeCapiContainerFile(decodeCapiContainerFile(file)))).toBe(toHex(file));
    using container = await openContainerFile(file, () => masterKey.key);
    if (container.format !== 'capi') throw new TypeError('not CryptoAPI');
    expect(container.name).toBe(vector['container']);
    expect(toHex(container.exchange!.privateKeyBlob.bytes)).toBe(vector['privatekeyblob']);
    return { passed: 'private keys of a container opened with a password' };
  },
  structural: judgeStructure,
};

/** Files of which no secret is known: read, and written back as they were. */
function judgeStructure(vector: Vector): Verdict {
  const file = hex(vector['file']!);
  const again = [
    (bytes: Uint8Array) => encodeCapiContainerFile(decodeCapiContainerFile(bytes)),
    (bytes: Uint8Array) => encodeCngContainerFile(decodeCngContainerFile(bytes)),
    (bytes: Uint8Array) => encodeRoamedCngKey(decodeRoamedCngKey(bytes)),
    (bytes: Uint8Array) => encodeDomainBackupKey(decodeDomainBackupKey(bytes)),
  ].some((codec) => {
    try {
      return toHex(codec(file)) === vector['file'];
    } catch {
      return false;
    }
  });
  if (vector['name']!.includes('ParseCertificate')) {
    expect(again).toBe(false);
    return { outOfScope: 'certificate in the form that roams: it has no key' };
  }
  expect(again).toBe(true);
  return { passed: 'files without their secrets, read and written back' };
}

function fileOf(vector: Vector): Uint8Array {
  const file = hex(vector['masterkey_file']!);
  expect(toHex(encodeMasterKeyFile(decodeMasterKeyFile(file)))).toBe(vector['masterkey_file']);
  return file;
}

function secretOf(vector: Vector) {
  const { password, sid, dpapi_system: dpapiSystem } = vector;
  if (password !== undefined) return { password: utf16(password), sid: sid! };
  return { dpapiSystem: hex(dpapiSystem!) };
}

interface NameVector {
  readonly container: string;
  readonly file_prefix: string;
}

describeSharedVectors<
  readonly [boolean, NameVector],
  { vectors: NameVector[]; cng: { vectors: NameVector[] } }
>(
  'capi-container-filenames.json',
  ([isCng, { container, file_prefix: prefix }]): Verdict => {
    expect(isCng ? cngContainerFileName(container) : capiContainerFileName(container)).toBe(prefix);
    return { passed: isCng ? 'names of CNG' : 'names of CryptoAPI' };
  },
  ({ vectors, cng }) => [
    ...vectors.map((vector) => [false, vector] as const),
    ...cng.vectors.map((vector) => [true, vector] as const),
  ],
);

describeSharedVectors<Vector>(
  'wine-container-protectdata.json',
  async (vector): Promise<Verdict> => {
    const userName = hex(vector['username_with_nul']!).subarray(0, -1);
    if (vector['kind'] === 'wine_protectdata') {
      const entropy = hex(vector['entropy'] ?? '');
      const secret = await openWineProtectedBlob(hex(vector['blob']!), userName, entropy);
      expect(revealed(secret)).toBe(vector['plaintext']);
      return { passed: 'blobs of CryptProtectData opened' };
    }
    expect(vector['kind']).toBe('wine_container');
    const values = Object.fromEntries(
      CONTAINER_VALUES.flatMap((name) =>
        vector[name] ? [[name, valueOf(name, vector[name])]] : [],
      ),
    ) as Record<string, Uint8Array | number>;
    const key = `Software\\Wine\\Crypto\\RSA\\${vector['container']!}`;
    const [entry] = readWineRegistry(registryText([{ key, values }]));
    using container = await openWineContainer(entry!, userName);
    const blobs = [container.exchange, container.signature].map(
      (slot) => slot && toHex(slot.privateKeyBlob.bytes),
    );
    expect(blobs).toEqual([
      vector['expect_keyexchange_privatekeyblob'],
      vector['expect_signature_privatekeyblob'],
    ]);
    return { passed: 'key containers opened' };
  },
);

function valueOf(name: string, digits: string): Uint8Array | number {
  const bytes = hex(digits);
  return name.endsWith('Permissions') ? new DataView(bytes.buffer).getUint32(0, true) : bytes;
}

const CONTAINER_VALUES = [
  'KeyExchangeKeyPair',
  'SignatureKeyPair',
  'KeyExchangePermissions',
  'SignaturePermissions',
];
