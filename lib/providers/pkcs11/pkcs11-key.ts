/** Pkcs11Key: a handle of a key whose private half a token holds. */
import { createHash } from 'node:crypto';
import type { Mechanism } from '../../../native-bindings/pkcs11.ts';
import { CKG, CKM } from '../../../native-bindings/pkcs11-constants.ts';
import { CKR, hasCkr } from '../../../native-bindings/pkcs11-status.ts';
import { concatBytes } from '../../bytes/octets.ts';
import { schemeHash } from '../../cms/algorithms.ts';
import type { KeyScope, LegacyKeySpec, Posture } from '../../contracts/provider.ts';
import type { WrappedKey } from '../../contracts/wrapped-key.ts';
import { KeyStoreError } from '../../errors.ts';
import { ecdsaSignatureToDer } from '../../keys/ecdsa-signature.ts';
import type { KeyAlgorithm, SignatureScheme } from '../../keys/key-algorithms.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import type { StoredProperties } from '../rules/key-properties.ts';
import type { StoredKey } from '../rules/key-storage.ts';
import type { TokenAbilities } from './capabilities.ts';
import type { HeldKey } from './held-key.ts';
import { uniformly } from './unwrap-failure.ts';
import {
  unwrapByAgreement,
  unwrapByRsa,
  type DerivationAbility,
  type UsedKey,
} from './unwrap-key.ts';

export interface Pkcs11KeyParts {
  readonly name: string | null;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly properties: StoredProperties;
  readonly abilities: TokenAbilities;
  readonly derivation: DerivationAbility;
  readonly held: HeldKey;
  readonly uniqueName: string;
  readonly posture: (properties: StoredProperties) => Posture;
}

export class Pkcs11Key implements StoredKey {
  readonly name: string | null;
  readonly scope: KeyScope = 'user';
  readonly legacyKeySpec: LegacyKeySpec;
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly properties: StoredProperties;
  readonly posture: (properties: StoredProperties) => Posture;
  readonly #parts: Pkcs11KeyParts;
  readonly #running = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(parts: Pkcs11KeyParts) {
    this.name = parts.name;
    this.legacyKeySpec = parts.legacyKeySpec;
    this.algorithm = parts.algorithm;
    this.publicKey = parts.publicKey;
    this.properties = parts.properties;
    this.posture = parts.posture;
    this.#parts = parts;
  }

  unwrap(wrapped: WrappedKey): Promise<SecretBytes> {
    const { derivation } = this.#parts;
    return uniformly(() =>
      this.#use((used) =>
        wrapped.type === 'ecdh-x963'
          ? unwrapByAgreement(used, this.algorithm, wrapped, derivation)
          : unwrapByRsa(used, wrapped),
      ),
    );
  }

  /** Hashed here: the token gets 20 to 83 bytes, however long the message is. */
  sign(scheme: SignatureScheme, message: Uint8Array): Promise<Uint8Array> {
    const digest = createHash(schemeHash(scheme)).update(message).digest();
    return this.#use(async ({ session: { api, handle }, key }) => {
      const signWith = (mechanism: Mechanism, data: Uint8Array): Promise<Uint8Array> =>
        api.sign({ session: handle, key: key.handle, mechanism }, data);
      switch (scheme) {
        case 'rsa-pkcs1-sha256':
          return signWith({ type: CKM.RSA_PKCS }, concatBytes(SHA256_DIGEST_INFO, digest));
        case 'rsa-pss-sha256': {
          const parameter = [CKM.SHA256, CKG.MGF1_SHA256, digest.length];
          return signWith({ type: CKM.RSA_PKCS_PSS, parameter }, digest);
        }
        case 'ecdsa-sha256':
        case 'ecdsa-sha384':
          return ecdsaSignatureToDer(await signWith({ type: CKM.ECDSA }, digest));
      }
    });
  }

  exportKey(): Promise<SecretBytes> {
    const message = 'the token does not give private keys out, whatever their policy says';
    return Promise.reject(new KeyStoreError('EXPORT_FORBIDDEN', message));
  }

  change(
    change: (present: StoredProperties) => StoredProperties,
  ): Promise<StoredProperties | undefined> {
    return this.#parts.held.change(change);
  }

  uniqueName(): string {
    return this.#parts.uniqueName;
  }

  async delete(): Promise<void> {
    await this.#parts.held.delete();
    await this.close();
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#running);
    await this.#parts.held.close();
  }

  /** Begun before the key is closed, it may end. */
  #use<Result>(work: (used: UsedKey) => Promise<Result>): Promise<Result> {
    if (this.#closing) throw new KeyStoreError('HANDLE_INVALID');
    const { held, abilities } = this.#parts;
    const running = held.use(async (session) => {
      const key = await held.find(session);
      try {
        return await work({ session, key, abilities });
      } catch (error) {
        if (!hasCkr(error, CKR.KEY_HANDLE_INVALID, CKR.OBJECT_HANDLE_INVALID)) throw error;
        // Another process may have deleted it, or the module gives it another handle by now.
        held.forget();
        return await work({ session, key: await held.find(session), abilities });
      }
    });
    this.#running.add(running);
    const end = (): void => {
      this.#running.delete(running);
    };
    running.then(end, end);
    return running;
  }
}

/** DigestInfo of SHA-256 (RFC 8017 section 9.2, note 1), but for the digest. */
const SHA256_DIGEST_INFO = Uint8Array.from([
  0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
  0x00, 0x04, 0x20,
]);
