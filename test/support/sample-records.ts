/** A key record of every kind that keycask writes, with all that opens it. */
import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { encodeSimpleBlob } from '../../lib/blobs/simple-blob.ts';
import { encodeUtf8 } from '../../lib/bytes/octets.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { findAmong } from '../../lib/messages/verify-message.ts';
import type { SigningIdentity } from '../../lib/messages/sign-message.ts';
import type { UnboundMetadata } from '../../lib/records/commitment.ts';
import type { RecordOpeners } from '../../lib/records/open.ts';
import type { PasswordKdf, PasswordRecipient, Recipient } from '../../lib/records/recipient.ts';
import { sealClassicRecord, sealKeyRecord } from '../../lib/records/seal.ts';
import type { VerifyOptions } from '../../lib/records/verify.ts';
import type { SignerTrust } from '../../lib/contracts/verified-record.ts';
import { testExchangeKey, type TestExchangeKey } from './exchange-key.ts';
import { testIdentity, type TestKeyKind } from './signing-identity.ts';

export const NOW = new Date('2026-09-21T14:13:20Z');
export const PASSWORD = 'correct horse battery staple';
/** The weakest that readers accept: tests make many. */
const FAST_ARGON2ID = {
  type: 'argon2id',
  memoryKiB: 8192,
  iterations: 1,
  parallelism: 1,
} as const;
export const FAST_PBKDF2 = { type: 'pbkdf2', iterations: 1000 } as const;

export function secretOf(text: string): SecretBytes {
  return SecretBytes.copy(encodeUtf8(text));
}

export function passwordRecipient(kdf: PasswordKdf, password = PASSWORD): PasswordRecipient {
  return { type: 'password', password: secretOf(password), kdf };
}

/** Metadata of a new AES-256 key; every field can be replaced. */
export function sampleMetadata(changes: Partial<UnboundMetadata> = {}): UnboundMetadata {
  return {
    recordId: new Uint8Array(randomBytes(16)),
    recordVersion: 1,
    label: 'reports',
    purpose: 'files',
    algorithm: ALG_ID.CALG_AES_256,
    effectiveBits: 256,
    created: NOW,
    storeId: new Uint8Array(16).fill(7),
    provenance: 'generated',
    attributes: [['owner', 'Ω']],
    ...changes,
  };
}

/** Verify options that pin one signer. */
export function pinned(signer: SigningIdentity, trust: SignerTrust = 'pinned'): VerifyOptions {
  return { findSigner: findAmong([{ ...signer, trust }]) };
}

export interface SampleRecord {
  readonly bytes: Uint8Array;
  /** The session key. */
  readonly key: Uint8Array;
  readonly signer: SigningIdentity;
  readonly openers: RecordOpeners;
  readonly exchangeKeys: readonly TestExchangeKey[];
}

interface Sample {
  readonly exchange?: readonly TestKeyKind[];
  readonly signer?: TestKeyKind;
  readonly recipients: (keys: readonly TestExchangeKey[]) => readonly Recipient[];
}

/** What differs from kind to kind. */
const SAMPLES = {
  'RSA-OAEP with SHA-256': {
    exchange: ['rsa-2048'],
    signer: 'rsa-2048',
    recipients: ([rsa]) => [rsa!.recipient()],
  },
  'RSA-OAEP with SHA-1': {
    exchange: ['rsa-2048'],
    recipients: ([rsa]) => [rsa!.recipient('oaep-sha1')],
  },
  'RSA PKCS#1 v1.5': {
    exchange: ['rsa-2048'],
    recipients: ([rsa]) => [rsa!.recipient('pkcs1')],
  },
  'P-256': { exchange: ['p-256'], recipients: ([ec]) => [ec!.recipient()] },
  'P-384': { exchange: ['p-384'], recipients: ([ec]) => [ec!.recipient()] },
  'Argon2id password': { recipients: () => [passwordRecipient(FAST_ARGON2ID)] },
  'PBKDF2 password': { recipients: () => [passwordRecipient(FAST_PBKDF2)] },
  'all recipients together': {
    exchange: ['rsa-2048', 'p-256', 'p-384'],
    recipients: ([rsa, p256, p384]) => [
      rsa!.recipient(),
      p256!.recipient(),
      p384!.recipient(),
      passwordRecipient(FAST_ARGON2ID),
      passwordRecipient(FAST_PBKDF2),
    ],
  },
} satisfies Record<string, Sample>;

export type EnvelopeKind = keyof typeof SAMPLES;
const ENVELOPE_KINDS = Object.keys(SAMPLES) as EnvelopeKind[];
export type RecordKind = EnvelopeKind | 'classic';
export const RECORD_KINDS: readonly RecordKind[] = [...ENVELOPE_KINDS, 'classic'];

export async function sampleRecord(
  kind: RecordKind,
  changes: Partial<UnboundMetadata> = {},
): Promise<SampleRecord> {
  return kind === 'classic' ? classicRecord(changes) : envelopeRecord(kind, changes);
}

let rsaKey: Promise<TestExchangeKey> | undefined;

/** One for all samples: making an RSA key takes longer than everything else about a record. */
function rsaExchangeKey(): Promise<TestExchangeKey> {
  rsaKey ??= testExchangeKey('rsa-2048');
  return rsaKey;
}

async function envelopeRecord(
  kind: EnvelopeKind,
  changes: Partial<UnboundMetadata>,
): Promise<SampleRecord> {
  const { exchange = [], signer: signerKind, recipients }: Sample = SAMPLES[kind];
  const exchangeKeys: TestExchangeKey[] = [];
  for (const keyKind of exchange)
    exchangeKeys.push(await (keyKind === 'rsa-2048' ? rsaExchangeKey() : testExchangeKey(keyKind)));
  const signer = await testIdentity(signerKind);
  using key = SecretBytes.random(32);
  const bytes = await sealKeyRecord(key, sampleMetadata(changes), {
    recipients: recipients(exchangeKeys),
    signer,
    signingTime: NOW,
  });
  const openers = exchangeKeys.length > 0 ? { exchangeKeys } : { password: secretOf(PASSWORD) };
  return { bytes, key: Uint8Array.from(key.bytes), signer, openers, exchangeKeys };
}

/** A SIMPLEBLOB as CryptExportKey makes it, and a signed record of it. */
export async function classicRecord(
  changes: Partial<UnboundMetadata> = {},
  keyLength = 32,
): Promise<SampleRecord & { readonly simpleBlob: Uint8Array }> {
  const exchangeKey = await rsaExchangeKey();
  const signer = await testIdentity();
  using key = SecretBytes.random(keyLength);
  const metadata = sampleMetadata({ effectiveBits: keyLength * 8, ...changes });
  const encryptedKey = publicEncrypt(
    { key: createPublicKey(exchangeKey.privateKey), padding: constants.RSA_PKCS1_PADDING },
    key.bytes,
  );
  const simpleBlob = encodeSimpleBlob({ algId: metadata.algorithm, encryptedKey });
  const bytes = await sealClassicRecord(key, simpleBlob, metadata, { signer, signingTime: NOW });
  return {
    bytes,
    key: Uint8Array.from(key.bytes),
    signer,
    openers: { exchangeKeys: [exchangeKey] },
    exchangeKeys: [exchangeKey],
    simpleBlob,
  };
}
