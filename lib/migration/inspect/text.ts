/** Rows of text: PEM, a registry of Wine's, JSON web keys, and hex or base64 of any other row, as people paste blobs. */
import { decodeBase64 } from '../../bytes/base64.ts';
import { BlobReader } from '../../bytes/blob-reader.ts';
import { fromHex } from '../../bytes/octets.ts';
import { decodePem, isPem } from '../../bytes/pem.ts';
import { BlobFormatError } from '../../errors.ts';
import { readWineRegistry } from '../../windows-files/wine-registry.ts';
import { jsonOf } from './keycask-files.ts';
import {
  note,
  warning,
  type DecodedPart,
  type FileStart,
  type FormatReader,
} from './format-reader.ts';

/** Rows of text; those of hex and base64 ask `isKnown` whether what they spell is anything. */
export function textReaders(isKnown: (start: FileStart) => boolean): readonly FormatReader[] {
  const spells =
    (decode: (bytes: Uint8Array) => Uint8Array | undefined) =>
    (start: FileStart): boolean => {
      if (start.size !== start.bytes.length) return false;
      const decoded = decode(start.bytes);
      if (decoded === undefined) return false;
      try {
        return isKnown({ bytes: decoded, size: decoded.length, name: undefined });
      } finally {
        decoded.fill(0);
      }
    };
  return [
    PEM,
    WINE_REGISTRY,
    JWK,
    textOf('hex', hexOf, spells(hexOf)),
    textOf('base64', base64Of, spells(base64Of)),
  ];
}

const PEM: FormatReader = {
  id: 'pem',
  what: 'PEM',
  detect: ({ bytes }) => isPem(bytes),
  read: (bytes) => {
    new BlobReader(bytes, 'PEM').rest('text');
    const labels: string[] = [];
    try {
      for (const { label, der } of decodePem(bytes)) {
        labels.push(label);
        der.fill(0);
      }
    } catch (error) {
      if (!(error instanceof BlobFormatError) || error.code !== 'NOT_SUPPORTED') throw error;
      return {
        summary: 'A PEM block with headers, which a password encrypts (RFC 1421).',
        state: 'recognised',
        notes: [
          note(
            'PRIVATE_KEY_ENCRYPTED',
            'A password encrypts it: `openssl pkey` makes PKCS#8 of it.',
          ),
        ],
      };
    }
    return { summary: `PEM of ${labels.join(', ')}.` };
  },
  decodeParts: (bytes) => decodePem(bytes).map(({ label, der }) => ({ name: label, bytes: der })),
};

const WINE_REGISTRY: FormatReader = {
  id: 'wine-registry',
  what: 'registry of Wine',
  detect: ({ bytes }) => startsWith(bytes, 'WINE REGISTRY Version '),
  read: (bytes) => {
    const containers = readWineRegistry(new BlobReader(bytes, 'registry of Wine').rest('text'));
    const names = containers.map(({ kind, name }) => `${name} (${kind})`);
    return {
      summary: `A registry of Wine with ${names.length} key ${
        names.length === 1 ? 'container' : 'containers'
      }${names.length === 0 ? '' : `: ${names.slice(0, 10).join(', ')}`}.`,
    };
  },
  decodeParts: (bytes) =>
    readWineRegistry(bytes).flatMap(
      ({ name, keyExchangeKeyPair, signatureKeyPair }): DecodedPart[] => [
        ...(keyExchangeKeyPair
          ? [{ name: `${name} KeyExchangeKeyPair`, bytes: keyExchangeKeyPair }]
          : []),
        ...(signatureKeyPair
          ? [{ name: `${name} SignatureKeyPair`, bytes: signatureKeyPair }]
          : []),
      ],
    ),
};

const JWK: FormatReader = {
  id: 'jwk',
  what: 'JSON web key',
  detect: ({ bytes }) => typeof jsonOf(bytes)?.['kty'] === 'string',
  read: (bytes) => {
    const key = jsonOf(new BlobReader(bytes, 'JWK').rest('text'))!;
    const isSecret = key['kty'] === 'oct';
    const isPrivate = isSecret || 'd' in key;
    const what = isSecret ? 'symmetric key' : isPrivate ? 'private key' : 'public key';
    const curve = typeof key['crv'] === 'string' ? ` on ${key['crv'].slice(0, 32)}` : '';
    return {
      summary: `A ${what}, ${String(key['kty']).slice(0, 32)}${curve}${isPrivate ? ', not encrypted' : ''}.`,
      notes: isPrivate
        ? [
            warning(
              'PRIVATE_KEY_IN_THE_CLEAR',
              'The key is not encrypted: whoever reads this file has it.',
            ),
          ]
        : [],
    };
  },
};

// oxlint-disable-next-line max-params -- a row in three words
function textOf(
  kind: 'hex' | 'base64',
  decode: (bytes: Uint8Array) => Uint8Array | undefined,
  detect: (start: FileStart) => boolean,
): FormatReader {
  return {
    id: kind,
    what: `${kind} text`,
    detect,
    read: (bytes) => {
      const decoded = decode(new BlobReader(bytes, `${kind} text`).rest('text'));
      const length = decoded?.length ?? 0;
      decoded?.fill(0);
      return {
        summary: `${kind === 'hex' ? 'Hex' : 'Base64'} of ${length} bytes.`,
        notes: [
          note('TEXT_OF_BYTES', `The file is text: the bytes themselves are spelled in ${kind}.`),
        ],
      };
    },
    decodeParts: (bytes) => {
      const decoded = decode(bytes);
      return decoded === undefined ? [] : [{ name: kind, bytes: decoded }];
    },
  };
}

/** Digits with white space, commas, colons and `0x` between, as dumps and sources have them; an even number. */
function hexOf(bytes: Uint8Array): Uint8Array | undefined {
  const digits = withoutSpace(bytes);
  if (digits === undefined || digits.length < MIN_DIGITS || digits.length % 2 !== 0)
    return undefined;
  const out = new Uint8Array(new ArrayBuffer(digits.length / 2));
  for (let i = 0; i < out.length; i++) {
    const high = HEX[digits[2 * i]!] ?? NO_DIGIT;
    const low = HEX[digits[2 * i + 1]!] ?? NO_DIGIT;
    if (high === NO_DIGIT || low === NO_DIGIT) {
      out.fill(0);
      return undefined;
    }
    out[i] = 16 * high + low;
  }
  return out;
}

/** Base64, with or without line ends and padding, or base64url. */
function base64Of(bytes: Uint8Array): Uint8Array | undefined {
  const digits = withoutSpace(bytes, false);
  if (digits === undefined || digits.length < MIN_DIGITS) return undefined;
  let end = digits.length;
  while (end > digits.length - 2 && digits[end - 1] === PADDING) end--;
  const bare = digits.subarray(0, end);
  for (const [i, digit] of bare.entries()) {
    if (digit === PLUS) bare[i] = HYPHEN;
    if (digit === SLASH) bare[i] = UNDERSCORE;
  }
  return decodeBase64(bare, 'base64url');
}

/** A copy without white space, and of dumps without what stands between digits; undefined for what is no text. */
function withoutSpace(bytes: Uint8Array, isDump = true): Uint8Array | undefined {
  const out = new Uint8Array(new ArrayBuffer(bytes.length));
  let count = 0;
  for (let i = startsWith(bytes, '\u00ef\u00bb\u00bf') ? 3 : 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === 0x20 || (byte >= 0x09 && byte <= 0x0d)) continue;
    if (byte < 0x20 || byte > 0x7e) return undefined;
    if (isDump && (byte === COMMA || byte === COLON)) continue;
    if (isDump && byte === DIGIT_0 && (bytes[i + 1] ?? 0) === LETTER_X) {
      i++;
      continue;
    }
    out[count++] = byte;
  }
  return out.subarray(0, count);
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  if (bytes.length < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false;
  return true;
}

/** By character: what a hex digit is worth. */
const HEX: readonly (number | undefined)[] = Array.from({ length: 128 }, (_, code) => {
  const value = fromHex(`0${String.fromCharCode(code)}`)?.[0];
  return value;
});
const NO_DIGIT = 0xff;
/** 12 bytes: no blob is shorter. */
const MIN_DIGITS = 16;
const PADDING = 0x3d;
const PLUS = 0x2b;
const SLASH = 0x2f;
const HYPHEN = 0x2d;
const UNDERSCORE = 0x5f;
const COMMA = 0x2c;
const COLON = 0x3a;
const DIGIT_0 = 0x30;
const LETTER_X = 0x78;
