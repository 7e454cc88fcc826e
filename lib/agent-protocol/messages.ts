/**
 * The operations of an agent: what each takes and answers. docs/AGENT.md is about the same.
 *
 *   request = { id, op, arguments: { … }, settled? }
 *   answer  = { id, result: { … } } or { id, error: { code, nte, message, hint, … } }
 */
import type {
  Isolation,
  KeyScope,
  LegacyKeySpec,
  PrivateKeyFormat,
} from '../contracts/provider.ts';
import type { OaepHash, WrappedKey } from '../contracts/wrapped-key.ts';
import type { KeyAlgorithm, SignatureScheme } from '../keys/key-algorithms.ts';
import {
  anyValue,
  bytes,
  flag,
  integer,
  list,
  map,
  nullable,
  oneOf,
  optional,
  text,
  type Shape,
  type Shaped,
} from './fields.ts';
import { PROTOCOL_LIMITS } from './limits.ts';
import { wireError } from './wire-error.ts';

/** Versions of the protocol that this release speaks; the newest that both sides speak is used. */
export const PROTOCOL_VERSIONS: readonly number[] = [1];
export const PROTOCOL_NAME = 'keycask-agent';

const ALGORITHMS = [
  'RSA',
  'ECDH_P256',
  'ECDH_P384',
  'ECDSA_P256',
  'ECDSA_P384',
] as const satisfies readonly KeyAlgorithm[];
const SPECS = [
  'AT_KEYEXCHANGE',
  'AT_SIGNATURE',
  'none',
] as const satisfies readonly LegacyKeySpec[];
const SCOPES = ['user', 'machine'] as const satisfies readonly KeyScope[];
const ISOLATIONS = ['none', 'prefer-vbs', 'require-vbs'] as const satisfies readonly Isolation[];
const SCHEMES = [
  'rsa-pkcs1-sha256',
  'rsa-pss-sha256',
  'ecdsa-sha256',
  'ecdsa-sha384',
] as const satisfies readonly SignatureScheme[];
const UNWRAPS = [
  'rsa-oaep',
  'rsa-pkcs1',
  'ecdh-x963',
] as const satisfies readonly WrappedKey['type'][];
const OAEP_HASHES = ['sha1', 'sha256'] as const satisfies readonly OaepHash[];
const FORMATS = ['pkcs8', 'PRIVATEKEYBLOB'] as const satisfies readonly PrivateKeyFormat[];

const identity = bytes(PROTOCOL_LIMITS.identity, PROTOCOL_LIMITS.identity);
const handle = integer();

const CREATE_OPTIONS = {
  scope: optional(oneOf(SCOPES)),
  silent: optional(flag()),
  overwrite: optional(flag()),
  isolation: optional(oneOf(ISOLATIONS)),
  perBoot: optional(flag()),
};

/** A key whose handle was opened. */
const OPENED_KEY = {
  handle,
  name: nullable(text()),
  algorithm: oneOf(ALGORITHMS),
  spec: oneOf(SPECS),
  scope: oneOf(SCOPES),
  publicKey: bytes(),
};

const LISTED_KEY = {
  name: text(),
  algorithm: oneOf(ALGORITHMS),
  spec: oneOf(SPECS),
  scope: oneOf(SCOPES),
  publicKey: bytes(),
};

const CAPABILITIES = {
  algorithms: list(oneOf(ALGORITHMS)),
  rsaLengths: list(integer()),
  unwraps: list(oneOf(UNWRAPS)),
  oaepHashes: list(oneOf(OAEP_HASHES)),
  signs: list(oneOf(SCHEMES)),
  sessionKeyBlobs: flag(),
  scopes: list(oneOf(SCOPES)),
  import: flag(),
  legacyStore: flag(),
  persisted: flag(),
  protectionLevel: text(64),
};

const STATUS = {
  release: text(64),
  provider: text(64),
  pid: integer(),
  /** User that the agent runs as; absent where the system has none. */
  user: optional(integer()),
  isLocked: flag(),
  /** What the place of the keys is worth for this client, in memory and on disk: a ProtectionLevel. */
  level: text(64),
  startedAt: integer(0xffffffff),
  connections: integer(),
  sessions: integer(),
  requests: integer(Number.MAX_SAFE_INTEGER),
  /** Bytes of memory that the process holds (RSS). */
  memory: integer(Number.MAX_SAFE_INTEGER),
  idleLockSeconds: optional(integer()),
  allowsExport: flag(),
  /** Notes of the process's hardening, in words: what could not be had here. */
  notes: list(text()),
};

/** One operation: its arguments, and what its answer holds. */
interface Operation {
  readonly request: Shape;
  readonly answer: Shape;
  /**
   * `again`: may be done twice. `once`: changes something, so it is answered from memory where it comes a second time. `never`: it may
   * be that it was done and that its answer is nowhere any more.
   */
  readonly repeat: 'again' | 'once' | 'never';
}

export const OPERATIONS = {
  /** The first request of a connection, with id 0; any other is refused before it. */
  hello: {
    request: { protocol: text(32), versions: list(integer(), 16), session: identity },
    answer: {
      version: integer(),
      /** Names this run of the agent: handles and memory of requests end with it. */
      agent: identity,
      /** Is the session known here, with its handles? */
      resumed: flag(),
      user: optional(integer()),
      provider: text(64),
      capabilities: map(CAPABILITIES),
    },
    repeat: 'again',
  },
  status: { request: {}, answer: STATUS, repeat: 'again' },
  /** Keys that are written. The first page, or with `listing` another one, from 1, of a listing that was begun. */
  list: {
    request: {
      scope: optional(oneOf(SCOPES)),
      listing: optional(integer()),
      page: optional(integer()),
    },
    answer: {
      keys: list(map(LISTED_KEY), PROTOCOL_LIMITS.keysInPage),
      /** Number of the listing, where there is more. */
      more: optional(integer()),
      /** On the last page: why a key could not be read. */
      unreadable: optional(wireError),
    },
    repeat: 'again',
  },
  /** NCryptCreatePersistedKey: answers a pending handle. */
  create: {
    request: {
      algorithm: oneOf(ALGORITHMS),
      name: nullable(text()),
      spec: oneOf(SPECS),
      options: map(CREATE_OPTIONS),
    },
    answer: { handle },
    repeat: 'once',
  },
  /** NCryptImportKey: answers a pending handle. */
  import: {
    request: {
      privateKey: bytes(PROTOCOL_LIMITS.privateKey),
      name: nullable(text()),
      spec: oneOf(SPECS),
      options: map(CREATE_OPTIONS),
    },
    answer: { handle },
    repeat: 'once',
  },
  /** NCryptSetProperty of a pending key. */
  setPending: {
    request: { handle, property: text(), value: optional(anyValue()) },
    answer: {},
    repeat: 'once',
  },
  /** NCryptFinalizeKey: the pending handle ends, the answer's begins. */
  finalize: {
    request: { handle, writeToLegacyStore: flag() },
    answer: OPENED_KEY,
    repeat: 'once',
  },
  /** NCryptOpenKey. */
  open: {
    request: {
      name: text(),
      spec: oneOf(SPECS),
      scope: optional(oneOf(SCOPES)),
      silent: optional(flag()),
    },
    answer: OPENED_KEY,
    repeat: 'once',
  },
  getProperty: {
    request: { handle, property: text() },
    answer: { value: optional(anyValue()) },
    repeat: 'again',
  },
  setProperty: {
    request: { handle, property: text(), value: optional(anyValue()) },
    answer: {},
    repeat: 'once',
  },
  /** The whole record travels; the agent verifies it against its own trust before it opens one recipient. */
  unwrap: {
    request: { handle, record: bytes(), recipient: integer(63) },
    answer: { key: bytes(64) },
    repeat: 'again',
  },
  sign: {
    request: {
      handle,
      kind: oneOf(['signed-attributes', 'certificate']),
      scheme: oneOf(SCHEMES),
      message: bytes(),
    },
    answer: { signature: bytes(2048) },
    repeat: 'again',
  },
  createSessionKeyBlob: {
    request: { handle, lengthInBits: integer(4096) },
    answer: { simpleBlob: bytes(PROTOCOL_LIMITS.legacyBlob), sessionKey: bytes(64) },
    repeat: 'again',
  },
  /** Only where the key's own policy and the agent's settings allow it. */
  export: {
    request: { handle, format: oneOf(FORMATS) },
    answer: { privateKey: bytes(PROTOCOL_LIMITS.privateKey) },
    repeat: 'never',
  },
  delete: { request: { handle }, answer: {}, repeat: 'once' },
  /** Frees a handle, pending or not. One that is free already is no error. */
  close: { request: { handle }, answer: {}, repeat: 'again' },
  /** Frees all handles of the session; the connection ends. */
  goodbye: { request: {}, answer: {}, repeat: 'again' },
  lock: { request: {}, answer: {}, repeat: 'again' },
  unlock: {
    request: { passphrase: bytes(PROTOCOL_LIMITS.passphrase) },
    answer: {},
    repeat: 'again',
  },
  /** An unsigned SIMPLEBLOB, where the agent's settings allow it for this key: failure is answered with a pseudo-random key. */
  unwrapLegacyBlob: {
    request: { handle, blob: bytes(PROTOCOL_LIMITS.legacyBlob) },
    answer: { key: bytes(256) },
    repeat: 'again',
  },
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;
export type RequestOf<Name extends OperationName> = Shaped<(typeof OPERATIONS)[Name]['request']>;
export type AnswerOf<Name extends OperationName> = Shaped<(typeof OPERATIONS)[Name]['answer']>;

/** `open`, `finalize` */
export type OpenedKey = Shaped<typeof OPENED_KEY>;
export type AgentStatus = Shaped<typeof STATUS>;
export type ListedKey = Shaped<typeof LISTED_KEY>;
