/** CngKeys: finding keys in a key storage provider, whoever made them. */
import type { ListedKey } from '../../../native-bindings/ncrypt-provider.ts';
import type { NCrypt } from '../../../native-bindings/ncrypt.ts';
import {
  BCRYPT_ECCPUBLIC_BLOB,
  BCRYPT_RSAPUBLIC_BLOB,
} from '../../../native-bindings/bcrypt-constants.ts';
import {
  NCRYPT_ALGORITHM_GROUP_PROPERTY,
  NCRYPT_SILENT_FLAG,
} from '../../../native-bindings/ncrypt-constants.ts';
import { hasStatus, WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { equalBytes } from '../../bytes/octets.ts';
import { decodeSpki } from '../../cms/spki.ts';
import type { KeyScope } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import { publicKeyFromCngBlob } from '../../keys/cng-key-blob.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import type { KeyFacts } from '../key-files/key-facts.ts';
import type { KeyName } from '../rules/key-storage.ts';
import { withNameLock, type MutexCalls } from '../windows/name-lock.ts';
import { NativeHandle } from '../windows/native-handle.ts';
import { cngNameOf, LEGACY_KEY_SPEC, scopeFlag } from './cng-names.ts';
import { readFacts, readText } from './cng-properties.ts';

/** A key that was found. Whoever found it frees the handle. */
export interface FoundKey {
  readonly handle: Handle;
  readonly nativeName: string;
  readonly algorithm: KeyAlgorithm;
  /** SPKI DER. */
  readonly publicKey: Uint8Array;
  /** undefined: another application made it. */
  readonly facts: KeyFacts | undefined;
  /** keycask made it, and what was kept with it is no longer whole: it keeps its name and is not used. */
  readonly isDamaged: boolean;
}

/** How a key is opened. */
export interface OpeningOptions extends Omit<KeyName, 'name'> {
  readonly silent: boolean;
}

export interface CngKeysOptions {
  readonly ncrypt: NCrypt;
  readonly kernel32: MutexCalls;
  /** Freed by {@link CngKeys.close}. */
  readonly provider: Handle;
  /** false of Wine's ncrypt, which makes ephemeral keys only. */
  readonly keepsKeys: boolean;
  /** Of a TPM, smart card or HSM: no private key leaves it. */
  readonly isHardware: boolean;
}

export class CngKeys {
  readonly ncrypt: NCrypt;
  readonly keepsKeys: boolean;
  readonly isHardware: boolean;
  readonly #provider: NativeHandle;
  readonly #kernel32: MutexCalls;

  constructor({ ncrypt, kernel32, provider, keepsKeys, isHardware }: CngKeysOptions) {
    this.ncrypt = ncrypt;
    this.keepsKeys = keepsKeys;
    this.isHardware = isHardware;
    this.#provider = new NativeHandle(provider, (handle) => ncrypt.freeObject(handle));
    this.#kernel32 = kernel32;
  }

  /** @throws KeyStoreError HANDLE_INVALID once it is free. */
  get provider(): Handle {
    return this.#provider.value;
  }

  /** Frees the provider, after what runs under a lock. */
  close(): Promise<void> {
    return this.#provider.close();
  }

  /** The key of that name: our own first, then one that another application made under that very name. */
  find(name: KeyName, { silent }: Pick<OpeningOptions, 'silent'>): FoundKey | undefined {
    const { plain, hashed } = cngNameOf(name);
    for (const nativeName of new Set([plain, hashed, name.name])) {
      if (nativeName === undefined) continue;
      const found = this.openNative(nativeName, { ...name, silent });
      if (!found) continue;
      if (isMeant(found, name)) return found;
      this.ncrypt.freeObject(found.handle);
    }
    return undefined;
  }

  /** @returns undefined where nothing has that native name, or what has it is no key of an algorithm that keycask knows. */
  openNative(nativeName: string, options: OpeningOptions): FoundKey | undefined {
    const handle = this.open(nativeName, options);
    if (handle === undefined) return undefined;
    try {
      const publicKey = this.publicKeyOf(handle);
      if (publicKey) {
        const facts = readFacts(this.ncrypt, handle);
        const isDamaged = facts === 'damaged';
        const own =
          facts && !isDamaged && isOf(facts, publicKey, options.scope) ? facts : undefined;
        return { handle, nativeName, ...publicKey, facts: own, isDamaged };
      }
    } catch (error) {
      this.ncrypt.freeObject(handle);
      throw error;
    }
    this.ncrypt.freeObject(handle);
    return undefined;
  }

  /** NCryptOpenKey. @returns undefined for NTE_BAD_KEYSET: there is none, or this account may not read it. */
  open(nativeName: string, { scope, legacyKeySpec, silent }: OpeningOptions): Handle | undefined {
    const flags = scopeFlag(scope) | (silent ? NCRYPT_SILENT_FLAG : 0);
    try {
      return this.ncrypt.openKey(this.provider, nativeName, LEGACY_KEY_SPEC[legacyKeySpec], flags);
    } catch (error) {
      if (hasStatus(error, WINDOWS_STATUS.NTE_BAD_KEYSET)) return undefined;
      if (hasStatus(error, WINDOWS_STATUS.NTE_VBS_CANNOT_DECRYPT_KEY))
        throw new KeyStoreError('KEY_PER_BOOT_GONE', undefined, { native: error.native! });
      throw error;
    }
  }

  /** @returns undefined for a key that keycask has no algorithm for. */
  publicKeyOf(key: Handle): Pick<FoundKey, 'algorithm' | 'publicKey'> | undefined {
    const group = readText(this.ncrypt.getProperty(key, NCRYPT_ALGORITHM_GROUP_PROPERTY));
    if (group !== 'RSA' && group !== 'ECDH' && group !== 'ECDSA') return undefined;
    const blobType = group === 'RSA' ? BCRYPT_RSAPUBLIC_BLOB : BCRYPT_ECCPUBLIC_BLOB;
    let publicKey: Uint8Array;
    try {
      publicKey = publicKeyFromCngBlob(this.ncrypt.exportKey(key, blobType));
    } catch (error) {
      if (KeyStoreError.is(error) && error.code === 'BLOB_ALGORITHM_UNSUPPORTED') return undefined;
      throw error;
    }
    const decoded = decodeSpki(publicKey);
    const algorithm: KeyAlgorithm =
      decoded.type === 'rsa'
        ? 'RSA'
        : ALGORITHMS[group === 'ECDSA' ? 'ECDSA' : 'ECDH'][decoded.curve];
    return { algorithm, publicKey };
  }

  /** Whether or not they may be opened. */
  listed(scope: KeyScope): ListedKey[] {
    return this.ncrypt.enumKeys(this.provider, scopeFlag(scope) | NCRYPT_SILENT_FLAG);
  }

  /** Nobody else of keycask makes, changes or deletes a key of that name meanwhile, and the provider stays open. */
  withLock<Result>(
    name: Pick<KeyName, 'name' | 'scope'>,
    work: () => Promise<Result>,
  ): Promise<Result> {
    return this.#provider.use(() => withNameLock(this.#kernel32, 'cng', name, work));
  }
}

/** Facts that were copied from another key, or brought from another store, say nothing of this one. */
function isOf(
  facts: KeyFacts,
  { algorithm, publicKey }: Pick<FoundKey, 'algorithm' | 'publicKey'>,
  scope: KeyScope,
): boolean {
  return (
    facts.algorithm === algorithm && facts.scope === scope && equalBytes(facts.publicKey, publicKey)
  );
}

/** @throws KeyStoreError KEY_FILE_DAMAGED (NTE_KEYSET_ENTRY_BAD): without its facts a key would have rights that were taken from it. */
export function requireWhole({ isDamaged, nativeName }: FoundKey): void {
  if (isDamaged)
    throw new KeyStoreError(
      'KEY_FILE_DAMAGED',
      `what keycask kept with the key ${JSON.stringify(nativeName)} was changed`,
      { hint: 'Restore it from an exported container; the key can be overwritten.' },
    );
}

/** Does the key that bears a native name bear the name itself? Names that differ in case only may be one to Windows. */
function isMeant({ facts, nativeName, isDamaged }: FoundKey, name: KeyName): boolean {
  if (isDamaged) {
    const { plain, hashed } = cngNameOf(name);
    return [plain, hashed, name.name].includes(nativeName);
  }
  if (!facts) return nativeName === name.name;
  return facts.name === name.name && facts.legacyKeySpec === name.legacyKeySpec;
}

const ALGORITHMS = {
  ECDH: { 'P-256': 'ECDH_P256', 'P-384': 'ECDH_P384' },
  ECDSA: { 'P-256': 'ECDSA_P256', 'P-384': 'ECDSA_P384' },
} as const;
