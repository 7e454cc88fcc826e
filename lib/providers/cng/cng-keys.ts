/** CngKeys: finding keys in a key storage provider, whoever made them. */
import type { Kernel32 } from '../../../native-bindings/kernel32.ts';
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
import { withNameLock } from '../windows/name-lock.ts';
import { NativeHandle } from '../windows/native-handle.ts';
import { cngNameOf, LEGACY_KEY_SPEC, scopeFlag } from './cng-names.ts';
import { readFacts } from './cng-properties.ts';

/** A key that was found. Whoever found it frees the handle. */
export interface FoundKey {
  readonly handle: Handle;
  readonly nativeName: string;
  readonly algorithm: KeyAlgorithm;
  /** SPKI DER. */
  readonly publicKey: Uint8Array;
  /** undefined: another application made it. */
  readonly facts: KeyFacts | undefined;
}

export class CngKeys {
  readonly ncrypt: NCrypt;
  readonly provider: Handle;
  readonly #providerHandle: NativeHandle;
  readonly #kernel32: Kernel32;

  constructor(ncrypt: NCrypt, kernel32: Kernel32, provider: Handle) {
    this.ncrypt = ncrypt;
    this.provider = provider;
    this.#providerHandle = new NativeHandle(provider, (handle) => ncrypt.freeObject(handle));
    this.#kernel32 = kernel32;
  }

  /** Frees the provider, after what runs. */
  close(): Promise<void> {
    return this.#providerHandle.close();
  }

  /** The key of that name: our own first, then one that another application made under that very name. */
  find(name: KeyName, { silent }: { readonly silent: boolean }): FoundKey | undefined {
    const { plain, hashed } = cngNameOf(name);
    for (const nativeName of new Set([plain, hashed, name.name])) {
      if (nativeName === undefined) continue;
      const found = this.openNative(nativeName, name, silent);
      if (!found) continue;
      if (isMeant(found, name)) return found;
      this.ncrypt.freeObject(found.handle);
    }
    return undefined;
  }

  /** @returns undefined where nothing has that native name, or what has it is no key of an algorithm that keycask knows. */
  openNative(
    nativeName: string,
    { scope, legacyKeySpec }: Omit<KeyName, 'name'>,
    silent: boolean,
  ): FoundKey | undefined {
    const flags = scopeFlag(scope) | (silent ? NCRYPT_SILENT_FLAG : 0);
    const handle = this.#open(nativeName, LEGACY_KEY_SPEC[legacyKeySpec], flags);
    if (handle === undefined) return undefined;
    try {
      const publicKey = this.publicKeyOf(handle);
      if (publicKey)
        return { handle, nativeName, ...publicKey, facts: readFacts(this.ncrypt, handle) };
    } catch (error) {
      this.ncrypt.freeObject(handle);
      throw error;
    }
    this.ncrypt.freeObject(handle);
    return undefined;
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
        : `${group === 'ECDSA' ? 'ECDSA' : 'ECDH'}_${decoded.curve === 'P-384' ? 'P384' : 'P256'}`;
    return { algorithm, publicKey };
  }

  /** Whether or not they may be opened. */
  listed(scope: KeyScope): ListedKey[] {
    return this.ncrypt.enumKeys(this.provider, scopeFlag(scope) | NCRYPT_SILENT_FLAG);
  }

  /** Nobody else of keycask makes, changes or deletes a key of that name meanwhile. */
  withLock<Result>(
    name: Pick<KeyName, 'name' | 'scope'>,
    work: () => Promise<Result>,
  ): Promise<Result> {
    return this.#providerHandle.use(() => withNameLock(this.#kernel32, 'cng', name, work));
  }

  #open(nativeName: string, spec: number, flags: number): Handle | undefined {
    try {
      return this.ncrypt.openKey(this.provider, nativeName, spec, flags);
    } catch (error) {
      if (hasStatus(error, WINDOWS_STATUS.NTE_BAD_KEYSET)) return undefined;
      throw error;
    }
  }
}

/** Does the key that bears a native name bear the name itself? Names that differ in case only may be one to Windows. */
function isMeant({ facts, nativeName, publicKey }: FoundKey, name: KeyName): boolean {
  if (!facts || !equalBytes(facts.publicKey, publicKey)) return nativeName === name.name;
  return (
    facts.name === name.name &&
    facts.legacyKeySpec === name.legacyKeySpec &&
    facts.scope === name.scope
  );
}

/** A wide string with its terminating zero. */
export function readText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf16le');
  return text.replace(/\0.*$/s, '');
}
