/** What PKCS #11 does with modules, slots and sessions. */
import { CKF, CKS_RW_USER_FUNCTIONS, CKU_USER } from './pkcs11-constants.ts';
import type { Pkcs11Functions } from './pkcs11-functions.ts';
import {
  MOST_INFO,
  readMechanismInfo,
  readText,
  readTokenInfo,
  type MechanismInfo,
  type TokenInfo,
} from './pkcs11-info.ts';
import { block, readHandle, readUlong, ulongBlock, writeUlong } from './pkcs11-layout.ts';
import { CKR, hasCkr } from './pkcs11-status.ts';

/** CK_SLOT_ID. */
export type SlotId = bigint;
/** CK_SESSION_HANDLE: one operation at a time. */
export type SessionHandle = bigint;

export function declareSlots({ layout, call, callSync, takeTurns }: Pkcs11Functions) {
  return {
    takeTurns,

    /** C_GetInfo: what the library calls itself. */
    libraryDescription(): string {
      const info = block(MOST_INFO);
      callSync('C_GetInfo', info);
      return readText(info, layout.libraryDescription, 32);
    },

    /** C_Initialize with the system's locks, since calls come from several threads. @returns false where somebody else did it before. */
    initialize(): boolean {
      const { size, flags } = layout.initializeArgs;
      const args = block(size);
      writeUlong(layout, args, flags, CKF.OS_LOCKING_OK);
      try {
        callSync('C_Initialize', args);
        return true;
      } catch (error) {
        if (hasCkr(error, CKR.CRYPTOKI_ALREADY_INITIALIZED)) return false;
        throw error;
      }
    },

    /** C_Finalize. No call may be running. */
    finalize(): void {
      callSync('C_Finalize', null);
    },

    /** C_GetSlotList: slots with a token in them. */
    async slots(): Promise<SlotId[]> {
      for (;;) {
        const count = ulongBlock(layout);
        await call('C_GetSlotList', 1, null, count);
        const room = readUlong(layout, count);
        if (room === 0) return [];
        const list = block(room * layout.ulong);
        try {
          await call('C_GetSlotList', 1, list, count);
        } catch (error) {
          // A token came in between.
          if (hasCkr(error, CKR.BUFFER_TOO_SMALL)) continue;
          throw error;
        }
        return Array.from({ length: readUlong(layout, count) }, (_, index) =>
          readHandle(layout, list, index * layout.ulong),
        );
      }
    },

    /** C_GetSlotInfo and C_GetTokenInfo. */
    async tokenInfo(slot: SlotId): Promise<TokenInfo> {
      const slotInfo = block(MOST_INFO);
      await call('C_GetSlotInfo', slot, slotInfo);
      const tokenInfo = block(MOST_INFO);
      await call('C_GetTokenInfo', slot, tokenInfo);
      return readTokenInfo(layout, slotInfo, tokenInfo);
    },

    /** C_GetMechanismList. */
    async mechanisms(slot: SlotId): Promise<number[]> {
      const count = ulongBlock(layout);
      await call('C_GetMechanismList', slot, null, count);
      const list = block(readUlong(layout, count) * layout.ulong);
      await call('C_GetMechanismList', slot, list, count);
      return Array.from({ length: readUlong(layout, count) }, (_, index) =>
        readUlong(layout, list, index * layout.ulong),
      );
    },

    /** C_GetMechanismInfo. */
    async mechanismInfo(slot: SlotId, type: number): Promise<MechanismInfo> {
      const info = block(MOST_INFO);
      await call('C_GetMechanismInfo', slot, type, info);
      return readMechanismInfo(layout, info);
    },
  };
}

export function declareSessions({ layout, call }: Pkcs11Functions) {
  return {
    /** C_OpenSession: one that may change the token. */
    async openSession(slot: SlotId): Promise<SessionHandle> {
      const session = ulongBlock(layout);
      const flags = CKF.SERIAL_SESSION | CKF.RW_SESSION;
      await call('C_OpenSession', slot, flags, null, null, session);
      return readHandle(layout, session);
    },

    /** C_CloseSession: its session objects are gone with it. */
    closeSession: (session: SessionHandle): Promise<void> => call('C_CloseSession', session),

    /** C_GetSessionInfo: is the user logged in? */
    async isLoggedIn(session: SessionHandle): Promise<boolean> {
      const info = block(MOST_INFO);
      await call('C_GetSessionInfo', session, info);
      // CK_SESSION_INFO { slotID, state, flags, ulDeviceError }
      return readUlong(layout, info, layout.ulong) === CKS_RW_USER_FUNCTIONS;
    },

    /**
     * C_Login of the user, for every session of this process with that token.
     *
     * @param pin - null where the token asks by a keyboard of its own.
     * @throws KeyStoreError PASSWORD_WRONG (CKR_PIN_INCORRECT), PIN_LOCKED.
     */
    login: (session: SessionHandle, pin: Uint8Array | null): Promise<void> =>
      call('C_Login', session, CKU_USER, pin, pin?.length ?? 0),

    /** C_GenerateRandom: a few bytes, to see whether the token answers. */
    async askForRandom(session: SessionHandle): Promise<void> {
      const bytes = block(8);
      await call('C_GenerateRandom', session, bytes, bytes.length);
    },
  };
}
