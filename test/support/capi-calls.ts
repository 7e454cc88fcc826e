/** Calls of CryptoAPI that only tests make: old programs' ways to derive keys, hash and sign, one handle for each line of a test. */
import process from 'node:process';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { decodePlaintextKeyBlob } from '../../lib/blobs/plaintext-key-blob.ts';
import type { CapiProvider } from '../../lib/legacy/provider-algorithms.ts';
import { openDll, PARAMETER, toHandle, type Handle } from '../../native-bindings/windows-dll.ts';
import { encodePlaintextKeyBlob } from '../../lib/blobs/plaintext-key-blob.ts';
import {
  CRYPT_EXPORTABLE,
  CRYPT_VERIFYCONTEXT,
  KP_IV,
  KP_MODE,
  MS_DEF_PROV,
  MS_ENH_RSA_AES_PROV,
  MS_ENHANCED_PROV,
  MS_STRONG_PROV,
  PLAINTEXTKEYBLOB,
  PROV_RSA_AES,
  PROV_RSA_FULL,
} from '../../native-bindings/wincrypt.ts';
import { api } from './cryptoapi.ts';

/** Whether these answers are Wine's. */
export const isWine: boolean = process.env['KEYCASK_NCRYPT'] !== undefined;

/** The four providers with RSA, by the names of keycask. */
export const PROVIDERS: readonly CapiProvider[] = ['base', 'enhanced', 'strong', 'aes'];

const NATIVE = {
  base: { name: MS_DEF_PROV, type: PROV_RSA_FULL },
  enhanced: { name: MS_ENHANCED_PROV, type: PROV_RSA_FULL },
  strong: { name: MS_STRONG_PROV, type: PROV_RSA_FULL },
  aes: { name: MS_ENH_RSA_AES_PROV, type: PROV_RSA_AES },
} as const;

const advapi32 = await openDll('advapi32.dll');
const { BYTES, DWORD, HANDLE, INOUT_DWORD, OUT_HANDLE, WIDE_STRING } = PARAMETER;
const DERIVE = [HANDLE, DWORD, HANDLE, DWORD, OUT_HANDLE];
const CryptDeriveKey = advapi32.win32('CryptDeriveKey', DERIVE);
const CryptCreateHash = advapi32.win32('CryptCreateHash', DERIVE);
const CryptHashSessionKey = advapi32.win32('CryptHashSessionKey', [HANDLE, HANDLE, DWORD]);
const SIGN = [HANDLE, DWORD, WIDE_STRING, DWORD, BYTES, INOUT_DWORD];
const CryptSignHash = advapi32.win32('CryptSignHashW', SIGN);

/** A context of one of the providers, without a container. */
export function contextOf(provider: CapiProvider): Handle {
  const { name, type } = NATIVE[provider];
  return api.cryptAcquireContext(null, name, type, CRYPT_VERIFYCONTEXT);
}

/** CryptDeriveKey from the finished hash of `data`. */
export function deriveKey(
  context: Handle,
  data: Uint8Array,
  options: { readonly hashAlgId: number; readonly algId: number; readonly flags: number },
): Handle {
  const hash = api.cryptCreateHash(context, options.hashAlgId);
  try {
    api.cryptHashData(hash, data);
    const key = [0n];
    CryptDeriveKey(context, options.algId, hash, options.flags | CRYPT_EXPORTABLE, key);
    return toHandle(key[0]);
  } finally {
    api.cryptDestroyHash(hash);
  }
}

/** What a hash, or with a key CALG_MAC or CALG_HMAC, makes of what `fill` gives it. */
export function hashOf(
  context: Handle,
  algId: number,
  fill: (hash: Handle) => void,
  key: Handle = 0n,
): Uint8Array {
  const hash = [0n];
  CryptCreateHash(context, algId, key, 0, hash);
  const handle = toHandle(hash[0]);
  try {
    fill(handle);
    return api.cryptGetHashParam(handle, HP_HASHVAL);
  } finally {
    api.cryptDestroyHash(handle);
  }
}

/** CryptHashSessionKey. */
export function hashSessionKeyInto(hash: Handle, key: Handle, flags: number): void {
  CryptHashSessionKey(hash, key, flags);
}

/** CryptSignHash of `data`, with the description that old callers add. */
export function signData(
  context: Handle,
  data: Uint8Array,
  options: {
    readonly hashAlgId: number;
    readonly keySpec: number;
    readonly flags?: number;
    readonly description?: string;
  },
): Uint8Array {
  const { hashAlgId, keySpec, flags = 0, description = null } = options;
  const hash = api.cryptCreateHash(context, hashAlgId);
  try {
    if (hashAlgId === ALG_ID.CALG_SSL3_SHAMD5) api.cryptSetHashParam(hash, HP_HASHVAL, data);
    else api.cryptHashData(hash, data);
    const signature = new Uint8Array(2048);
    const length: [number] = [signature.length];
    CryptSignHash(hash, keySpec, description, flags, signature, length);
    return signature.slice(0, length[0]);
  } finally {
    api.cryptDestroyHash(hash);
  }
}

/** The bytes of a session key. Wine exports those that are not exportable too, which no test needs. */
export function keyBytes(key: Handle): Uint8Array {
  return decodePlaintextKeyBlob(api.cryptExportKey(key, 0n, PLAINTEXTKEYBLOB, 0)).key;
}

/** A session key of these bytes. */
export async function importKey(
  context: Handle,
  algId: number,
  key: Uint8Array,
  flags = 0,
): Promise<Handle> {
  const blob = encodePlaintextKeyBlob({ algId, key });
  return api.cryptImportKey(context, blob, 0n, flags | CRYPT_EXPORTABLE);
}

/** KP_SALT. */
export function saltOfKey(key: Handle): Uint8Array {
  return api.cryptGetKeyParam(key, KP_SALT);
}

/** Sets mode and IV, each of which stays until it is set again. */
export function setMode(key: Handle, mode: keyof typeof MODE, iv?: Uint8Array): void {
  api.cryptSetKeyParam(key, KP_MODE, number32(MODE[mode]));
  if (iv) api.cryptSetKeyParam(key, KP_IV, iv);
}

/** A DWORD, little-endian. */
export function number32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** The number of a DWORD. */
export function number32From(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0, true);
}

/** wincrypt.h: CRYPT_MODE_* */
const MODE = { cbc: 1, ecb: 2, cfb: 4 } as const;
const KP_SALT = 2;
const HP_HASHVAL = 2;
