/** The two sides of bench/records.bench.ts: seal and open of a key record in memory, and the bare node:crypto operations that they contain. */
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  createPublicKey,
  privateDecrypt,
  publicEncrypt,
  randomFillSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { SecretBytes } from '../lib/keys/secret-bytes.ts';
import { openKeyRecord } from '../lib/records/open.ts';
import { sealKeyRecord } from '../lib/records/seal.ts';
import { verifyKeyRecord } from '../lib/records/verify.ts';
import { testExchangeKey, type TestExchangeKey } from '../test/support/exchange-key.ts';
import { NOW, pinned, sampleMetadata } from '../test/support/sample-records.ts';
import { testIdentity } from '../test/support/signing-identity.ts';

/** Lengths of what is hashed and signed, from a real record. */
const METADATA = 200;
const ATTRIBUTES = 330;
const CONTENT = 350;
const KEY_BLOB = 44;

export interface Sides {
  readonly ours: () => Promise<void>;
  readonly bare: () => unknown;
}

export type SideKind = 'p-256' | 'rsa-3072';

export async function sidesOf(kind: SideKind): Promise<Sides> {
  const [exchangeKey, signer] = [await testExchangeKey(kind), await testIdentity(kind)];
  const metadata = sampleMetadata();
  const recipients = [exchangeKey.recipient()];
  const options = pinned(signer);
  const ours = async () => {
    using key = SecretBytes.random(32);
    const bytes = await sealKeyRecord(key, metadata, { recipients, signer, signingTime: NOW });
    const record = verifyKeyRecord(bytes, options);
    (await openKeyRecord(record, { exchangeKeys: [exchangeKey] })).dispose();
  };
  const signing = { key: signer.privateKey, publicKey: createPublicKey(signer.privateKey) };
  const bare = kind === 'p-256' ? bareP256(exchangeKey, signing) : bareRsa(exchangeKey, signing);
  return { ours, bare };
}

interface SigningKeys {
  readonly key: KeyObject;
  readonly publicKey: KeyObject;
}

const content = Buffer.alloc(CONTENT, 1);
const attributes = Buffer.alloc(ATTRIBUTES, 2);
const metadataDer = Buffer.alloc(METADATA, 3);
const keyBlob = Buffer.alloc(KEY_BLOB, 4);
const secret = Buffer.alloc(32, 5);
const recordId = Buffer.alloc(16, 6);
const nonce = Buffer.alloc(12, 7);
const spki = Buffer.alloc(91, 8);
const sharedInfo = Buffer.alloc(23, 9);
const counter = Buffer.from([0, 0, 0, 1]);
const initialValue = Buffer.alloc(8, 0xa6);

const sha256 = (...parts: Buffer[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const hmac = (key: Buffer, ...parts: Buffer[]) => {
  const mac = createHmac('sha256', key);
  for (const part of parts) mac.update(part);
  return mac.digest();
};

/** HKDF-Extract once, HKDF-Expand for commitment and for bind, the HMAC of bind, the hash of the signer's key. */
function commitmentAndBind(): void {
  const prk = hmac(recordId, secret);
  hmac(prk, metadataDer, counter);
  hmac(hmac(prk, metadataDer, counter), metadataDer, sha256(spki));
}

function gcmSeal() {
  const cipher = createCipheriv('aes-256-gcm', secret, nonce, { authTagLength: 16 });
  const ciphertext = cipher.update(keyBlob);
  cipher.final();
  return { ciphertext, tag: cipher.getAuthTag() };
}

function gcmOpen({ ciphertext, tag }: ReturnType<typeof gcmSeal>) {
  const decipher = createDecipheriv('aes-256-gcm', secret, nonce, { authTagLength: 16 });
  decipher.setAuthTag(tag);
  decipher.update(ciphertext);
  decipher.final();
}

function randomness(): void {
  randomFillSync(Buffer.alloc(32)); // session key
  randomFillSync(Buffer.alloc(32)); // content-encryption key
  randomFillSync(Buffer.alloc(12)); // nonce
}

function bareP256(exchangeKey: TestExchangeKey, { key, publicKey }: SigningKeys) {
  const recipient = createECDH('prime256v1');
  recipient.setPrivateKey(privateNumber(exchangeKey.privateKey));
  const point = recipient.getPublicKey();
  return () => {
    randomness();
    const ephemeral = createECDH('prime256v1');
    const ephemeralPoint = ephemeral.generateKeys();
    const kek = sha256(ephemeral.computeSecret(point), counter, sharedInfo);
    const wrap = createCipheriv('id-aes256-wrap', kek, initialValue);
    const wrapped = wrap.update(secret);
    wrap.final();
    const sealed = gcmSeal();
    commitmentAndBind();
    sha256(content);
    const signature = sign('sha256', attributes, key);

    sha256(content);
    verify('sha256', attributes, publicKey, signature);
    const again = sha256(recipient.computeSecret(ephemeralPoint), counter, sharedInfo);
    const unwrap = createDecipheriv('id-aes256-wrap', again, initialValue);
    unwrap.update(wrapped);
    unwrap.final();
    gcmOpen(sealed);
    commitmentAndBind();
  };
}

function bareRsa(exchangeKey: TestExchangeKey, { key, publicKey }: SigningKeys) {
  const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  const recipient = createPublicKey(exchangeKey.privateKey);
  return async () => {
    randomness();
    const wrapped = publicEncrypt({ key: recipient, ...oaep }, secret);
    const sealed = gcmSeal();
    commitmentAndBind();
    sha256(content);
    // As ours: on the thread pool.
    const signature = await new Promise<Buffer>((resolve, reject) => {
      sign('sha256', attributes, key, (error, made) => (error ? reject(error) : resolve(made)));
    });

    sha256(content);
    verify('sha256', attributes, publicKey, signature);
    privateDecrypt({ key: exchangeKey.privateKey, ...oaep }, wrapped);
    gcmOpen(sealed);
    commitmentAndBind();
  };
}

function privateNumber(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).d!, 'base64url');
}
