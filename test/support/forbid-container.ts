/** Containers that this account may not read. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import koffi from 'koffi';
import { wineVersion } from '../../native-bindings/kernel32.ts';
import { keyFileStem } from '../../lib/providers/cryptoapi/container-access.ts';

/** Forbids reading a container of the user; what it returns allows it again. */
export async function forbid(container: string): Promise<() => void> {
  if ((await wineVersion()) !== undefined) {
    setRegistryAccess(container, NOBODY);
    return () => setRegistryAccess(container, EVERYBODY);
  }
  const file = keyFileOf(container);
  const icacls = join(process.env['SystemRoot']!, 'System32', 'icacls.exe');
  execFileSync(icacls, [file, '/deny', `${EVERYONE}:(R)`]);
  return () => execFileSync(icacls, [file, '/remove:d', EVERYONE]);
}

/** Wine keeps a container in a key of the registry, and reads it with the access of this account. */
function setRegistryAccess(container: string, accessList: Buffer | null): void {
  const advapi32 = koffi.load('advapi32.dll');
  const openKey = advapi32.func(
    'uint32_t __stdcall RegOpenKeyExW(uintptr_t root, str16 path, uint32_t options, uint32_t access, _Out_ uintptr_t *key)',
  );
  const setSecurity = advapi32.func(
    'uint32_t __stdcall RegSetKeySecurity(uintptr_t key, uint32_t information, void *descriptor)',
  );
  const closeKey = advapi32.func('uint32_t __stdcall RegCloseKey(uintptr_t key)');
  const initialize = advapi32.func(
    'int __stdcall InitializeSecurityDescriptor(void *descriptor, uint32_t revision)',
  );
  const setAccessList = advapi32.func(
    'int __stdcall SetSecurityDescriptorDacl(void *descriptor, int present, void *list, int defaulted)',
  );
  const key = [0n];
  const descriptor = Buffer.alloc(SECURITY_DESCRIPTOR_SIZE);
  initialize(descriptor, SECURITY_DESCRIPTOR_REVISION);
  setAccessList(descriptor, 1, accessList, 0);
  const path = `Software\\Wine\\Crypto\\RSA\\${container}`;
  const status =
    openKey(HKEY_CURRENT_USER, path, 0, WRITE_DAC, key) ||
    setSecurity(key[0], DACL_SECURITY_INFORMATION, descriptor);
  closeKey(key[0]);
  if (status !== 0) throw new Error(`the access list of ${path} was not set: ${status}`);
}

function keyFileOf(container: string): string {
  const folder = join(process.env['APPDATA']!, 'Microsoft', 'Crypto', 'RSA');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const found = files.find((file) => file.includes(keyFileStem(container)));
  if (found === undefined) throw new Error(`there is no key file of ${container}`);
  return join(folder, found);
}

/** winreg.h, sign-extended. */
const HKEY_CURRENT_USER = 0xffffffff80000001n;
/** winnt.h */
const WRITE_DAC = 0x40000;
const DACL_SECURITY_INFORMATION = 4;
const SECURITY_DESCRIPTOR_REVISION = 1;
const SECURITY_DESCRIPTOR_SIZE = 40;
/** An ACL (winnt.h) without entries: AclRevision, Sbz1, AclSize, AceCount, Sbz2. */
const NOBODY = Buffer.from([2, 0, 8, 0, 0, 0, 0, 0]);
/** A NULL DACL. */
const EVERYBODY = null;
/** The well-known SID of everybody, as icacls writes it. */
const EVERYONE = '*S-1-1-0';
