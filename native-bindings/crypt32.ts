/** crypt32.dll: DPAPI, which protects data by what an account or a machine has. */
import { loadKernel32, type Kernel32 } from './kernel32.ts';
import { remember } from './remember.ts';
import { DATA_BLOB } from './structs.ts';
import { CRYPTPROTECT_LOCAL_MACHINE, CRYPTPROTECT_UI_FORBIDDEN } from './wincrypt.ts';
import { openDll, PARAMETER, type WindowsDll } from './windows-dll.ts';

export type Crypt32 = ReturnType<typeof declareCrypt32>;

interface UnprotectOptions {
  /** The same bytes as when it was protected: a second secret, or a purpose. */
  readonly entropy?: Uint8Array;
  /** CRYPTPROTECT_UI_FORBIDDEN: fail where somebody would have to be asked. */
  readonly silent?: boolean;
}

interface ProtectOptions extends UnprotectOptions {
  /** For people; not secret and not authenticated apart from the rest. */
  readonly description?: string;
  /** CRYPTPROTECT_LOCAL_MACHINE: every account of this machine may open it. */
  readonly machine?: boolean;
}

/** What was protected. */
interface UnprotectedData {
  /** The caller wipes it. */
  readonly data: Uint8Array;
  /** '' where it has none. */
  readonly description: string;
}

/** The bindings of crypt32.dll, loaded once. @throws KeyStoreError PROVIDER_UNAVAILABLE, MODULE_MISSING: see `openDll`. */
export const loadCrypt32: () => Promise<Crypt32> = remember(async () =>
  declareCrypt32(await openDll('crypt32.dll'), await loadKernel32()),
);

function declareCrypt32(dll: WindowsDll, kernel32: Kernel32) {
  const { koffi } = dll;
  const { BYTES, DWORD, OUT_POINTER, WIDE_STRING } = PARAMETER;
  const Blob = koffi.pointer(koffi.struct(DATA_BLOB));
  const OutBlob = koffi.out(Blob);
  const protectParameters = [Blob, WIDE_STRING, Blob, BYTES, BYTES, DWORD, OutBlob];
  const CryptProtectData = dll.win32('CryptProtectData', protectParameters);
  const unprotectParameters = [Blob, OUT_POINTER, Blob, BYTES, BYTES, DWORD, OutBlob];
  const CryptUnprotectData = dll.win32('CryptUnprotectData', unprotectParameters);

  return {
    /**
     * CryptProtectData (dpapi.h).
     *
     * @param data - Not kept.
     * @returns A blob for `unprotectData`; a fresh array.
     * @throws KeyStoreError PASSWORD_REQUIRED, CANCELLED (ERROR_CANCELLED), IO_FAILED, BLOB_MALFORMED (ERROR_INVALID_DATA 13: Wine, of empty data).
     */
    protectData(data: Uint8Array, options: ProtectOptions = {}): Uint8Array {
      const { entropy, description = null, machine = false, silent = false } = options;
      const flags =
        (silent ? CRYPTPROTECT_UI_FORBIDDEN : 0) | (machine ? CRYPTPROTECT_LOCAL_MACHINE : 0);
      const output: OutputBlob = {};
      CryptProtectData(blob(data), description, blob(entropy), null, null, flags, output);
      return take(output);
    },

    /**
     * CryptUnprotectData (dpapi.h). Windows' own copy of the data is wiped before it is freed.
     *
     * @returns The data in a fresh array.
     * @throws KeyStoreError BLOB_MALFORMED (ERROR_INVALID_DATA 13: changed, or other entropy), EXPORT_FORBIDDEN (NTE_BAD_KEY_STATE
     *   0x8009000B: of another account or machine), PASSWORD_REQUIRED, CANCELLED (ERROR_CANCELLED), IO_FAILED.
     */
    unprotectData(protectedData: Uint8Array, options: UnprotectOptions = {}): UnprotectedData {
      const { entropy, silent = false } = options;
      const flags = silent ? CRYPTPROTECT_UI_FORBIDDEN : 0;
      const text: [bigint | null] = [null];
      const output: OutputBlob = {};
      CryptUnprotectData(blob(protectedData), text, blob(entropy), null, null, flags, output);
      const data = take(output);
      try {
        return { data, description: text[0] ? koffi.decode.string16(text[0]) : '' };
      } catch (error) {
        data.fill(0);
        throw error;
      } finally {
        if (text[0]) kernel32.localFree(text[0]);
      }
    },
  };

  /** The bytes of an output; what Windows allocated for it is wiped and freed. */
  function take({ pbData, cbData = 0 }: OutputBlob): Uint8Array {
    if (!pbData) return new Uint8Array(0);
    try {
      return kernel32.readMemory(pbData, cbData);
    } finally {
      kernel32.wipeMemory(pbData, cbData);
      kernel32.localFree(pbData);
    }
  }
}

/** DATA_BLOB as koffi fills it. */
interface OutputBlob {
  cbData?: number;
  pbData?: bigint | null;
}

function blob(bytes: Uint8Array | undefined): { cbData: number; pbData: Uint8Array } | null {
  return bytes === undefined ? null : { cbData: bytes.length, pbData: bytes };
}
