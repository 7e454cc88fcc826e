/**
 * Key pairs as JSON Web Keys (RFC 7517; RFC 7518 sections 6.2 and 6.3; RFC 8037 section 2): UTF-8 of a JSON object.
 *
 *   RSA  kty "RSA"  n, e; d, p, q, dp, dq, qi
 *   EC   kty "EC"   crv "P-256" "P-384" "P-521", x, y; d
 *   OKP  kty "OKP"  crv "X25519", x; d
 *
 * Numbers are base64url, big-endian. Read by JSON.parse, whose strings cannot be wiped; written in place.
 */
import { base64Length, decodeBase64, writeBase64Into } from '../bytes/base64.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/octets.ts';
import { BlobFormatError, type KeyStoreErrorCode } from '../errors.ts';
import type { EcCurveName } from './curves.ts';
import type { DecodedKeyPair } from './decoded-key-pair.ts';
import { ecKeyPair, x25519KeyPair } from './ec-key-pair.ts';
import type { KeyUse } from './formats.ts';
import type { KeyPair } from './key-pair.ts';
import { rsaKeyPair } from './rsa-key-pair.ts';

/** Reads a JWK. Members that say nothing of the key's numbers are passed over, as RFC 7517 wants it. */
export function decodeJwk(json: Uint8Array): DecodedKeyPair {
  const jwk = parse(json);
  const numbers: Uint8Array[] = [];
  const number = (member: string): Uint8Array => {
    const bytes = numberOf(jwk, member);
    numbers.push(bytes);
    return bytes;
  };
  const optional = <Name extends string>(
    name: Name,
    member: string,
  ): { [K in Name]?: Uint8Array } =>
    (jwk[member] === undefined ? {} : { [name]: number(member) }) as { [K in Name]?: Uint8Array };
  try {
    return { pair: pairOf(jwk, number, optional), format: 'JWK', details: detailsOf(jwk) };
  } finally {
    for (const bytes of numbers) bytes.fill(0);
  }
}

/** Writes a JWK of what the pair has: private where it has its private half. `use` is written where it is given. */
export function encodeJwk(pair: KeyPair, use?: KeyUse): Uint8Array {
  const members: [name: string, value: string | Uint8Array][] = [
    ...membersOf(pair),
    ...(use ? ([['use', use === 'exchange' ? 'enc' : 'sig']] as [string, string][]) : []),
  ];
  let length = 1;
  for (const [name, value] of members) length += name.length + 6 + lengthOf(value);
  const target = new Uint8Array(new ArrayBuffer(length));
  let at = 0;
  const text = (part: string): void => {
    target.set(encodeUtf8(part), at);
    at += part.length;
  };
  for (const [index, [name, value]] of members.entries()) {
    text(`${index === 0 ? '{' : ','}"${name}":"`);
    if (typeof value === 'string') text(value);
    else at = writeBase64Into(value, target, at, 'base64url');
    text('"');
  }
  text('}');
  return target;
}

type Jwk = Readonly<Record<string, unknown>>;

function pairOf(
  jwk: Jwk,
  number: (member: string) => Uint8Array,
  optional: <Name extends string>(name: Name, member: string) => { [K in Name]?: Uint8Array },
): KeyPair {
  switch (jwk['kty']) {
    case 'RSA':
      if (jwk['oth'] !== undefined) refuse('oth', 'a key of more than two primes', 'NOT_SUPPORTED');
      return rsaKeyPair({
        modulus: number('n'),
        publicExponent: number('e'),
        ...optional('privateExponent', 'd'),
        ...optional('prime1', 'p'),
        ...optional('prime2', 'q'),
        ...optional('exponent1', 'dp'),
        ...optional('exponent2', 'dq'),
        ...optional('coefficient', 'qi'),
      });
    case 'EC': {
      const curve = jwk['crv'];
      if (!isCurve(curve)) return refuse('crv', 'unknown', 'BLOB_ALGORITHM_UNSUPPORTED');
      return ecKeyPair({ curve, x: number('x'), y: number('y'), ...optional('privateKey', 'd') });
    }
    case 'OKP':
      if (jwk['crv'] !== 'X25519') refuse('crv', 'unknown', 'BLOB_ALGORITHM_UNSUPPORTED');
      return x25519KeyPair({ publicKey: number('x'), ...optional('privateKey', 'd') });
    default:
      return refuse('kty', 'want RSA, EC or OKP', 'BLOB_ALGORITHM_UNSUPPORTED');
  }
}

function membersOf(pair: KeyPair): [name: string, value: string | Uint8Array][] {
  switch (pair.type) {
    case 'RSA': {
      const { modulus, publicExponent, privateNumbers: numbers } = pair;
      return [
        ['kty', 'RSA'],
        ['n', modulus],
        ['e', publicExponent],
        ...(numbers
          ? ([
              ['d', numbers.privateExponent],
              ['p', numbers.prime1],
              ['q', numbers.prime2],
              ['dp', numbers.exponent1],
              ['dq', numbers.exponent2],
              ['qi', numbers.coefficient],
            ] as [string, Uint8Array][])
          : []),
      ];
    }
    case 'EC':
      return [
        ['kty', 'EC'],
        ['crv', pair.curve],
        ['x', pair.x],
        ['y', pair.y],
        ...privateMember(pair.privateKey),
      ];
    case 'X25519':
      return [
        ['kty', 'OKP'],
        ['crv', 'X25519'],
        ['x', pair.publicKey],
        ...privateMember(pair.privateKey),
      ];
    case 'DSA':
    case 'DH':
      return [];
  }
}

function privateMember(d: Uint8Array | undefined): [string, Uint8Array][] {
  return d ? [['d', d]] : [];
}

function lengthOf(value: string | Uint8Array): number {
  return typeof value === 'string' ? value.length : base64Length(value.length, 'base64url');
}

function parse(json: Uint8Array): Jwk {
  if (json.length > MAX_LENGTH) refuse('JWK', `want at most ${MAX_LENGTH} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(json) ?? '');
  } catch {
    return refuse('JWK', 'not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('JWK', 'want an object');
  return value as Jwk;
}

function numberOf(jwk: Jwk, member: string): Uint8Array {
  const text = jwk[member];
  const bytes = typeof text === 'string' ? decodeBase64(encodeUtf8(text), 'base64url') : undefined;
  return bytes ?? refuse(member, text === undefined ? 'missing' : 'want base64url');
}

function detailsOf(jwk: Jwk): DecodedKeyPair['details'] {
  const dropped = Object.keys(jwk).filter((member) => !MEMBERS.has(member));
  return {
    ...(jwk['use'] === 'enc' && { keyUse: 'exchange' as const }),
    ...(jwk['use'] === 'sig' && { keyUse: 'signature' as const }),
    ...(dropped.length > 0 && { dropped }),
  };
}

function isCurve(name: unknown): name is EcCurveName {
  return name === 'P-256' || name === 'P-384' || name === 'P-521';
}

/** No offset: what JSON.parse reads has none. */
function refuse(field: string, problem: string, code?: KeyStoreErrorCode): never {
  throw new BlobFormatError({ format: 'JWK', field, offset: 0, problem }, code);
}

const MEMBERS = new Set(['kty', 'crv', 'use', 'n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi', 'x', 'y']);
/** A key of 16384 bits has 13 KiB. */
const MAX_LENGTH = 1 << 16;
