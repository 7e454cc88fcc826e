/** What PKCS #11's return values mean: their names in pkcs11t.h, and the error code of each. */
import { KeyStoreError, type KeyStoreErrorCode } from '../lib/errors.ts';

/** CK_RV. */
export const CKR = {
  OK: 0x0,
  CANCEL: 0x1,
  HOST_MEMORY: 0x2,
  SLOT_ID_INVALID: 0x3,
  GENERAL_ERROR: 0x5,
  FUNCTION_FAILED: 0x6,
  ARGUMENTS_BAD: 0x7,
  CANT_LOCK: 0xa,
  ATTRIBUTE_READ_ONLY: 0x10,
  ATTRIBUTE_SENSITIVE: 0x11,
  ATTRIBUTE_TYPE_INVALID: 0x12,
  ATTRIBUTE_VALUE_INVALID: 0x13,
  ACTION_PROHIBITED: 0x1b,
  DATA_INVALID: 0x20,
  DATA_LEN_RANGE: 0x21,
  DEVICE_ERROR: 0x30,
  DEVICE_MEMORY: 0x31,
  DEVICE_REMOVED: 0x32,
  ENCRYPTED_DATA_INVALID: 0x40,
  ENCRYPTED_DATA_LEN_RANGE: 0x41,
  FUNCTION_CANCELED: 0x50,
  FUNCTION_NOT_SUPPORTED: 0x54,
  KEY_HANDLE_INVALID: 0x60,
  KEY_SIZE_RANGE: 0x62,
  KEY_TYPE_INCONSISTENT: 0x63,
  KEY_FUNCTION_NOT_PERMITTED: 0x68,
  KEY_NOT_WRAPPABLE: 0x69,
  KEY_UNEXTRACTABLE: 0x6a,
  MECHANISM_INVALID: 0x70,
  MECHANISM_PARAM_INVALID: 0x71,
  OBJECT_HANDLE_INVALID: 0x82,
  OPERATION_ACTIVE: 0x90,
  OPERATION_NOT_INITIALIZED: 0x91,
  PIN_INCORRECT: 0xa0,
  PIN_INVALID: 0xa1,
  PIN_LEN_RANGE: 0xa2,
  PIN_EXPIRED: 0xa3,
  PIN_LOCKED: 0xa4,
  SESSION_CLOSED: 0xb0,
  SESSION_COUNT: 0xb1,
  SESSION_HANDLE_INVALID: 0xb3,
  SESSION_READ_ONLY: 0xb5,
  TEMPLATE_INCOMPLETE: 0xd0,
  TEMPLATE_INCONSISTENT: 0xd1,
  TOKEN_NOT_PRESENT: 0xe0,
  TOKEN_NOT_RECOGNIZED: 0xe1,
  TOKEN_WRITE_PROTECTED: 0xe2,
  UNWRAPPING_KEY_HANDLE_INVALID: 0xf0,
  USER_ALREADY_LOGGED_IN: 0x100,
  USER_NOT_LOGGED_IN: 0x101,
  USER_PIN_NOT_INITIALIZED: 0x102,
  USER_ANOTHER_ALREADY_LOGGED_IN: 0x104,
  USER_TOO_MANY_TYPES: 0x105,
  WRAPPED_KEY_INVALID: 0x110,
  WRAPPED_KEY_LEN_RANGE: 0x112,
  DOMAIN_PARAMS_INVALID: 0x130,
  CURVE_NOT_SUPPORTED: 0x140,
  BUFFER_TOO_SMALL: 0x150,
  CRYPTOKI_NOT_INITIALIZED: 0x190,
  CRYPTOKI_ALREADY_INITIALIZED: 0x191,
} as const;

type CkrName = keyof typeof CKR;

/** @throws KeyStoreError with the value as its native status, unless it is CKR_OK. */
export function checkCkr(api: string, value: number): void {
  if (value !== CKR.OK) throw ckrError(api, value);
}

/** What a call failed with. */
export function ckrError(api: string, value: number): KeyStoreError {
  const short = NAMES.get(value);
  const name = short === undefined ? undefined : `CKR_${short}`;
  const shown = name ?? `0x${value.toString(16).padStart(8, '0')}`;
  return new KeyStoreError(CODES.get(value) ?? 'IO_FAILED', `${api}: ${shown}`, {
    native: { api, family: 'ckr', value, ...(name && { name }) },
  });
}

/** Is it a KeyStoreError of a PKCS #11 call that returned one of these? */
export function hasCkr(error: unknown, ...values: readonly number[]): error is KeyStoreError {
  return (
    KeyStoreError.is(error) && error.native?.family === 'ckr' && values.includes(error.native.value)
  );
}

/** All others are IO_FAILED: they say nothing more than that it failed. */
const CKR_OF_CODES: Partial<Record<KeyStoreErrorCode, readonly CkrName[]>> = {
  PASSWORD_WRONG: ['PIN_INCORRECT', 'PIN_INVALID', 'PIN_LEN_RANGE'],
  PIN_LOCKED: ['PIN_LOCKED', 'PIN_EXPIRED', 'USER_PIN_NOT_INITIALIZED'],
  PASSWORD_REQUIRED: ['USER_NOT_LOGGED_IN'],
  CANCELLED: ['CANCEL', 'FUNCTION_CANCELED'],
  PROVIDER_UNAVAILABLE: [
    'TOKEN_NOT_PRESENT',
    'TOKEN_NOT_RECOGNIZED',
    'DEVICE_REMOVED',
    'DEVICE_ERROR',
    'SLOT_ID_INVALID',
    'SESSION_COUNT',
    'CANT_LOCK',
    'USER_ANOTHER_ALREADY_LOGGED_IN',
    'USER_TOO_MANY_TYPES',
    'CRYPTOKI_NOT_INITIALIZED',
  ],
  HANDLE_INVALID: [
    'SESSION_CLOSED',
    'SESSION_HANDLE_INVALID',
    'OBJECT_HANDLE_INVALID',
    'KEY_HANDLE_INVALID',
    'UNWRAPPING_KEY_HANDLE_INVALID',
  ],
  ALGORITHM_UNSUPPORTED: [
    'MECHANISM_INVALID',
    'MECHANISM_PARAM_INVALID',
    'KEY_SIZE_RANGE',
    'DOMAIN_PARAMS_INVALID',
    'CURVE_NOT_SUPPORTED',
  ],
  NOT_SUPPORTED: ['FUNCTION_NOT_SUPPORTED'],
  EXPORT_FORBIDDEN: [
    'ATTRIBUTE_SENSITIVE',
    'KEY_UNEXTRACTABLE',
    'KEY_NOT_WRAPPABLE',
    'KEY_FUNCTION_NOT_PERMITTED',
  ],
  PERMISSION_DENIED: ['ACTION_PROHIBITED', 'ATTRIBUTE_READ_ONLY'],
  PARAMETER_INVALID: [
    'ARGUMENTS_BAD',
    'ATTRIBUTE_TYPE_INVALID',
    'ATTRIBUTE_VALUE_INVALID',
    'DATA_INVALID',
    'DATA_LEN_RANGE',
    'KEY_TYPE_INCONSISTENT',
    'TEMPLATE_INCOMPLETE',
    'TEMPLATE_INCONSISTENT',
  ],
  STORAGE_FULL: ['DEVICE_MEMORY'],
  STORAGE_READ_ONLY: ['TOKEN_WRITE_PROTECTED', 'SESSION_READ_ONLY'],
  KEY_UNWRAP_FAILED: [
    'ENCRYPTED_DATA_INVALID',
    'ENCRYPTED_DATA_LEN_RANGE',
    'WRAPPED_KEY_INVALID',
    'WRAPPED_KEY_LEN_RANGE',
  ],
};

const NAMES = new Map<number, string>(Object.entries(CKR).map(([name, value]) => [value, name]));

const CODES = new Map<number, KeyStoreErrorCode>(
  Object.entries(CKR_OF_CODES).flatMap(([code, names]) =>
    names.map((name) => [CKR[name], code as KeyStoreErrorCode] as const),
  ),
);
