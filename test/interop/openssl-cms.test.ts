/** A stranger's OpenSSL opens our records, with the two commands that docs/formats/record.md gives, and refuses forged ones. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { encodePlaintextKeyBlob } from '../../lib/blobs/plaintext-key-blob.ts';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { encodeCertificate, encodeTbsCertificate } from '../../lib/cms/certificate.ts';
import type { SignatureScheme } from '../../lib/cms/algorithms.ts';
import { keyIdentifier } from '../../lib/keys/key-identifier.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { signMessage } from '../../lib/keys/signature.ts';
import { sealKeyRecord } from '../../lib/records/seal.ts';
import { testExchangeKey } from '../support/exchange-key.ts';
import { describeOpenssl, openssl, openWithOpenssl, pemOf } from '../support/openssl.ts';
import {
  classicRecord,
  FAST_PBKDF2,
  NOW,
  PASSWORD,
  passwordRecipient,
  sampleMetadata,
  sampleRecord,
  type EnvelopeKind,
} from '../support/sample-records.ts';
import { testIdentity, testKeyPair, type TestKeyKind } from '../support/signing-identity.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** What the decrypted envelope has to be. */
const blobOf = (key: Uint8Array) => encodePlaintextKeyBlob({ algId: ALG_ID.CALG_AES_256, key });

describeOpenssl('openssl cms', () => {
  const withPrivateKey: EnvelopeKind[] = [
    'RSA-OAEP with SHA-256',
    'RSA-OAEP with SHA-1',
    'RSA PKCS#1 v1.5',
    'P-256',
    'P-384',
  ];
  it.each(withPrivateKey)('verifies and decrypts a record for %s', async (kind) => {
    const { bytes, key, signer, exchangeKeys } = await sampleRecord(kind);
    const opener = { key: exchangeKeys[0]!.privateKey };
    const blob = await openWithOpenssl(folder.path, bytes, signer.certificate, opener);
    expect(blob).toEqual(blobOf(key));
  });

  it('verifies and decrypts a record for a PBKDF2 password', async () => {
    const { bytes, key, signer } = await sampleRecord('PBKDF2 password');
    const opener = { password: PASSWORD };
    const blob = await openWithOpenssl(folder.path, bytes, signer.certificate, opener);
    expect(blob).toEqual(blobOf(key));
  });

  it('decrypts a record of two recipients with the key of either, and with a password beside them', async () => {
    const [rsa, ec] = [await testExchangeKey('rsa-2048'), await testExchangeKey('p-256')];
    const signer = await testIdentity();
    const recipients = [rsa.recipient(), ec.recipient()];
    const options = { signer, signingTime: NOW };
    using key = SecretBytes.random(32);
    const two = await sealKeyRecord(key, sampleMetadata(), { ...options, recipients });
    for (const { privateKey } of [rsa, ec]) {
      const opener = { key: privateKey };
      const blob = await openWithOpenssl(folder.path, two, signer.certificate, opener);
      expect(blob).toEqual(blobOf(key.bytes));
    }
    const withPassword = [ec.recipient(), passwordRecipient(FAST_PBKDF2)];
    const three = await sealKeyRecord(key, sampleMetadata(), {
      ...options,
      recipients: withPassword,
    });
    for (const opener of [{ key: ec.privateKey }, { password: PASSWORD }]) {
      const blob = await openWithOpenssl(folder.path, three, signer.certificate, opener);
      expect(blob).toEqual(blobOf(key.bytes));
    }
  });

  it('passes over an Argon2id recipient to the key beside it', async () => {
    const { bytes, key, signer, exchangeKeys } = await sampleRecord('all recipients together');
    for (const { privateKey } of exchangeKeys) {
      const opener = { key: privateKey };
      const blob = await openWithOpenssl(folder.path, bytes, signer.certificate, opener);
      expect(blob).toEqual(blobOf(key));
    }
  });

  it('verifies a classic record and writes out its SIMPLEBLOB', async () => {
    const { bytes, signer, simpleBlob } = await classicRecord();
    expect(await openWithOpenssl(folder.path, bytes, signer.certificate)).toEqual(simpleBlob);
  });

  it.each<[TestKeyKind, SignatureScheme]>([
    ['rsa-2048', 'rsa-pkcs1-sha256'],
    ['rsa-2048', 'rsa-pss-sha256'],
    ['p-256', 'ecdsa-sha256'],
    ['p-384', 'ecdsa-sha384'],
  ])('verifies a record that a key of %s signed with %s', async (kind, scheme) => {
    const signer = await testIdentity(kind, scheme);
    const ec = await testExchangeKey();
    using key = SecretBytes.random(32);
    const recipients = [ec.recipient()];
    const bytes = await sealKeyRecord(key, sampleMetadata(), {
      recipients,
      signer,
      signingTime: NOW,
    });
    const opener = { key: ec.privateKey };
    const blob = await openWithOpenssl(folder.path, bytes, signer.certificate, opener);
    expect(blob).toEqual(blobOf(key.bytes));
  });

  it("refuses an attacker's record for the owner's public key", async () => {
    const { signer, exchangeKeys } = await sampleRecord('P-256');
    const attacker = await testIdentity();
    using planted = SecretBytes.random(32);
    const bytes = await sealKeyRecord(planted, sampleMetadata(), {
      recipients: [exchangeKeys[0]!.recipient()],
      signer: attacker,
      signingTime: NOW,
    });
    const open = openWithOpenssl(folder.path, bytes, signer.certificate, {
      key: exchangeKeys[0]!.privateKey,
    });
    await expect(open).rejects.toThrow(/signer certificate not found/);
  });

  it("refuses an attacker's record that claims the owner's key identifier", async () => {
    const { signer, exchangeKeys } = await sampleRecord('P-256');
    const attacker = { ...(await testIdentity()), keyId: signer.keyId };
    using planted = SecretBytes.random(32);
    const bytes = await sealKeyRecord(planted, sampleMetadata(), {
      recipients: [exchangeKeys[0]!.recipient()],
      signer: attacker,
      signingTime: NOW,
    });
    await expect(openWithOpenssl(folder.path, bytes, signer.certificate)).rejects.toThrow(
      /verification failure/i,
    );
  });

  it('refuses tampered content, tampered metadata and a tampered signature', async () => {
    const { bytes, signer } = await sampleRecord('P-256');
    const inside = (text: string) => Buffer.from(bytes).indexOf(Buffer.from(text));
    const places = [200, inside('reports'), bytes.length - 1];
    for (const place of places) {
      const tampered = Uint8Array.from(bytes);
      tampered[place]! ^= 1;
      await expect(openWithOpenssl(folder.path, tampered, signer.certificate)).rejects.toThrow(
        /verification|verify|asn1/i,
      );
    }
  });
});

describeOpenssl("a container's two certificates", () => {
  const certificates = async (kind: TestKeyKind) => {
    const signer = await testIdentity(kind);
    const exchange = testKeyPair(kind);
    const tbs = await encodeTbsCertificate({
      role: 'exchange',
      publicKey: exchange.spki,
      keyId: keyIdentifier(exchange.spki),
      issuerKeyId: signer.keyId,
      notBefore: NOW,
      scheme: signer.scheme,
    });
    const signature = await signMessage(signer.privateKey, signer.scheme, tbs);
    return {
      signing: signer.certificate,
      exchange: await encodeCertificate(tbs, signer.scheme, signature),
    };
  };

  it.each<TestKeyKind>(['p-256', 'p-384', 'rsa-2048'])(
    'of %s are a chain that openssl and node accept, without a name and without an end',
    async (kind) => {
      const { signing, exchange } = await certificates(kind);
      await writeFile(join(folder.path, 'signing.pem'), pemOf('CERTIFICATE', signing));
      await writeFile(join(folder.path, 'exchange.pem'), pemOf('CERTIFICATE', exchange));
      const verified = await openssl(
        folder.path,
        'verify',
        '-x509_strict',
        '-CAfile',
        'signing.pem',
        'exchange.pem',
      );
      expect(verified).toBe('exchange.pem: OK\n');

      const [text, exchangeText] = [
        await openssl(folder.path, 'x509', '-text', '-noout', '-in', 'signing.pem'),
        await openssl(folder.path, 'x509', '-text', '-noout', '-in', 'exchange.pem'),
      ];
      expect(text).toMatch(/CA:TRUE, pathlen:0/);
      expect(text).toMatch(/Key Usage: critical\n\s+Digital Signature, Certificate Sign\n/);
      const use = kind === 'rsa-2048' ? 'Key Encipherment' : 'Key Agreement';
      expect(exchangeText).toMatch(new RegExp(`Key Usage: critical\\n\\s+${use}\\n`));
      expect(exchangeText).not.toMatch(/CA:TRUE/);
      for (const one of [text, exchangeText]) {
        expect(one).toMatch(/Not After : Dec 31 23:59:59 9999 GMT/);
        expect(one).toMatch(/Issuer: CN = [0-9a-f]{40}\n/);
        expect(one).toMatch(/Subject: CN = [0-9a-f]{40}\n/);
      }

      const [issuer, issued] = [new X509Certificate(signing), new X509Certificate(exchange)];
      expect(issuer.ca).toBe(true);
      expect(issued.ca).toBe(false);
      expect(issued.checkIssued(issuer)).toBe(true);
      expect(issued.verify(issuer.publicKey)).toBe(true);
      expect(issuer.verify(issuer.publicKey)).toBe(true);
    },
  );
});
