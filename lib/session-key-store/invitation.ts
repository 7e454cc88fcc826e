/**
 * An invitation: what a new home needs to share the store of another one. It is handed over as certificates are: whoever can change it chooses
 * whom the new home trusts.
 *
 *   { "keycask": "invitation", "version": 1, "storeId": hex, "checkpoint": base64, "signers": [ { "name": text, "certificate": base64 } ] }
 */
import { decodeBase64 } from '../bytes/base64.ts';
import { decodeUtf8, encodeUtf8, equalBytes, fromHex, toHex } from '../bytes/octets.ts';
import type { Signer } from '../cms/signed-data.ts';
import { KeyStoreError } from '../errors.ts';
import { signerOf } from '../keys/certificate-signer.ts';
import { verifyCheckpoint, type Checkpoint } from '../signed-log/checkpoint.ts';
import type { PinnedSigner } from '../trust/trust-list.ts';
import type { Home } from './home.ts';

/** The store that a new home is to share. */
export interface JoinedStore {
  /** 16 bytes: also the id of its log. */
  readonly storeId: Uint8Array;
  /** Whom the inviting home trusts, itself first. */
  readonly signers: readonly PinnedSigner[];
  /** The newest one that the inviting home has seen, by one of them. */
  readonly checkpoint: Checkpoint;
}

/** @throws KeyStoreError NOT_SUPPORTED for a home whose records lie in its folder. */
export async function writeInvitation(home: Home): Promise<Uint8Array> {
  await home.refresh();
  const checkpoint = await home.shelf.newestCheckpoint?.();
  if (!checkpoint)
    throw new KeyStoreError('NOT_SUPPORTED', 'the store of this home is its own: nobody can join', {
      hint: 'Homes share a store in lmdb or postgres: `keycask init --store`.',
    });
  const { current } = home.trust;
  const others = home.trust.list.signers.filter(({ state }) => state === 'pinned');
  const signers = [{ name: current.name, certificate: current.container.signing }, ...others];
  const invitation = {
    keycask: 'invitation',
    version: 1,
    storeId: toHex(home.storeId),
    checkpoint: toBase64(checkpoint),
    signers: signers.map(({ name, certificate }) => {
      return { name, certificate: toBase64(certificate) };
    }),
  };
  return encodeUtf8(`${JSON.stringify(invitation, undefined, 2)}\n`);
}

/** @throws KeyStoreError BLOB_MALFORMED; BLOB_SIGNER_NOT_TRUSTED where its checkpoint is by nobody whom it names. */
export function readInvitation(bytes: Uint8Array): JoinedStore {
  const read = parse(bytes);
  const { checkpoint, signers } = read;
  const storeId = typeof read['storeId'] === 'string' ? fromHex(read['storeId']) : undefined;
  if (read['keycask'] !== 'invitation' || read['version'] !== 1) throw malformed();
  if (!storeId || typeof checkpoint !== 'string' || !Array.isArray(signers)) throw malformed();
  const pinned = signers.map(readSigner);
  const known = pinned.map(({ certificate }) => signerOf(certificate));
  const verified = verifyCheckpoint(base64(checkpoint), {
    logId: storeId,
    findSigner: (keyId) => find(known, keyId),
  });
  return { storeId, signers: pinned, checkpoint: verified };
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    const read: unknown = JSON.parse(decodeUtf8(bytes) ?? '');
    if (typeof read === 'object' && read !== null) return read as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw malformed();
}

function readSigner(read: unknown): PinnedSigner {
  const { name, certificate } = (read ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || typeof certificate !== 'string') throw malformed();
  return { state: 'pinned', name, certificate: base64(certificate) };
}

function base64(text: string): Uint8Array {
  const bytes = decodeBase64(encodeUtf8(text), 'base64');
  if (!bytes) throw malformed();
  return bytes;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function find(signers: readonly Signer[], keyId: Uint8Array): Signer {
  const signer = signers.find((known) => equalBytes(known.keyId, keyId));
  if (!signer) throw new KeyStoreError('BLOB_SIGNER_NOT_TRUSTED');
  return signer;
}

function malformed(): KeyStoreError {
  return new KeyStoreError('BLOB_MALFORMED', 'this is no invitation of keycask', {
    hint: 'A home of the store writes one: `keycask store invite`.',
  });
}
