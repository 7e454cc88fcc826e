/** A PKCS #11 module: slots, sessions, objects and keys, by Cryptoki's functions. */
import { loadPkcs11Functions, type Pkcs11Functions } from './pkcs11-functions.ts';
import { declareKeys } from './pkcs11-keys.ts';
import { declareObjects } from './pkcs11-objects.ts';
import { declareSessions, declareSlots } from './pkcs11-slots.ts';

export type { MechanismInfo, TokenInfo } from './pkcs11-info.ts';
export type { KeyUse } from './pkcs11-keys.ts';
export type { Attribute, Mechanism } from './pkcs11-layout.ts';
export type { ObjectHandle } from './pkcs11-objects.ts';
export type { SessionHandle, SlotId } from './pkcs11-slots.ts';

export type Pkcs11 = ReturnType<typeof declarePkcs11>;

/**
 * The bindings of a module. It is the caller's to initialise.
 *
 * Every function throws KeyStoreError with the CK_RV as its native status: family `ckr`.
 *
 * @throws KeyStoreError PROVIDER_UNAVAILABLE where it is no PKCS #11 module; MODULE_MISSING without koffi.
 */
export async function loadPkcs11(path: string): Promise<Pkcs11> {
  return declarePkcs11(await loadPkcs11Functions(path));
}

function declarePkcs11(functions: Pkcs11Functions) {
  return {
    ...declareSlots(functions),
    ...declareSessions(functions),
    ...declareObjects(functions),
    ...declareKeys(functions),
  };
}
