/** Files with keys of Windows, for commands for legacy data: hashes in hex, key files as they are. */
import { fromHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { readSmallFile } from '../platform/read-small-file.ts';
import { readMarkedText } from './byte-order-mark.ts';
import { usage } from './errors.ts';

/**
 * Hex strings, one a line; spaces within a line do not matter.
 *
 * @param lengths - In bytes, that each may have.
 */
export async function readHexLines(
  path: string,
  lengths: readonly number[],
): Promise<SecretBytes[]> {
  using file = await readKeyFile(path);
  using marked = readMarkedText(file.bytes);
  const text = Buffer.from(marked.bytes).toString('latin1');
  const lines = text.split(/\r?\n/u).map((line) => line.replaceAll(/\s/gu, ''));
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const bytes = fromHex(line);
      if (bytes === undefined || !lengths.includes(bytes.length))
        throw usage(
          `${path}: want ${lengths.join(' or ')} bytes in hex on each line`,
          'look at the file',
        );
      return SecretBytes.take(bytes);
    });
}

/** A key file as it is. */
export async function readKeyFile(path: string): Promise<SecretBytes> {
  const bytes = await readSmallFile(path, MAX_KEY_FILE);
  if (bytes === undefined)
    throw new KeyStoreError('FILE_NOT_FOUND', `${path}: there is no such file`);
  return SecretBytes.take(bytes);
}

const MAX_KEY_FILE = 1 << 20;
