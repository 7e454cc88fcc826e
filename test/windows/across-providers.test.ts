/** One container held by three providers: what is written through one opens through each other. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { encodeSimpleBlob } from '../../lib/blobs/simple-blob.ts';
import { octetString, sequence } from '../../lib/bytes/der-writer.ts';
import { encodeUtf8, plainBytes, toHex } from '../../lib/bytes/octets.ts';
import type { LegacyKeySpec, PersistedKey, Provider } from '../../lib/contracts/provider.ts';
import type { VerifiedKeyRecord } from '../../lib/contracts/verified-record.ts';
import { keyIdentifier } from '../../lib/keys/key-identifier.ts';
import { rsaPrivateKeyFromBlob } from '../../lib/keys/rsa-key-blob.ts';
import { wrapRsaPkcs1 } from '../../lib/keys/rsa-pkcs1.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { parsePublicKey } from '../../lib/keys/signature.ts';
import { openCngProvider } from '../../lib/providers/cng/index.ts';
import { openSoftwareProvider } from '../../lib/providers/software/index.ts';
import { openKeyRecord } from '../../lib/records/open.ts';
import { sealClassicRecord, sealKeyRecord } from '../../lib/records/seal.ts';
import { verifyKeyRecord } from '../../lib/records/verify.ts';
import { keepsKeys, newName } from '../support/cng.ts';
import { cryptoApiHome, type CryptoApiHome } from '../support/cryptoapi.ts';

/** The keys of the container, as one provider has them. */
interface Holder {
  readonly exchange: PersistedKey;
  readonly signature: PersistedKey;
}

const NAMES = ['cryptoapi', 'cng', 'software'] as const;
const PAIRS = NAMES.flatMap((writer) => NAMES.map((reader) => [writer, reader] as const));
const SIGNED_AT = new Date('2026-01-01T00:00:00Z');
const SPECS = ['AT_KEYEXCHANGE', 'AT_SIGNATURE'] as const;

describe.skipIf(!keepsKeys)('a container that CryptoAPI made', () => {
  const holders = {} as Record<(typeof NAMES)[number], Holder>;
  const providers: Provider[] = [];
  let home: CryptoApiHome;

  beforeAll(async () => {
    home = await cryptoApiHome();
    const name = newName();
    const cryptoApi = await home.open();
    const [cng, software] = [await openCngProvider(), await openSoftwareProvider()];
    providers.push(cryptoApi, cng, software);
    const made = async (spec: LegacyKeySpec): Promise<PersistedKey> => {
      const pending = await cryptoApi.createPersistedKey('RSA', name, spec);
      await pending.setProperty('length', 2048);
      return pending.finalize();
    };
    const original = {
      exchange: await made('AT_KEYEXCHANGE'),
      signature: await made('AT_SIGNATURE'),
    };
    const copied = async (key: PersistedKey): Promise<PersistedKey> => {
      using blob = await key.exportKey('PRIVATEKEYBLOB');
      using pkcs8 = rsaPrivateKeyFromBlob(blob.bytes);
      return (await software.importKey(pkcs8, null, key.legacyKeySpec)).finalize();
    };
    const [exchange, signature] = await Promise.all(SPECS.map((spec) => cng.openKey(name, spec)));
    holders.cryptoapi = original;
    holders.cng = { exchange: exchange!, signature: signature! };
    holders.software = {
      exchange: await copied(original.exchange),
      signature: await copied(original.signature),
    };
  });

  afterAll(async () => {
    await holders.cryptoapi.exchange.delete();
    await holders.cryptoapi.signature.delete();
    await Promise.all(providers.map((provider) => provider.close()));
    await home.remove();
  });

  /** Signs by the signature key of a holder. */
  function signerOf({ signature }: Holder) {
    const { publicKey } = signature;
    return {
      keyId: keyIdentifier(publicKey),
      publicKey,
      // Compared with what is pinned, byte for byte, and not looked into.
      certificate: sequence(octetString(encodeUtf8('certificate of the container'))),
      scheme: 'rsa-pkcs1-sha256',
      sign: (message: Parameters<PersistedKey['sign']>[0]) => signature.sign(message),
    } as const;
  }

  /** Verifies with the keys that the reader has, and unwraps with its exchange key. */
  async function read(reader: Holder, bytes: Uint8Array): Promise<string> {
    const { keyId, publicKey, certificate } = signerOf(reader);
    const pin = { keyId, publicKey, certificate, trust: 'pinned' } as const;
    const record: VerifiedKeyRecord = verifyKeyRecord(bytes, { findSigner: () => pin });
    const key = reader.exchange;
    const exchangeKeys = [{ key, keyId: keyIdentifier(key.publicKey) }];
    using sessionKey = await openKeyRecord(record, { exchangeKeys });
    return toHex(sessionKey.bytes);
  }

  const metadata = () =>
    ({
      recordId: plainBytes(randomBytes(16)),
      recordVersion: 1,
      label: 'across',
      purpose: 'test',
      algorithm: ALG_ID.CALG_AES_256,
      effectiveBits: 256,
      created: SIGNED_AT,
      storeId: plainBytes(randomBytes(16)),
      provenance: 'generated',
      attributes: [],
    }) as const;

  it('is the same pair of keys to each', () => {
    for (const { exchange, signature } of Object.values(holders)) {
      expect(exchange.publicKey).toEqual(holders.software.exchange.publicKey);
      expect(signature.publicKey).toEqual(holders.software.signature.publicKey);
    }
  });

  it.each(PAIRS)(
    'an envelope record with OAEP SHA-1: written by %s, opened by %s',
    async (writer, reader) => {
      const { publicKey } = holders[writer].exchange;
      using sessionKey = SecretBytes.random(32);
      const bytes = await sealKeyRecord(sessionKey, metadata(), {
        recipients: [
          { type: 'public-key', publicKey, keyId: keyIdentifier(publicKey), rsa: 'oaep-sha1' },
        ],
        signer: signerOf(holders[writer]),
        signingTime: SIGNED_AT,
      });
      expect(await read(holders[reader], bytes)).toBe(toHex(sessionKey.bytes));
    },
  );

  it.each(PAIRS)('a classic record: written by %s, opened by %s', async (writer, reader) => {
    const { exchange } = holders[writer];
    const made = await sessionKeyOf(exchange);
    using sessionKey = made.sessionKey;
    const options = { signer: signerOf(holders[writer]), signingTime: SIGNED_AT };
    const bytes = await sealClassicRecord(sessionKey, made.simpleBlob, metadata(), options);
    expect(await read(holders[reader], bytes)).toBe(toHex(sessionKey.bytes));
  });

  /** Made by the provider where it makes session keys, else here. */
  async function sessionKeyOf(exchange: PersistedKey) {
    if (exchange === holders.cryptoapi.exchange) return exchange.createSessionKeyBlob(256);
    const sessionKey = SecretBytes.random(32);
    const encryptedKey = wrapRsaPkcs1(parsePublicKey(exchange.publicKey), sessionKey);
    const simpleBlob = encodeSimpleBlob({ algId: ALG_ID.CALG_AES_256, encryptedKey });
    return { sessionKey, simpleBlob };
  }
});
