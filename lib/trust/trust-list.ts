/**
 * The content of trust.cms: which signers are trusted, which containers are ours, and how far the manifest had come.
 *
 *   TrustList ::= SEQUENCE {
 *     version INTEGER (1), trustVersion INTEGER (1..), storeId OCTET STRING (16),
 *     containers SEQUENCE OF SEQUENCE { state ENUMERATED { current(1), retired(2), revoked(3) }, name UTF8String,
 *       signing OCTET STRING (Certificate), exchange OCTET STRING (Certificate), retiredAt [0] IMPLICIT INTEGER OPTIONAL },
 *     signers SEQUENCE OF SEQUENCE { state ENUMERATED { pinned(1), revoked(2) }, name UTF8String, certificate OCTET STRING },
 *     policies SEQUENCE OF SEQUENCE { name UTF8String, value UTF8String },
 *     manifestHead SEQUENCE { index INTEGER, hash OCTET STRING (32) } }
 */
import { DerReader } from '../bytes/der-reader.ts';
import { contextPrimitive, TAG } from '../bytes/der-tags.ts';
import { integer, octetString, sequence, utf8String } from '../bytes/der-writer.ts';

export type ContainerState = 'current' | 'retired' | 'revoked';
export type SignerState = 'pinned' | 'revoked';

/** One of this home's own key containers. Exactly one is current. */
export interface TrustedContainer {
  readonly state: ContainerState;
  /** The container's name in the provider. */
  readonly name: string;
  /** DER of the certificates of its two keys. */
  readonly signing: Uint8Array;
  readonly exchange: Uint8Array;
  /** Of a retired one: the manifest's newest entry when the list was made that retires it. Its signatures count up to the trust entry after it. */
  readonly retiredAt?: number;
}

/** Somebody else whose signatures are accepted. */
export interface PinnedSigner {
  readonly state: SignerState;
  readonly name: string;
  readonly certificate: Uint8Array;
}

export interface ManifestHead {
  /** Of the newest entry, counted from 1; 0 where there is none. */
  readonly index: number;
  /** SHA-256 of it; zeros where there is none. */
  readonly hash: Uint8Array;
}

export interface TrustList {
  /** Counted from 1 with every change. */
  readonly trustVersion: number;
  readonly storeId: Uint8Array;
  readonly containers: readonly TrustedContainer[];
  readonly signers: readonly PinnedSigner[];
  readonly policies: readonly (readonly [name: string, value: string])[];
  readonly manifestHead: ManifestHead;
}

const VERSION = integer(1);
/** Enum zero is "unknown" and always refused. */
const CONTAINER_STATES: readonly (ContainerState | undefined)[] = [
  undefined,
  'current',
  'retired',
  'revoked',
];
const SIGNER_STATES: readonly (SignerState | undefined)[] = [undefined, 'pinned', 'revoked'];
const CERTIFICATE = { min: 64, max: 16 * 1024 };
const NAME = { min: 1, max: 255 };
/** trust.cms is at most 1 MiB, as every message; this many fit. */
const MAX_LISTED = 512;

export function encodeTrustList(list: TrustList): Uint8Array {
  return sequence(
    VERSION,
    integer(list.trustVersion),
    octetString(list.storeId),
    sequence(...list.containers.map(encodeContainer)),
    sequence(...list.signers.map(encodeSigner)),
    sequence(
      ...list.policies.map(([name, value]) => sequence(utf8String(name), utf8String(value))),
    ),
    sequence(integer(list.manifestHead.index), octetString(list.manifestHead.hash)),
  );
}

export function decodeTrustList(der: Uint8Array): TrustList {
  const outer = new DerReader(der, 'TrustList');
  const r = outer.enter(TAG.SEQUENCE, 'TrustList');
  outer.end();
  r.expect(VERSION, 'version', 'BLOB_VERSION_UNSUPPORTED');
  const trustVersion = r.integer('trustVersion', { min: 1 });
  const storeId = r.octets('storeId', { min: 16, max: 16 });
  const containers = readList(r, 'containers', readContainer);
  if (containers.filter(({ state }) => state === 'current').length !== 1)
    r.fail('containers', 'want exactly one current container');
  const signers = readList(r, 'signers', readSigner);
  const policies = readList(r, 'policies', readPolicy);
  const head = r.enter(TAG.SEQUENCE, 'manifestHead');
  r.end();
  const index = head.integer('manifestHead.index');
  const hash = head.octets('manifestHead.hash', { min: 32, max: 32 });
  head.end();
  return { trustVersion, storeId, containers, signers, policies, manifestHead: { index, hash } };
}

function encodeContainer({
  state,
  name,
  signing,
  exchange,
  retiredAt,
}: TrustedContainer): Uint8Array {
  const end = retiredAt === undefined ? [] : [integer(retiredAt, contextPrimitive(0))];
  return sequence(
    integer(CONTAINER_STATES.indexOf(state), TAG.ENUMERATED),
    utf8String(name),
    octetString(signing),
    octetString(exchange),
    ...end,
  );
}

function encodeSigner({ state, name, certificate }: PinnedSigner): Uint8Array {
  return sequence(
    integer(SIGNER_STATES.indexOf(state), TAG.ENUMERATED),
    utf8String(name),
    octetString(certificate),
  );
}

function readList<T>(r: DerReader, field: string, readItem: (item: DerReader) => T): T[] {
  const list = r.enter(TAG.SEQUENCE, field);
  const items: T[] = [];
  while (list.peek() !== -1) {
    if (items.length === MAX_LISTED) list.fail(field, `more than ${MAX_LISTED}`);
    const item = list.enter(TAG.SEQUENCE, field);
    items.push(readItem(item));
    item.end();
  }
  return items;
}

function readContainer(r: DerReader): TrustedContainer {
  const state =
    CONTAINER_STATES[r.integer('container.state', { min: 1, max: 3, tag: TAG.ENUMERATED })]!;
  const name = r.utf8('container.name', NAME);
  const signing = r.octets('container.signing', CERTIFICATE);
  const exchange = r.octets('container.exchange', CERTIFICATE);
  const retiredAt =
    r.peek() === contextPrimitive(0)
      ? r.integer('container.retiredAt', { tag: contextPrimitive(0) })
      : undefined;
  return { state, name, signing, exchange, ...(retiredAt !== undefined && { retiredAt }) };
}

function readSigner(r: DerReader): PinnedSigner {
  const state = SIGNER_STATES[r.integer('signer.state', { min: 1, max: 2, tag: TAG.ENUMERATED })]!;
  return {
    state,
    name: r.utf8('signer.name', NAME),
    certificate: r.octets('signer.certificate', CERTIFICATE),
  };
}

function readPolicy(r: DerReader): [string, string] {
  return [r.utf8('policy.name', NAME), r.utf8('policy.value', { max: 1024 })];
}
