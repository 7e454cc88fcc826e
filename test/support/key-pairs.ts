/** Keys of test/vectors/key-pairs.json, in the formats that OpenSSL wrote them in. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { KeyPairFormat } from '../../lib/key-pairs/index.ts';

/** One key, base64 of each format. */
export type OpensslKey = Partial<Record<KeyPairFormat, string>>;

/** One format of one key. */
export interface OpensslEncoding {
  readonly name: string;
  readonly format: KeyPairFormat;
}

const FILE = fileURLToPath(new URL('../vectors/key-pairs.json', import.meta.url));
const { keys } = JSON.parse(readFileSync(FILE, 'utf8')) as { keys: Record<string, OpensslKey> };

/** The names of all keys: `rsa-2048`. */
export const OPENSSL_KEYS: readonly string[] = Object.keys(keys);

/** Every format of every key. */
export const OPENSSL_ENCODINGS: readonly OpensslEncoding[] = Object.entries(keys).flatMap(
  ([name, key]) =>
    (Object.keys(key) as KeyPairFormat[]).map((format): OpensslEncoding => ({ name, format })),
);

/** A key as OpenSSL wrote it. */
export function opensslKey(name: string, format: KeyPairFormat = 'PKCS8'): Uint8Array {
  const text = keys[name]?.[format];
  if (text === undefined) throw new TypeError(`no ${format} of ${name}`);
  return new Uint8Array(Buffer.from(text, 'base64'));
}
