/**
 * What a PKCS #11 module says of a slot, its token and its mechanisms.
 *
 *   CK_SLOT_INFO      { slotDescription[64], manufacturerID[32], flags, hardwareVersion, firmwareVersion }
 *   CK_TOKEN_INFO     { label[32], manufacturerID[32], model[16], serialNumber[16], flags, ulMaxSessionCount, ulSessionCount,
 *                       ulMaxRwSessionCount, … }
 *   CK_MECHANISM_INFO { ulMinKeySize, ulMaxKeySize, flags }
 *
 * Text is UTF-8, filled with blanks.
 */
import { readUlong, type CkLayout } from './pkcs11-layout.ts';

export interface TokenInfo {
  /** CKF_HW_SLOT and so on. */
  readonly slotFlags: number;
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  /** CKF_LOGIN_REQUIRED and so on. */
  readonly flags: number;
  /** Sessions that may be open at once; 0 and Infinity: the token does not say, or sets no bound. */
  readonly maxSessions: number;
}

export interface MechanismInfo {
  /** Of most mechanisms in bits. */
  readonly minKeySize: number;
  readonly maxKeySize: number;
  readonly flags: number;
}

export function readTokenInfo(
  layout: CkLayout,
  slotInfo: Uint8Array,
  tokenInfo: Uint8Array,
): TokenInfo {
  const text = (from: number, length: number): string => readText(tokenInfo, from, length);
  return {
    slotFlags: readUlong(layout, slotInfo, SLOT_FLAGS),
    label: text(0, 32),
    manufacturer: text(32, 32),
    model: text(64, 16),
    serial: text(80, 16),
    flags: readUlong(layout, tokenInfo, TOKEN_FLAGS),
    maxSessions: readUlong(layout, tokenInfo, TOKEN_FLAGS + layout.ulong * MAX_RW_SESSIONS),
  };
}

/** Text of a fixed length, without the blanks at its end. */
export function readText(bytes: Uint8Array, from: number, length: number): string {
  return new TextDecoder().decode(bytes.subarray(from, from + length)).replace(/[\s\0]+$/u, '');
}

export function readMechanismInfo(layout: CkLayout, info: Uint8Array): MechanismInfo {
  return {
    minKeySize: readUlong(layout, info, 0),
    maxKeySize: readUlong(layout, info, layout.ulong),
    flags: readUlong(layout, info, 2 * layout.ulong),
  };
}

/** Bytes of room: CK_TOKEN_INFO is the longest, with 208. */
export const MOST_INFO = 512;
const SLOT_FLAGS = 96;
const TOKEN_FLAGS = 96;
/** CK_ULONGs from flags to ulMaxRwSessionCount. */
const MAX_RW_SESSIONS = 3;
