/** Symptom: what an error message of Windows, .NET, Node or OpenSSL says, by number or by text. Source: winerror.h, ntstatus.h; Node and OpenSSL. */

/** Names of winerror.h, and NODE_REFUSES_PKCS1, OPENSSL_UNSUPPORTED for what Node and OpenSSL say. */
export type SymptomCode = keyof typeof SYMPTOMS;

export interface Symptom {
  /** As it was given, in lower case. */
  readonly text: string;
  readonly codes: ReadonlySet<SymptomCode>;
}

/** Whatever of a message is known. */
export function readSymptom(text = ''): Symptom {
  const lower = text.slice(0, MAX_TEXT).toLowerCase();
  const numbers = numbersIn(lower);
  const codes = Object.entries(SYMPTOMS).filter(
    ([name, [number, says]]) =>
      numbers.has(number) || lower.includes(name.toLowerCase()) || says.test(lower),
  );
  return { text: lower, codes: new Set(codes.map(([name]) => name as SymptomCode)) };
}

/** HRESULTs: in hex with or without 0x, or as the negative numbers that programs print. */
function numbersIn(text: string): Set<number> {
  const hex = [...text.matchAll(/(?<![0-9a-f])(?:0x)?([8c][0-9a-f]{7})(?![0-9a-f])/gu)];
  const negative = [...text.matchAll(/-\d{9,10}\b/gu)];
  return new Set([
    ...hex.map(([, digits]) => Number.parseInt(digits!, 16)),
    ...negative.map(([digits]) => Number(digits) >>> 0),
  ]);
}

/** Number, and how the message reads in English. */
const SYMPTOMS = {
  NTE_BAD_LEN: [0x80090004, /\bbad length\b/u],
  NTE_BAD_DATA: [0x80090005, /\bbad data\b/u],
  NTE_BAD_ALGID: [0x80090008, /invalid algorithm specified/u],
  NTE_BAD_KEY_STATE: [0x8009000b, /key not valid for use in specified state/u],
  NTE_EXISTS: [0x8009000f, /object already exists/u],
  NTE_PERM: [0x80090010, /access (?:is )?denied/u],
  E_ACCESSDENIED: [0x80070005, /access (?:is )?denied/u],
  NTE_BAD_PROV_TYPE: [0x80090014, /invalid provider type specified/u],
  NTE_BAD_KEYSET: [0x80090016, /key ?set does not exist/u],
  NTE_KEYSET_NOT_DEF: [0x80090019, /key ?set (?:is )?not defined/u],
  NTE_TEMPORARY_PROFILE: [0x80090024, /temporary profile/u],
  NTE_NOT_SUPPORTED: [0x80090029, /requested operation is not supported/u],
  STATUS_NOT_SUPPORTED: [0xc00000bb, /request is not supported/u],
  ERROR_FILE_NOT_FOUND: [0x80070002, /system cannot find the file specified/u],
  NODE_REFUSES_PKCS1: [
    -1,
    /rsa_pkcs1_padding is no longer supported|cve-2023-46809|err_invalid_arg_value.*pkcs1/u,
  ],
  OPENSSL_UNSUPPORTED: [
    -1,
    /0308010c|digital envelope routines::(?:unsupported|initialization error)|(?:unknown|invalid) cipher|err_crypto_unknown_cipher/u,
  ],
} as const satisfies Record<string, readonly [number, RegExp]>;

/** A message, not a log. */
const MAX_TEXT = 64 << 10;
