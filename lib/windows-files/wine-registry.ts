/**
 * A registry of Wine's as it lies on disk, `user.reg` and `system.reg`: the key containers in it. Source: Wine 8 and 10, server/registry.c
 * (save_subkeys, dump_value), dlls/rsaenh/rsaenh.c.
 *
 *     WINE REGISTRY Version 2
 *     ;; All keys relative to \\User\\S-1-5-21-0-0-0-1000
 *
 *     [Software\\Wine\\Crypto\\RSA\\name] 1690000000
 *     #time=1d9beef00000000
 *     "KeyExchangeKeyPair"=hex:01,00,00,00,57,69,\
 *       6e,65
 *     "KeyExchangePermissions"=dword:0000003f
 *
 * Names have escapes: a backslash before itself and before `]` and `"`, `\n` `\r` `\t` and the like, `\xHHHH` for a unit. What is of other
 * keys and other types of value is passed over, whatever it is: the files hold all of a registry.
 */
import { decodeUtf8 } from '../bytes/octets.ts';
import { BlobFormatError } from '../errors.ts';

/** One key container of a CSP of Wine's. The key pairs are protected: see `openWineContainer`. */
export interface WineContainer {
  /** Which kind of CSP keeps it. */
  readonly kind: 'RSA' | 'DSS';
  readonly name: string;
  /** Slot AT_KEYEXCHANGE: a blob of Wine's CryptProtectData. */
  readonly keyExchangeKeyPair?: Uint8Array;
  /** Slot AT_SIGNATURE: a blob of Wine's CryptProtectData. */
  readonly signatureKeyPair?: Uint8Array;
  /** CRYPT_* permissions: 0x3f exportable, 0x3b not. */
  readonly keyExchangePermissions?: number;
  /** CRYPT_* permissions: 0x3f exportable, 0x3b not. */
  readonly signaturePermissions?: number;
}

/**
 * Reads the key containers of a `user.reg` (those of the user) or `system.reg` (those of the machine).
 *
 * @param bytes - The file; up to 256 MiB.
 * @returns In the order of the file; empty where it has none. Fresh arrays.
 * @throws BlobFormatError BLOB_MALFORMED (NTE_BAD_DATA) where it is no registry of Wine's, or where the value of a container is damaged;
 *   BLOB_TOO_LARGE (NTE_BAD_LEN) above 256 MiB or 65,536 containers.
 * @example
 * ```ts
 * const containers = readWineRegistry(await readFile('/home/ada/.wine/user.reg'));
 * ```
 */
export function readWineRegistry(bytes: Uint8Array): WineContainer[] {
  if (bytes.length > MAX_FILE)
    fail('file', 0, `want at most ${MAX_FILE} bytes, got ${bytes.length}`, 'BLOB_TOO_LARGE');
  const lines = new RegistryLines(bytes);
  if (lines.next() !== SIGNATURE) fail('signature', 0, `want "${SIGNATURE}"`);
  const containers: WineContainer[] = [];
  let container: Writable<WineContainer> | undefined;
  for (let line = lines.nextEntry(); line !== undefined; line = lines.nextEntry()) {
    if (line.startsWith('[')) {
      container = containerOfKey(line, lines.start);
      if (container === undefined) continue;
      if (containers.length >= MAX_CONTAINERS)
        fail('key', lines.start, `more than ${MAX_CONTAINERS}`, 'BLOB_TOO_LARGE');
      containers.push(container);
    } else if (container !== undefined) {
      readValue(container, line, lines);
    }
  }
  return containers;
}

/** One line at a time, without building a string of the whole file. */
class RegistryLines {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Where the line that was given last begins. */
  start = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next line without its end; undefined at the end. Of a line that is too long for any container, its beginning. */
  next(): string | undefined {
    if (this.#at >= this.#bytes.length) return undefined;
    this.start = this.#at;
    const end = this.#endOfLine();
    const line = this.#bytes.subarray(this.start, Math.min(end, this.start + MAX_LINE));
    // The files are ASCII: what is not is escaped. Another byte belongs to no container.
    return decodeUtf8(line)?.replace(/\r$/u, '') ?? '';
  }

  /** The next line that is a key or a value; undefined at the end. The others, most of a registry, are not looked at. */
  nextEntry(): string | undefined {
    while (this.#at < this.#bytes.length) {
      const first = this.#bytes[this.#at];
      if (first === BRACKET || first === QUOTE) return this.next();
      this.#endOfLine();
    }
    return undefined;
  }

  /** Moves behind the end of this line, and answers where that is. */
  #endOfLine(): number {
    const newline = this.#bytes.indexOf(LINE_FEED, this.#at);
    const end = newline === -1 ? this.#bytes.length : newline;
    this.#at = end + 1;
    return end;
  }
}

/** The container that a line `[key] time` names; undefined where the key is another one. */
function containerOfKey(line: string, offset: number): Writable<WineContainer> | undefined {
  if (!CONTAINER_KEY.test(line)) return undefined;
  const name = readEscaped(line, 1, ']');
  if (name === undefined) return fail('key', offset, 'its name has no end');
  const parts = name.text.split('\\');
  const kind = parts[3]?.toUpperCase();
  // A key below a container is not a container.
  if (parts.length !== 5 || parts[4] === '' || (kind !== 'RSA' && kind !== 'DSS')) return undefined;
  return { kind, name: parts[4]! };
}

/** Takes a value that a container has; passes over one that it has not. */
function readValue(container: Writable<WineContainer>, line: string, lines: RegistryLines): void {
  const offset = lines.start;
  const name = readEscaped(line, 1, '"');
  if (name === undefined) return;
  const field = FIELDS.get(name.text.toLowerCase());
  if (field === undefined) return;
  const value = line.slice(name.end);
  if (field === 'keyExchangePermissions' || field === 'signaturePermissions') {
    const digits = /^=dword:(?<digits>[0-9a-f]{1,8})$/iu.exec(value)?.groups?.['digits'];
    if (digits === undefined) fail(field, offset, 'want dword: and hexadecimal digits');
    container[field] = Number.parseInt(digits, 16);
  } else {
    if (!value.startsWith('=hex:')) fail(field, offset, 'want hex:');
    container[field] = readHex(value.slice('=hex:'.length), field, lines);
  }
}

/** Pairs of digits with commas between them, over as many lines as end in a comma and a backslash. */
function readHex(beginning: string, field: string, lines: RegistryLines): Uint8Array {
  const offset = lines.start;
  const parts: string[] = [];
  let text = beginning.trim();
  let length = text.length;
  while (text.endsWith('\\')) {
    parts.push(text.slice(0, -1));
    const line = lines.next();
    if (line === undefined) return fail(field, offset, 'cut short');
    text = line.trim();
    length += text.length;
    if (length > MAX_VALUE_TEXT) fail(field, offset, 'longer than any key pair', 'BLOB_TOO_LARGE');
  }
  parts.push(text);
  return bytesOf(parts.join('')) ?? fail(field, offset, 'want pairs of hexadecimal digits');
}

/** `01,2f`; undefined for anything else. */
function bytesOf(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.ceil(text.length / 3));
  if (text.length !== Math.max(0, 3 * bytes.length - 1)) return undefined;
  for (let i = 0; i < bytes.length; i++) {
    const [high, low] = [digitOf(text.charCodeAt(3 * i)), digitOf(text.charCodeAt(3 * i + 1))];
    const isLast = i === bytes.length - 1;
    if (high === -1 || low === -1 || !(isLast || text.charCodeAt(3 * i + 2) === COMMA))
      return undefined;
    bytes[i] = high * 16 + low;
  }
  return bytes;
}

/** The value of a hexadecimal digit; -1 of anything else. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}

/** Text up to an unescaped `closing`, and where it ends; undefined where it does not. */
function readEscaped(
  line: string,
  start: number,
  closing: string,
): { text: string; end: number } | undefined {
  // What has no escape, which is nearly everything, needs no look at each character.
  const plain = line.indexOf(closing, start);
  if (plain !== -1 && !line.slice(start, plain).includes('\\'))
    return { text: line.slice(start, plain), end: plain + 1 };
  let text = '';
  for (let at = start; at < line.length; at++) {
    const character = line[at]!;
    if (character === closing) return { text, end: at + 1 };
    if (character !== '\\') {
      text += character;
      continue;
    }
    at += 1;
    const escape = line[at];
    if (escape === undefined) return undefined;
    const hex =
      escape === 'x' ? /^[0-9a-f]{1,4}/iu.exec(line.slice(at + 1, at + 5))?.[0] : undefined;
    const octal = isDigit(escape) ? /^[0-7]{1,3}/u.exec(line.slice(at, at + 3))?.[0] : undefined;
    if (hex !== undefined) {
      text += String.fromCharCode(Number.parseInt(hex, 16));
      at += hex.length;
    } else if (octal === undefined) {
      text += LETTER_ESCAPES[escape] ?? escape;
    } else {
      text += String.fromCharCode(Number.parseInt(octal, 8));
      at += octal.length - 1;
    }
  }
  return undefined;
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '7';
}

// oxlint-disable-next-line max-params -- the place, then what was wrong
function fail(field: string, offset: number, problem: string, code?: 'BLOB_TOO_LARGE'): never {
  throw new BlobFormatError({ format: 'WineRegistry', field, offset, problem }, code);
}

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

const SIGNATURE = 'WINE REGISTRY Version 2';
/** As it stands in the file: each backslash of the path is escaped. Keys' names have no case. */
const CONTAINER_KEY = /^\[Software\\\\Wine\\\\Crypto\\\\(?:RSA|DSS)\\\\/iu;
const FIELDS: ReadonlyMap<string, Exclude<keyof WineContainer, 'kind' | 'name'>> = new Map([
  ['keyexchangekeypair', 'keyExchangeKeyPair'],
  ['signaturekeypair', 'signatureKeyPair'],
  ['keyexchangepermissions', 'keyExchangePermissions'],
  ['signaturepermissions', 'signaturePermissions'],
]);
const LETTER_ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  e: '\u001b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const LINE_FEED = 0x0a;
const BRACKET = 0x5b;
const QUOTE = 0x22;
const COMMA = 0x2c;
/** Registries of large programs have some 50 MiB. */
const MAX_FILE = 1 << 28;
/** Names of keys have at most 255 units, of which an escape makes 6 bytes each. */
const MAX_LINE = 1 << 13;
const MAX_CONTAINERS = 1 << 16;
/** A key pair of 16,384 bits, protected, has 9,500 bytes, and three characters a byte; lines are indented. */
const MAX_VALUE_TEXT = 1 << 16;
