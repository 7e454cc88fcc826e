/** Loads every DLL's bindings, those of OpenSSL and koffi, and prints how each ended. */
import { KeyStoreError } from '../../../../lib/errors.ts';
import { loadAdvapi32 } from '../../../../native-bindings/advapi32.ts';
import { loadBCrypt } from '../../../../native-bindings/bcrypt.ts';
import { loadCrypt32 } from '../../../../native-bindings/crypt32.ts';
import { loadKernel32 } from '../../../../native-bindings/kernel32.ts';
import { loadKoffi } from '../../../../native-bindings/koffi.ts';
import { loadNCrypt } from '../../../../native-bindings/ncrypt.ts';
import { loadOpenSslLegacy } from '../../../../native-bindings/openssl-legacy.ts';

const LOADERS = {
  advapi32: loadAdvapi32,
  bcrypt: loadBCrypt,
  crypt32: loadCrypt32,
  kernel32: loadKernel32,
  ncrypt: loadNCrypt,
  openssl: loadOpenSslLegacy,
  koffi: loadKoffi,
};

const told: Record<string, unknown> = {};
for (const [name, load] of Object.entries(LOADERS)) {
  try {
    await load();
    told[name] = 'loaded';
  } catch (error) {
    told[name] = KeyStoreError.is(error) ? error.toJSON() : String(error);
  }
}
console.log(JSON.stringify(told));
