/**
 * Names of the files that Windows keeps containers in: `<hash>_<MachineGuid>`. Source: jensign.com UniqueKeyContainer; mimikatz; published names.
 *
 *   CryptoAPI   MD5 of the lower-case name, one byte a character, and a null
 *   CNG         MD5 of the lower-case name in UTF-16LE, and a null
 *
 * The 16 bytes are printed as four little-endian numbers. MachineGuid is the value of HKLM\SOFTWARE\Microsoft\Cryptography\MachineGuid.
 */
import { createHash } from 'node:crypto';
import { BlobReader } from '../../bytes/blob-reader.ts';
import { plainBytes } from '../../bytes/octets.ts';
import { encodeUtf16z } from '../../bytes/utf16.ts';
import { KeyStoreError } from '../../errors.ts';

/**
 * The name of the file that CryptoAPI keeps a container in.
 *
 * @param container - Any case. The file's name depends on the machine's code page where a character is not of ASCII: Latin-1 is assumed.
 * @param machineGuid - As the registry has it. Left out: only the 32 digits before the `_`.
 * @throws KeyStoreError PARAMETER_INVALID for a character above U+00FF.
 * @example
 * ```ts
 * capiContainerFileName('iisConfigurationKey'); // 6de9cb26d2b98c01ec4e9e8b34824aa2
 * ```
 */
export function capiContainerFileName(container: string, machineGuid?: string): string {
  const name = Uint8Array.from(`${container.toLowerCase()}\0`, (character) => {
    const code = character.charCodeAt(0);
    if (code > 0xff) throw new KeyStoreError('PARAMETER_INVALID', 'container: not of Latin-1');
    return code;
  });
  return fileName(name, machineGuid);
}

/**
 * The name of the file that CNG's software storage keeps a key in.
 *
 * @param machineGuid - As the registry has it. Left out: only the 32 digits before the `_`.
 * @example
 * ```ts
 * cngContainerFileName('Google Chromekey1'); // 7096db7aeb75c0d3497ecd56d355a695
 * ```
 */
export function cngContainerFileName(name: string, machineGuid?: string): string {
  return fileName(encodeUtf16z(name.toLowerCase()), machineGuid);
}

function fileName(name: Uint8Array, machineGuid: string | undefined): string {
  const r = new BlobReader(plainBytes(createHash('md5').update(name).digest()), 'MD5');
  const words = Array.from({ length: 4 }, () => r.u32le('word').toString(16).padStart(8, '0'));
  return machineGuid === undefined ? words.join('') : `${words.join('')}_${machineGuid}`;
}
