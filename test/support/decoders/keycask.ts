/** Decoders of keycask's own formats, and of what they are made of. */
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  decodeAuthEnvelopedData,
  encodeAuthEnvelopedData,
} from '../../../lib/cms/auth-enveloped-data.ts';
import { decodeCertificate } from '../../../lib/cms/certificate.ts';
import { decodeEcPkcs8 } from '../../../lib/cms/ec-private-key.ts';
import { decodeKeyMetadata, encodeKeyMetadata } from '../../../lib/cms/metadata.ts';
import {
  decodeRsaPkcs8,
  encodeRsaPkcs8Into,
  rsaPkcs8Length,
} from '../../../lib/cms/rsa-private-key.ts';
import { decodeSignedData, type SignedMessage } from '../../../lib/cms/signed-data.ts';
import { decodeSpki, encodeEcSpki, encodeRsaSpki } from '../../../lib/cms/spki.ts';
import { decodeFileHeader, encodeFileHeader } from '../../../lib/file-encryption/file-header.ts';
import { decodeStreamHeader, encodeStreamHeader } from '../../../lib/file-encryption/segments.ts';
import { decodeKeyFacts, encodeKeyFacts } from '../../../lib/providers/key-files/key-facts-der.ts';
import type { KeyFacts } from '../../../lib/providers/key-files/key-facts.ts';
import { decodeKeyFile, encodeKeyFile } from '../../../lib/providers/key-files/key-file.ts';
import { decodeKeyRecord } from '../../../lib/records/decode.ts';
import {
  decodeManifestEntry,
  signManifestEntry,
  type ManifestChange,
} from '../../../lib/stores/manifest/manifest-entry.ts';
import { decodeTrustList, encodeTrustList } from '../../../lib/trust/trust-list.ts';
import { readAnnotated } from '../annotated-der.ts';
import { testIdentity, testKeyPair } from '../signing-identity.ts';
import { decoder, type Decoder } from './decoder.ts';

const KNOWN = ['pbkdf2', 'rsa-pkcs1', 'classic-rc4-40'].map((name) =>
  readAnnotated(readFileSync(new URL(`../../vectors/record-${name}.txt`, import.meta.url), 'utf8')),
);
const [RSA, P256, P384] = [testKeyPair('rsa-2048'), testKeyPair('p-256'), testKeyPair('p-384')];
const SIGNER = await testIdentity('p-256');
const bytes = (length: number, first = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => first + i);
const ID = '000102030405060708090a0b0c0d0e0f';

const CHANGES: readonly ManifestChange[] = [
  { kind: 'put', id: ID, version: 1, sha256: bytes(32), label: 'reports' },
  { kind: 'delete', id: ID, version: 2 },
  { kind: 'trust', version: 3, sha256: bytes(32) },
  {
    kind: 'puts',
    records: [ID, ID.replace('0f', 'ff')].map((id) => {
      return { id, version: 1, sha256: bytes(32), label: 'old keys' };
    }),
  },
];
const ENTRIES = await Promise.all(
  CHANGES.map((change) =>
    signManifestEntry(
      SIGNER,
      { storeId: bytes(16), index: 7, prev: bytes(32), change, signerKeyId: SIGNER.keyId },
      new Date('2026-09-21T14:13:20Z'),
    ),
  ),
);

const FACTS: KeyFacts = {
  generation: 3,
  content: 'pkcs8',
  name: 'reports',
  scope: 'user',
  legacyKeySpec: 'AT_KEYEXCHANGE',
  algorithm: 'ECDH_P256',
  publicKey: P256.spki,
  properties: {
    exportPolicy: { export: true, plaintextExport: false, archive: false, plaintextArchive: false },
    keyUsage: ['agree'],
    uiPolicy: { level: 'protect', title: 'Reports' },
    isolation: 'none',
    modified: new Date('2026-09-21T14:13:20Z'),
    custom: new Map([['owner', bytes(4)]]),
  },
  bootSecretId: bytes(16),
};

function pkcs8Of({ privateKey }: { readonly privateKey: KeyObject }): Uint8Array {
  return new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' }));
}

function contentOf(record: Uint8Array): SignedMessage {
  const { message } = decodeSignedData(
    record,
    ['contentInfo', 'keyBlob'],
    (keyId, certificate) => ({
      keyId,
      certificate,
      publicKey: new Uint8Array(0),
    }),
  );
  return message;
}

/** The formats of records, files, stores and key files. */
export const KEYCASK_DECODERS: readonly Decoder[] = [
  decoder('key record', { decode: decodeKeyRecord, samples: () => KNOWN }),
  decoder('keycask-metadata', {
    decode: decodeKeyMetadata,
    encode: encodeKeyMetadata,
    samples: () => KNOWN.map((record) => contentOf(record).metadata!),
  }),
  decoder('AuthEnvelopedData', {
    decode: decodeAuthEnvelopedData,
    encode: encodeAuthEnvelopedData,
    samples: () => KNOWN.slice(0, 2).map((record) => contentOf(record).content),
  }),
  decoder('cask header', {
    decode: decodeFileHeader,
    encode: encodeFileHeader,
    samples: () => [
      encodeFileHeader({ fileId: bytes(16), record: bytes(60), context: {} }),
      encodeFileHeader({ fileId: bytes(16), record: bytes(60), context: { a: 'b', owner: 'Ω' } }),
    ],
  }),
  decoder('stream header', {
    decode: decodeStreamHeader,
    encode: encodeStreamHeader,
    samples: () => [encodeStreamHeader({ salt: bytes(32), noncePrefix: bytes(7) })],
  }),
  decoder('TrustList', {
    decode: decodeTrustList,
    encode: encodeTrustList,
    samples: () => [
      encodeTrustList({
        trustVersion: 2,
        storeId: bytes(16),
        containers: [
          { state: 'current', name: 'now', signing: bytes(64), exchange: bytes(64) },
          { state: 'retired', name: 'was', signing: bytes(64), exchange: bytes(64), retiredAt: 5 },
        ],
        signers: [{ state: 'pinned', name: 'Ω', certificate: bytes(64) }],
        policies: [['a', 'b']],
        manifestHead: { index: 9, hash: bytes(32) },
      }),
    ],
  }),
  decoder('ManifestEntry', {
    decode: decodeManifestEntry,
    encode: ({ der }) => der,
    samples: () => ENTRIES.map(({ der }) => der),
  }),
  decoder('KeyFacts', {
    decode: decodeKeyFacts,
    encode: encodeKeyFacts,
    samples: () => [encodeKeyFacts(FACTS)],
  }),
  decoder('KeyFile', {
    decode: decodeKeyFile,
    encode: encodeKeyFile,
    samples: () => [
      encodeKeyFile({
        facts: FACTS,
        protector: {
          name: 'passphrase',
          parameters: Uint8Array.of(0x30, 0x02, 0x04, 0x00),
          wrappedFileKey: bytes(40),
        },
        nonce: bytes(12),
        ciphertext: bytes(32),
        tag: bytes(16),
      }),
    ],
  }),
  decoder('SubjectPublicKeyInfo', {
    decode: decodeSpki,
    encode: (key) =>
      key.type === 'ec'
        ? encodeEcSpki(key.curve, key.point)
        : encodeRsaSpki(key.modulus, key.exponent),
    samples: () => [RSA.spki, P256.spki, P384.spki],
  }),
  decoder('PKCS#8 of RSA', {
    decode: decodeRsaPkcs8,
    encode: (key) => {
      const der = new Uint8Array(rsaPkcs8Length(key));
      encodeRsaPkcs8Into(key, der);
      return der;
    },
    samples: () => [pkcs8Of(RSA)],
  }),
  decoder('Certificate', {
    decode: decodeCertificate,
    samples: () => [SIGNER.certificate],
    over: 'asn1js',
  }),
  // There is no way back: the form without a point is read and not written.
  decoder('PKCS#8 of EC', { decode: decodeEcPkcs8, samples: () => [pkcs8Of(P256), pkcs8Of(P384)] }),
];
