/** Cases: NCryptImportKey and NCryptExportKey. */
import assert from 'node:assert/strict';
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { decodePrivateKeyBlob } from '../../blobs/private-key-blob.ts';
import { decodeSpki } from '../../cms/spki.ts';
import type { ExportPolicy, LegacyKeySpec } from '../../contracts/provider.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import {
  algorithm,
  fails,
  IMPORT,
  PERSISTED,
  sameBytes,
  type ProviderCase,
} from './provider-case.ts';

const CLOSED: ExportPolicy = {
  export: false,
  plaintextExport: false,
  archive: false,
  plaintextArchive: false,
};
const ARCHIVE_ONLY: ExportPolicy = { ...CLOSED, archive: true, plaintextArchive: true };
const OPEN: ExportPolicy = { ...CLOSED, export: true, plaintextExport: true };

const IMPORTED: readonly (readonly [KeyAlgorithm, LegacyKeySpec, () => KeyObject])[] = [
  ['RSA', 'AT_KEYEXCHANGE', rsaKey],
  ['RSA', 'AT_SIGNATURE', rsaKey],
  ['RSA', 'none', rsaKey],
  ['ECDH_P256', 'AT_KEYEXCHANGE', () => ecKey('P-256')],
  ['ECDH_P384', 'AT_KEYEXCHANGE', () => ecKey('P-384')],
  ['ECDSA_P256', 'AT_SIGNATURE', () => ecKey('P-256')],
  ['ECDSA_P384', 'AT_SIGNATURE', () => ecKey('P-384')],
];

export const EXPORTING: readonly ProviderCase[] = [
  ...IMPORTED.map(([algorithmName, spec, make]): ProviderCase => ({
    title: `brings ${algorithmName} in as ${spec} and gives the same key out`,
    needs: [IMPORT, algorithm(algorithmName)],
    async body(test) {
      const original = make();
      using pkcs8 = secretOf(original);
      const before = Uint8Array.from(pkcs8.bytes);
      const name = test.capabilities.persisted ? test.name() : null;
      const pending = await test.provider.importKey(pkcs8, name, spec);
      sameBytes(pkcs8.bytes, before);
      await pending.setProperty('exportPolicy', OPEN);
      await fails('PARAMETER_INVALID', pending.setProperty('length', 2048));
      const key = await pending.finalize();
      sameBytes(key.publicKey, spkiOf(original));
      const kept = name === null ? key : await (await test.again()).openKey(name, spec);
      assert.equal(kept.algorithm, algorithmName);
      using exported = await kept.exportKey('pkcs8');
      assert.ok(privateKeyOf(exported).equals(original));
    },
  })),
  {
    title: 'refuses to bring in what is no private key, cut, continued, or of another algorithm',
    needs: [IMPORT],
    async body({ provider }) {
      using pkcs8 = secretOf(ecKey('P-256'));
      const malformed = [
        new Uint8Array(0),
        Uint8Array.of(0x30, 0),
        pkcs8.bytes.slice(0, -1),
        Uint8Array.from([...pkcs8.bytes, 0]),
        new Uint8Array(64).fill(0x30),
      ];
      for (const bytes of malformed) {
        const secret = SecretBytes.copy(bytes);
        await fails('BLOB_MALFORMED', provider.importKey(secret, null, 'AT_SIGNATURE'));
      }
      const strangers = [
        generateKeyPairSync('ed25519').privateKey,
        generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey,
        generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey,
      ];
      for (const stranger of strangers)
        await fails(
          'ALGORITHM_UNSUPPORTED',
          provider.importKey(secretOf(stranger), null, 'AT_SIGNATURE'),
        );
      await fails('PARAMETER_INVALID', provider.importKey('key' as never, null, 'AT_SIGNATURE'));
    },
  },
  {
    title: 'refuses a private key with the public half of another',
    needs: [IMPORT, algorithm('ECDSA_P256')],
    async body({ provider }) {
      using one = secretOf(ecKey('P-256'));
      using other = secretOf(ecKey('P-256'));
      // PKCS#8 of a P-256 key ends with its public point.
      one.bytes.set(other.bytes.subarray(-64), one.length - 64);
      await fails('BLOB_MALFORMED', provider.importKey(one, null, 'AT_SIGNATURE'));
    },
  },
  {
    title: 'refuses an EC key without a spec, which alone tells agreement from signature',
    needs: [IMPORT, algorithm('ECDSA_P256')],
    async body({ provider }) {
      using pkcs8 = secretOf(ecKey('P-256'));
      await fails('PARAMETER_INVALID', provider.importKey(pkcs8, null, 'none'));
    },
  },
  {
    title: 'refuses to bring a key in under a name that exists (NTE_EXISTS)',
    needs: [IMPORT, PERSISTED],
    async body(test) {
      const name = test.name();
      await test.exchangeKey({ name });
      const isElliptic = test.capabilities.algorithms.includes('ECDH_P256');
      using pkcs8 = secretOf(isElliptic ? ecKey('P-256') : rsaKey());
      await fails('CONTAINER_EXISTS', test.provider.importKey(pkcs8, name, 'AT_KEYEXCHANGE'));
    },
  },
  {
    title: 'refuses an export that the policy forbids (NTE_BAD_KEY_STATE)',
    async body(test) {
      for (const exportPolicy of [CLOSED, { ...CLOSED, export: true }]) {
        const key = await test.exchangeKey({ properties: { exportPolicy } });
        await fails('EXPORT_FORBIDDEN', key.exportKey('pkcs8'));
        await fails('EXPORT_FORBIDDEN', key.exportKey('PRIVATEKEYBLOB'));
      }
    },
  },
  {
    title: 'archives a key once, by the handle that made it',
    needs: [IMPORT],
    async body(test) {
      const name = test.capabilities.persisted ? test.name() : null;
      const properties = { exportPolicy: ARCHIVE_ONLY };
      const key = await test.exchangeKey({ name, properties });
      if (name !== null) {
        const other = await test.provider.openKey(name, 'AT_KEYEXCHANGE');
        await fails('EXPORT_FORBIDDEN', other.exportKey('pkcs8'));
      }
      using archived = await key.exportKey('pkcs8');
      sameBytes(spkiOf(privateKeyOf(archived)), key.publicKey);
      await fails('EXPORT_FORBIDDEN', key.exportKey('pkcs8'));
    },
  },
  {
    title: 'exports an RSA key as a PRIVATEKEYBLOB, and no other key',
    needs: [IMPORT, algorithm('RSA')],
    async body(test) {
      const properties = { exportPolicy: OPEN };
      const key = await test.key('RSA', 'AT_KEYEXCHANGE', { properties });
      using exported = await key.exportKey('PRIVATEKEYBLOB');
      using blob = decodePrivateKeyBlob(exported.bytes);
      const publicKey = decodeSpki(key.publicKey);
      assert.ok(publicKey.type === 'rsa');
      sameBytes(blob.modulus, publicKey.modulus);
      await fails('PARAMETER_INVALID', key.exportKey('pem' as never));
      if (!test.capabilities.algorithms.includes('ECDH_P256')) return;
      const ec = await test.key('ECDH_P256', 'AT_KEYEXCHANGE', { properties });
      await fails('NOT_SUPPORTED', ec.exportKey('PRIVATEKEYBLOB'));
    },
  },
];

/** Made once: making RSA keys is most of what the suite costs. */
function rsaKey(): KeyObject {
  anRsaKey ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return anRsaKey;
}

let anRsaKey: KeyObject | undefined;

function ecKey(namedCurve: string): KeyObject {
  return generateKeyPairSync('ec', { namedCurve }).privateKey;
}

function secretOf(key: KeyObject): SecretBytes {
  return SecretBytes.take(key.export({ type: 'pkcs8', format: 'der' }));
}

function privateKeyOf(pkcs8: SecretBytes): KeyObject {
  return createPrivateKey({ key: Buffer.from(pkcs8.bytes), type: 'pkcs8', format: 'der' });
}

function spkiOf(key: KeyObject): Uint8Array {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}
