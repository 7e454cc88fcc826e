/** ncrypt.dll as it is, for the tests of its double: every argument can be wrong, and every answer is a status by name. */
import koffi from 'koffi';
import { nameOfStatus } from '../../../native-bindings/windows-status.ts';
import { bufferList, decodeKeyName, wide, type Padding, type Pointer } from './raw-structures.ts';

/** The status by name (`ok`: ERROR_SUCCESS), and what came with it. */
export type Answer<T> = readonly [status: string, value: T];

export interface RawFunction {
  (...args: readonly unknown[]): number;
  /** On a thread of its own; the last argument is called with the error or the status. */
  async(...args: readonly unknown[]): void;
}

let dll: ReturnType<typeof koffi.load> | undefined;
const functions = new Map<string, RawFunction>();
const opened: bigint[] = [];

/** A function of the DLL, by its declaration without the name: `raw('NCryptFreeObject', 'uintptr_t')`. */
export function raw(name: string, ...parameters: readonly string[]): RawFunction {
  let found = functions.get(name);
  if (!found) {
    dll ??= koffi.load('ncrypt.dll');
    found = dll.func(`uint32_t __stdcall ${name}(${parameters.join(', ')})`) as RawFunction;
    functions.set(name, found);
  }
  return found;
}

export function statusName(status: number): string {
  return status === 0 ? 'ok' : (nameOfStatus(status) ?? `0x${status.toString(16)}`);
}

/** What a call gave that has to succeed. */
export function must<T>([status, value]: Answer<T>): T {
  if (status !== 'ok') throw new Error(status);
  return value;
}

export function openProvider(name: string | null = null, flags = 0): Answer<bigint> {
  const call = raw('NCryptOpenStorageProvider', '_Out_ uintptr_t *', 'str16', 'uint32_t');
  return withHandle((out) => call(out, name, flags));
}

export interface CreateOptions {
  readonly spec?: number;
  readonly flags?: number;
}

export function createKey(
  provider: bigint,
  algorithm: string | null,
  name: string | null,
  { spec = 0, flags = 0 }: CreateOptions = {},
): Answer<bigint> {
  const types = ['uintptr_t', '_Out_ uintptr_t *', 'str16', 'str16', 'uint32_t', 'uint32_t'];
  const call = raw('NCryptCreatePersistedKey', ...types);
  return withHandle((out) => call(provider, out, algorithm, name, spec, flags));
}

export function openKey(
  provider: bigint,
  name: string | null,
  { spec = 0, flags = 0 }: CreateOptions = {},
): Answer<bigint> {
  const types = ['uintptr_t', '_Out_ uintptr_t *', 'str16', 'uint32_t', 'uint32_t'];
  const call = raw('NCryptOpenKey', ...types);
  return withHandle((out) => call(provider, out, name, spec, flags));
}

export function finalizeKey(key: bigint, flags = 0): string {
  return statusName(raw('NCryptFinalizeKey', 'uintptr_t', 'uint32_t')(key, flags));
}

export function deleteKey(key: bigint, flags = 0): string {
  return statusName(raw('NCryptDeleteKey', 'uintptr_t', 'uint32_t')(key, flags));
}

export function freeObject(handle: bigint): string {
  return statusName(raw('NCryptFreeObject', 'uintptr_t')(handle));
}

export function setProperty(object: bigint, name: string, value: Uint8Array, flags = 0): string {
  const types = ['uintptr_t', 'str16', 'void *', 'uint32_t', 'uint32_t'];
  return statusName(raw('NCryptSetProperty', ...types)(object, name, value, value.length, flags));
}

export function getProperty(object: bigint, name: string, flags = 0): Answer<Uint8Array> {
  const types = ['uintptr_t', 'str16', 'void *', 'uint32_t', '_Out_ uint32_t *', 'uint32_t'];
  const call = raw('NCryptGetProperty', ...types);
  return sized((output, capacity, result) => call(object, name, output, capacity, result, flags));
}

/** A property that is a DWORD. */
export function getNumber(object: bigint, name: string): Answer<number> {
  const [status, value] = getProperty(object, name);
  return [status, status === 'ok' ? Buffer.from(value).readUInt32LE() : Number.NaN];
}

export function dword(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function exportKey(key: bigint, type: string, flags = 0): Answer<Uint8Array> {
  const types = ['uintptr_t', 'uintptr_t', 'str16', 'void *', 'void *', 'uint32_t'];
  const call = raw('NCryptExportKey', ...types, '_Out_ uint32_t *', 'uint32_t');
  return sized((out, capacity, result) => call(key, 0n, type, null, out, capacity, result, flags));
}

export interface ImportOptions {
  readonly name?: string;
  readonly flags?: number;
}

/** ncrypt.h */
const NCRYPTBUFFER_PKCS_KEY_NAME = 45;

export function importKey(
  provider: bigint,
  type: string,
  blob: Uint8Array,
  { name, flags = 0 }: ImportOptions = {},
): Answer<bigint> {
  const types = ['uintptr_t', 'uintptr_t', 'str16', 'void *', '_Out_ uintptr_t *', 'void *'];
  const call = raw('NCryptImportKey', ...types, 'uint32_t', 'uint32_t');
  const list = name === undefined ? null : bufferList([NCRYPTBUFFER_PKCS_KEY_NAME, wide(name)]);
  return withHandle((out) => call(provider, 0n, type, list, out, blob, blob.length, flags));
}

/** NCryptEncrypt or NCryptDecrypt. */
export function crypt(
  what: 'NCryptEncrypt' | 'NCryptDecrypt',
  key: bigint,
  input: Uint8Array,
  { info = null, flags }: Padding,
): Answer<Uint8Array> {
  const types = ['uintptr_t', 'void *', 'uint32_t', 'void *', 'void *', 'uint32_t'];
  const call = raw(what, ...types, '_Out_ uint32_t *', 'uint32_t');
  return sized((output, capacity, result) =>
    call(key, input, input.length, info, output, capacity, result, flags),
  );
}

export function signHash(key: bigint, hash: Uint8Array, padding: Padding): Answer<Uint8Array> {
  const { info = null, flags } = padding;
  const types = ['uintptr_t', 'void *', 'void *', 'uint32_t', 'void *', 'uint32_t'];
  const call = raw('NCryptSignHash', ...types, '_Out_ uint32_t *', 'uint32_t');
  return sized((output, capacity, result) =>
    call(key, info, hash, hash.length, output, capacity, result, flags),
  );
}

export function verifySignature(
  key: bigint,
  hash: Uint8Array,
  signature: Uint8Array,
  { info = null, flags }: Padding,
): string {
  const types = ['uintptr_t', 'void *', 'void *', 'uint32_t', 'void *', 'uint32_t', 'uint32_t'];
  const call = raw('NCryptVerifySignature', ...types);
  return statusName(call(key, info, hash, hash.length, signature, signature.length, flags));
}

export function agree(privateKey: bigint, publicKey: bigint): Answer<bigint> {
  const types = ['uintptr_t', 'uintptr_t', '_Out_ uintptr_t *', 'uint32_t'];
  const call = raw('NCryptSecretAgreement', ...types);
  return withHandle((out) => call(privateKey, publicKey, out, 0));
}

/** `length`: of the buffer; as long as what comes when absent. */
export function deriveKey(
  secret: bigint,
  kdf: string,
  buffers: ReadonlyArray<readonly [type: number, bytes: Uint8Array]> = [],
  { length, flags = 0 }: { readonly length?: number; readonly flags?: number } = {},
): Answer<Uint8Array> {
  const types = ['uintptr_t', 'str16', 'void *', 'void *', 'uint32_t', '_Out_ uint32_t *'];
  const call = raw('NCryptDeriveKey', ...types, 'uint32_t');
  const list = bufferList(...buffers);
  const derive = (output: Pointer, capacity: number, result: number[]) =>
    call(secret, kdf, list, output, capacity, result, flags);
  if (length === undefined) return sized(derive);
  const output = Buffer.alloc(length);
  const result = [0];
  const status = statusName(derive(output, length, result));
  return [status, output.subarray(0, result[0])];
}

/** Names of the keys of a scope, with the rest of NCryptKeyName. */
export function enumerateKeys(provider: bigint, flags = 0): Answer<string[]> {
  const types = ['uintptr_t', 'str16', '_Out_ void **', '_Inout_ void **', 'uint32_t'];
  const call = raw('NCryptEnumKeys', ...types);
  const free = raw('NCryptFreeBuffer', 'void *');
  const state: Array<bigint | null> = [null];
  const names: string[] = [];
  for (;;) {
    const found: Array<bigint | null> = [null];
    const status = call(provider, null, found, state, flags);
    if (status !== 0) {
      if (state[0]) free(state[0]);
      return [statusName(status), names];
    }
    const { name, algorithm, spec, flags: kind } = decodeKeyName(found[0] ?? null);
    names.push(`${name} ${algorithm} ${spec} ${kind}`);
    free(found[0]);
  }
}

/** How many handles and buffers of the double are not freed. */
export function leaks(): { handles: number; buffers: number } {
  return { handles: raw('KeycaskDoubleOpenHandles')(), buffers: raw('KeycaskDoubleOpenBuffers')() };
}

/** Frees what the tests opened; what they freed themselves is refused. */
export function freeAll(): void {
  for (const handle of opened.splice(0)) freeObject(handle);
}

function withHandle(call: (out: Array<bigint | number>) => number): Answer<bigint> {
  const out: Array<bigint | number> = [0n];
  const status = statusName(call(out));
  // koffi gives numbers where they fit.
  const handle = BigInt(out[0] ?? 0n);
  if (status === 'ok') opened.push(handle);
  return [status, handle];
}

/** Two calls: the size, then the bytes. */
function sized(
  call: (output: Pointer, capacity: number, result: number[]) => number,
): Answer<Uint8Array> {
  const result = [0];
  const asked = statusName(call(null, 0, result));
  const output = Buffer.alloc(result[0] ?? 0);
  if (asked !== 'ok') return [asked, output];
  const status = statusName(call(output, output.length, result));
  return [status, output.subarray(0, result[0])];
}
