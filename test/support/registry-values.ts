/** The values of a key of Windows' registry, whatever their type. */
import { openDll, PARAMETER } from '../../native-bindings/windows-dll.ts';

const advapi32 = await openDll('advapi32.dll');
const { BYTES, DWORD, HANDLE, INOUT_DWORD, OUT_HANDLE, WIDE_STRING } = PARAMETER;
const open = [HANDLE, WIDE_STRING, DWORD, DWORD, OUT_HANDLE];
const RegOpenKeyExW = advapi32.plain('RegOpenKeyExW', DWORD, open);
const enumerate = [HANDLE, DWORD, BYTES, INOUT_DWORD, BYTES, INOUT_DWORD, BYTES, INOUT_DWORD];
const RegEnumValueW = advapi32.plain('RegEnumValueW', DWORD, enumerate);
const RegCloseKey = advapi32.plain('RegCloseKey', DWORD, [HANDLE]);

/** Binary values as bytes, numbers as numbers; others are left out. */
export function registryValues(
  root: keyof typeof ROOTS,
  key: string,
): Record<string, Uint8Array | number> {
  const handle = [0n];
  check(RegOpenKeyExW(ROOTS[root], key, 0, KEY_READ, handle));
  const values: Record<string, Uint8Array | number> = {};
  for (let index = 0; ; index++) {
    const name = Buffer.alloc(512);
    const data = new Uint8Array(1 << 16);
    const [nameLength, type, length] = [[256], [0], [data.length]] as [
      [number],
      [number],
      [number],
    ];
    const args = [handle[0], index, name, nameLength, null, type, data, length];
    const status = Number(RegEnumValueW(...args));
    if (status === ERROR_NO_MORE_ITEMS) break;
    check(status);
    const text = name.toString('utf16le', 0, 2 * nameLength[0]);
    if (type[0] === REG_BINARY) values[text] = data.slice(0, length[0]);
    if (type[0] === REG_DWORD) values[text] = new DataView(data.buffer).getUint32(0, true);
  }
  check(RegCloseKey(handle[0]));
  return values;
}

function check(status: unknown): void {
  if (Number(status) !== 0) throw new TypeError(`the registry answers ${String(status)}`);
}

/** winreg.h, winnt.h */
const ROOTS = { HKCU: 0xffff_ffff_8000_0001n, HKLM: 0xffff_ffff_8000_0002n } as const;
const KEY_READ = 0x20019;
const REG_BINARY = 3;
const REG_DWORD = 4;
const ERROR_NO_MORE_ITEMS = 259;
