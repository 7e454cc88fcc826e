/** Asks for the providers of Windows, then prints the codes and which native modules this process has loaded. */
import { createRequire } from 'node:module';
import process from 'node:process';
import { openCngProvider } from '../../../../lib/providers/cng/index.ts';
import { openCryptoApiProvider } from '../../../../lib/providers/cryptoapi/index.ts';
import { codeOfAsync } from '../../../support/errors.ts';

const codes = [await codeOfAsync(openCngProvider()), await codeOfAsync(openCryptoApiProvider())];
const native = nativeModules();
// The list tells of koffi where it is loaded: otherwise it would say nothing.
await import('koffi');
process.stdout.write(JSON.stringify({ codes, native, seesKoffi: nativeModules().length > 0 }));

function nativeModules(): string[] {
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  return loaded.filter((module) => /[\\/](koffi|argon2)[\\/]|\.node$/u.test(module));
}
