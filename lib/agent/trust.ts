/**
 * AgentTrust: whose records the agent opens. The signers whose private keys it holds itself, those whose certificates lie in its trust folder, and
 * those that it was given.
 *
 * What a listing says of public keys is not authenticated, so a key counts as held when it was opened. Keys of retired containers stay held,
 * and open what they signed, until they are deleted.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes, toHex } from '../bytes/octets.ts';
import { MAX_CERTIFICATE } from '../cms/certificate.ts';
import type { Signer } from '../cms/signed-data.ts';
import type { PersistedKey, PersistedKeyInfo, Provider } from '../contracts/provider.ts';
import type { VerifiedKeyRecord } from '../contracts/verified-record.ts';
import { KeyStoreError } from '../errors.ts';
import { signerOf } from '../keys/certificate-signer.ts';
import { keyIdentifier } from '../keys/key-identifier.ts';
import { isFsError, withFsErrors } from '../platform/fs-error.ts';
import { readSmallFile } from '../platform/read-small-file.ts';
import { verifyKeyRecord, type TrustedSigner } from '../records/verify.ts';
import type { ProviderKeeper } from './provider-keeper.ts';

export interface AgentTrustOptions {
  readonly folder?: string | undefined;
  readonly signers?: readonly Signer[] | undefined;
}

/** A key that the agent holds. */
interface HeldKey {
  /** What names it, so that the key that takes its place ends the trust in it. */
  readonly place: string;
  readonly keyId: Uint8Array;
  readonly publicKey: Uint8Array;
  /** By its algorithm and its usages: what it signed is trusted. */
  readonly maySign: boolean;
  /** The last certificate that was found to be of this key. */
  certificate: Uint8Array | undefined;
}

/** Looking for a signer that is not known costs reads of the disk: not more often than this. */
const LOOK_AGAIN_MS = 1000;

export class AgentTrust {
  readonly #options: AgentTrustOptions;
  readonly #keeper: ProviderKeeper;
  readonly #held = new Map<string, HeldKey>();
  /** By place, the names of those in `#held`. */
  readonly #places = new Map<string, string>();
  #pinned = new Map<string, TrustedSigner>();
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  constructor(keeper: ProviderKeeper, options: AgentTrustOptions) {
    this.#keeper = keeper;
    this.#options = options;
    for (const signer of options.signers ?? []) this.#pin(this.#pinned, signer);
  }

  /**
   * Verifies a record against this trust. Waits only where its signer is not known yet.
   *
   * @throws KeyStoreError what `verifyKeyRecord` throws; BLOB_SIGNER_NOT_TRUSTED.
   */
  verify(record: Uint8Array): VerifiedKeyRecord | Promise<VerifiedKeyRecord> {
    try {
      return verifyKeyRecord(record, this);
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'BLOB_SIGNER_NOT_TRUSTED') throw error;
      if (performance.now() - this.#lookedAt < LOOK_AGAIN_MS && !this.#looking) throw error;
      return this.look().then(() => verifyKeyRecord(record, this));
    }
  }

  /** For {@link verifyKeyRecord}. */
  readonly findSigner = (keyId: Uint8Array, certificate: Uint8Array): TrustedSigner => {
    const name = nameOf(keyId);
    const held = this.#held.get(name);
    // The agent keeps no certificates of its own keys: one that certifies the held key is as good as another.
    if (held?.maySign && certifies(certificate, held))
      return { keyId: held.keyId, publicKey: held.publicKey, certificate, trust: 'pinned' };
    const pin = this.#pinned.get(name);
    if (pin) return pin;
    throw new KeyStoreError(
      'BLOB_SIGNER_NOT_TRUSTED',
      'the agent does not trust the key that signed this record',
      { hint: "Put the signer's certificate into the trust folder of the agent." },
    );
  };

  /** A named key was opened, made, or changed: its seal, or its making, is the word for what it is. */
  async hold(key: PersistedKey): Promise<void> {
    const { publicKey } = key;
    const keyId = keyIdentifier(publicKey);
    const maySign = (await key.getProperty('keyUsage')).includes('sign');
    const name = nameOf(keyId);
    const place = JSON.stringify([key.scope, key.legacyKeySpec, key.name]);
    const before = this.#places.get(place);
    if (before !== undefined && before !== name) this.#held.delete(before);
    this.#places.set(place, name);
    if (this.#held.get(name)?.maySign !== maySign)
      this.#held.set(name, { place, keyId, publicKey, maySign, certificate: undefined });
  }

  /** A key was deleted. */
  release(publicKey: Uint8Array): void {
    const name = nameOf(keyIdentifier(publicKey));
    this.#places.delete(this.#held.get(name)?.place ?? '');
    this.#held.delete(name);
  }

  holds(publicKey: Uint8Array): boolean {
    const held = this.#held.get(nameOf(keyIdentifier(publicKey)));
    return held !== undefined && equalBytes(held.publicKey, publicKey);
  }

  /** Reads the trust folder and opens the keys that it does not know. Calls at the same time share one look. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
      this.#lookedAt = performance.now();
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const pinned = new Map<string, TrustedSigner>();
    for (const signer of this.#options.signers ?? []) this.#pin(pinned, signer);
    for (const signer of await signersIn(this.#options.folder)) this.#pin(pinned, signer);
    this.#pinned = pinned;
    if (this.#keeper.isLocked) return;
    const { provider } = this.#keeper.current;
    for (const info of await keysOf(provider)) {
      if (this.holds(info.publicKey)) continue;
      await this.#holdIfOpens(provider, info);
    }
  }

  async #holdIfOpens(provider: Provider, info: PersistedKeyInfo): Promise<void> {
    const { name, legacyKeySpec, scope } = info;
    try {
      await using key = await provider.openKey(name, legacyKeySpec, { scope });
      await this.hold(key);
    } catch (error) {
      // One key that does not open is not held, and keeps no other from being so.
      if (!KeyStoreError.is(error)) throw error;
    }
  }

  #pin(pins: Map<string, TrustedSigner>, { keyId, publicKey, certificate }: Signer): void {
    pins.set(nameOf(keyId), { keyId, publicKey, certificate, trust: 'pinned' });
  }
}

/** Bytes of text, since that is what a Map compares. */
function nameOf(keyId: Uint8Array): string {
  return toHex(keyId);
}

function certifies(certificate: Uint8Array, held: HeldKey): boolean {
  if (held.certificate && equalBytes(held.certificate, certificate)) return true;
  try {
    if (!equalBytes(signerOf(certificate).publicKey, held.publicKey)) return false;
  } catch {
    return false;
  }
  held.certificate = Uint8Array.from(certificate);
  return true;
}

async function keysOf(provider: Provider): Promise<PersistedKeyInfo[]> {
  const keys: PersistedKeyInfo[] = [];
  if (!provider.capabilities.persisted) return keys;
  try {
    for await (const info of provider.listKeys()) keys.push(info);
  } catch (error) {
    // Told at the end of a listing: the others were listed.
    if (!KeyStoreError.is(error)) throw error;
  }
  return keys;
}

/** A file that is no certificate is left out: who put it there sees that its signer is not trusted. */
async function signersIn(folder: string | undefined): Promise<Signer[]> {
  return folder === undefined ? [] : withFsErrors(folder, () => certificatesIn(folder));
}

async function certificatesIn(folder: string): Promise<Signer[]> {
  const signers: Signer[] = [];
  for (const name of await namesIn(folder)) {
    const path = join(folder, name);
    if (!name.endsWith('.cer') || !(await stat(path)).isFile()) continue;
    const bytes = await readSmallFile(path, MAX_CERTIFICATE);
    try {
      if (bytes) signers.push(signerOf(bytes));
    } catch (error) {
      if (!KeyStoreError.is(error)) throw error;
    }
  }
  return signers;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isFsError(error, 'ENOENT')) return [];
    throw error;
  }
}
