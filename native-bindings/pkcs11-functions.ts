/** CK_FUNCTION_LIST: the functions of a PKCS #11 module, in the order that pkcs11f.h gives them. */
import process from 'node:process';
import { KeyStoreError } from '../lib/errors.ts';
import { callAsync, type NativeFunction } from './async-call.ts';
import { loadKoffi, type Koffi } from './koffi.ts';
import { layoutOf, ulongBlock, type AddressOf, type CkLayout } from './pkcs11-layout.ts';
import { checkCkr } from './pkcs11-status.ts';

const ULONG = 'ulong';
/** Bytes in place, of the caller: a Uint8Array or null. */
const BYTES = 'bytes';
type ParameterKind = typeof ULONG | typeof BYTES | 'bool';

/** Those that are called, and their place in the list. */
const FUNCTIONS = {
  C_Initialize: [0, [BYTES]],
  C_Finalize: [1, [BYTES]],
  C_GetInfo: [2, [BYTES]],
  C_GetSlotList: [4, ['bool', BYTES, BYTES]],
  C_GetSlotInfo: [5, [ULONG, BYTES]],
  C_GetTokenInfo: [6, [ULONG, BYTES]],
  C_GetMechanismList: [7, [ULONG, BYTES, BYTES]],
  C_GetMechanismInfo: [8, [ULONG, ULONG, BYTES]],
  C_OpenSession: [12, [ULONG, ULONG, BYTES, BYTES, BYTES]],
  C_CloseSession: [13, [ULONG]],
  C_GetSessionInfo: [15, [ULONG, BYTES]],
  C_Login: [18, [ULONG, ULONG, BYTES, ULONG]],
  C_CreateObject: [20, [ULONG, BYTES, ULONG, BYTES]],
  C_DestroyObject: [22, [ULONG, ULONG]],
  C_GetAttributeValue: [24, [ULONG, ULONG, BYTES, ULONG]],
  C_SetAttributeValue: [25, [ULONG, ULONG, BYTES, ULONG]],
  C_FindObjectsInit: [26, [ULONG, BYTES, ULONG]],
  C_FindObjects: [27, [ULONG, BYTES, ULONG, BYTES]],
  C_FindObjectsFinal: [28, [ULONG]],
  C_EncryptInit: [29, [ULONG, BYTES, ULONG]],
  C_DecryptInit: [33, [ULONG, BYTES, ULONG]],
  C_Decrypt: [34, [ULONG, BYTES, ULONG, BYTES, BYTES]],
  C_SignInit: [42, [ULONG, BYTES, ULONG]],
  C_Sign: [43, [ULONG, BYTES, ULONG, BYTES, BYTES]],
  C_GenerateKeyPair: [59, [ULONG, BYTES, BYTES, ULONG, BYTES, ULONG, BYTES, BYTES]],
  C_UnwrapKey: [61, [ULONG, BYTES, ULONG, BYTES, ULONG, BYTES, ULONG, BYTES]],
  C_DeriveKey: [62, [ULONG, BYTES, ULONG, BYTES, ULONG, BYTES]],
  C_GenerateRandom: [64, [ULONG, BYTES, ULONG]],
} as const satisfies Record<string, readonly [number, readonly ParameterKind[]]>;

type FunctionName = keyof typeof FUNCTIONS;
type Argument = number | bigint | Uint8Array | null;

/** The functions of one module, which is not initialised yet. */
export interface Pkcs11Functions {
  readonly layout: CkLayout;
  readonly addressOf: AddressOf;
  /**
   * Calls a function on the thread pool: tokens are slow. Arguments are alive, and read and written in place, until it settles.
   *
   * @throws KeyStoreError for everything but CKR_OK, with the CK_RV as its native status.
   */
  readonly call: (name: FunctionName, ...args: readonly Argument[]) => Promise<void>;
  /** From now on calls wait for each other: for a module that breaks when several threads are in it, whatever C_Initialize was told. */
  readonly takeTurns: () => void;
  /** Calls a function on this thread. @throws KeyStoreError as `call`. */
  readonly callSync: (name: FunctionName, ...args: readonly Argument[]) => void;
}

/**
 * Loads a PKCS #11 module: a shared library that exports C_GetFunctionList.
 *
 * @throws KeyStoreError PROVIDER_UNAVAILABLE where it is none, or cannot be loaded; MODULE_MISSING without koffi.
 */
export async function loadPkcs11Functions(path: string): Promise<Pkcs11Functions> {
  const koffi = await loadKoffi();
  const layout = layoutOf(process.platform);
  const ulong = layout.ulong === 8 ? 'uint64_t' : 'uint32_t';
  const types = { [ULONG]: ulong, [BYTES]: 'void *', bool: 'uint8_t' };
  const table = functionList(koffi, path, layout, ulong);
  const found = new Map<FunctionName, NativeFunction>();
  const find = (name: FunctionName): NativeFunction => {
    const known = found.get(name);
    if (known) return known;
    const [index, kinds] = FUNCTIONS[name];
    const pointer = koffi.decode(table, layout.firstFunction + POINTER * index, 'void *') as bigint;
    if (!pointer) throw new KeyStoreError('NOT_SUPPORTED', `the PKCS #11 module has no ${name}`);
    const prototype = koffi.proto(
      ulong,
      kinds.map((kind) => types[kind]),
    );
    const native = koffi.decode(pointer, prototype) as NativeFunction;
    found.set(name, native);
    return native;
  };
  const callNow = (name: FunctionName, args: readonly Argument[]): Promise<void> =>
    callAsync(find(name), args, (returned) => checkCkr(name, Number(returned)));
  let last: Promise<void> | undefined;
  return {
    layout,
    addressOf: (bytes) => koffi.address(bytes),
    takeTurns: () => {
      last ??= Promise.resolve();
    },
    call: async (name, ...args) => {
      if (!last) return callNow(name, args);
      const turn = last.then(() => callNow(name, args));
      last = turn.catch(() => undefined);
      return turn;
    },
    callSync: (name, ...args) => checkCkr(name, Number(find(name)(...args))),
  };
}

/** Address of the CK_FUNCTION_LIST. */
// oxlint-disable-next-line max-params -- koffi, and what the library is read by
function functionList(koffi: Koffi, path: string, layout: CkLayout, ulong: string): bigint {
  let getFunctionList: NativeFunction;
  try {
    const library = koffi.load(path);
    LOADED.push(library);
    getFunctionList = library.func('C_GetFunctionList', ulong, ['void *']);
  } catch {
    throw new KeyStoreError(
      'PROVIDER_UNAVAILABLE',
      `${path} could not be loaded as a PKCS #11 module`,
      {
        hint: 'Is the path right, is it a shared library with C_GetFunctionList, and are the libraries that it needs installed?',
      },
    );
  }
  const out = ulongBlock({ ...layout, ulong: 8 });
  checkCkr('C_GetFunctionList', Number(getFunctionList(out)));
  return new DataView(out.buffer).getBigUint64(0, true);
}

const POINTER = 8;
/** koffi closes a library that nobody refers to any more, and the functions of the list, which are addresses, are then nowhere. */
const LOADED: unknown[] = [];
