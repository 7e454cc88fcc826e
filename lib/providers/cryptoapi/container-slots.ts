/** The two slots of a key container: what lies in them, and emptying one. */
import type { Advapi32 } from '../../../native-bindings/advapi32.ts';
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import {
  AT_KEYEXCHANGE,
  AT_SIGNATURE,
  CRYPT_EXPORT,
  KP_PERMISSIONS,
  PUBLICKEYBLOB,
} from '../../../native-bindings/wincrypt.ts';
import { hasStatus, WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { decodePublicKeyBlob } from '../../blobs/public-key-blob.ts';
import type { KeyScope, LegacyKeySpec } from '../../contracts/provider.ts';
import { rsaPublicKeyFromBlob } from '../../keys/rsa-key-blob.ts';
import { NOT_IN_THIS_CSP, readDword } from './csp.ts';

export type Slot = typeof AT_KEYEXCHANGE | typeof AT_SIGNATURE;

export const SLOTS: readonly Slot[] = [AT_KEYEXCHANGE, AT_SIGNATURE];

/** A slot of a container. */
export interface SlotPlace {
  readonly container: string;
  readonly slot: Slot;
  readonly scope: KeyScope;
}

/** A key without a spec has a container of its own, and lies where keys can do most. */
export function slotOf(spec: LegacyKeySpec): Slot {
  return spec === 'AT_SIGNATURE' ? AT_SIGNATURE : AT_KEYEXCHANGE;
}

export function specOf(slot: Slot): LegacyKeySpec {
  return slot === AT_SIGNATURE ? 'AT_SIGNATURE' : 'AT_KEYEXCHANGE';
}

/** What can be told of the key pair in a slot without using it. */
export interface SlotKey {
  /** SPKI DER. */
  readonly publicKey: Uint8Array;
  /** Would the CSP export the private half? */
  readonly isExportable: boolean;
}

/** @returns undefined for an empty slot. */
export function readSlot(api: Advapi32, context: Handle, slot: Slot): SlotKey | undefined {
  const key = getUserKey(api, context, slot);
  if (key === undefined) return undefined;
  try {
    const blob = api.cryptExportKey(key, 0n, PUBLICKEYBLOB, 0);
    if (decodePublicKeyBlob(blob).modulusBits === THROW_AWAY_BITS) return undefined;
    return { publicKey: rsaPublicKeyFromBlob(blob), isExportable: isExportable(api, key) };
  } finally {
    api.cryptDestroyKey(key);
  }
}

/**
 * Destroys the key pair in a slot, and leaves the other slot as it is.
 *
 * CryptoAPI deletes whole containers only. CryptGenKey replaces a key pair, and what it replaces is gone: a pair that is too short for
 * anything says that the slot is empty.
 */
export async function emptySlot(api: Advapi32, context: Handle, slot: Slot): Promise<void> {
  api.cryptDestroyKey(await api.cryptGenKey(context, slot, THROW_AWAY_BITS << 16));
}

function isExportable(api: Advapi32, key: Handle): boolean {
  try {
    return (readDword(api.cryptGetKeyParam(key, KP_PERMISSIONS)) & CRYPT_EXPORT) !== 0;
  } catch (error) {
    // A token that has no word for it lets nothing out.
    if (hasStatus(error, ...NOT_IN_THIS_CSP)) return false;
    throw error;
  }
}

function getUserKey(api: Advapi32, context: Handle, slot: Slot): Handle | undefined {
  try {
    return api.cryptGetUserKey(context, slot);
  } catch (error) {
    if (hasStatus(error, WINDOWS_STATUS.NTE_NO_KEY)) return undefined;
    throw error;
  }
}

/** PP_ENUMALGS_EX: the shortest RSA keys of Microsoft's CSPs. Their own default is 512 at least. */
const THROW_AWAY_BITS = 384;
