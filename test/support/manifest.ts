/** Manifests for tests: a signer, a folder, and what goes into an entry. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
} from 'node:crypto';
import { join } from 'node:path';
import type { Store } from '../../lib/contracts/store.ts';
import { keyIdentifier } from '../../lib/keys/key-identifier.ts';
import { signMessage } from '../../lib/keys/signature.ts';
import type { SigningIdentity } from '../../lib/messages/sign-message.ts';
import { openDirectoryStore } from '../../lib/stores/directory.ts';
import type { ManifestChange, WrittenRecord } from '../../lib/stores/manifest/manifest-entry.ts';
import { Manifest, type ManifestOptions } from '../../lib/stores/manifest/manifest.ts';
import { ManifestedStore, type ExamineStored } from '../../lib/stores/manifest/manifested-store.ts';
import { PendingRecords } from '../../lib/stores/manifest/pending.ts';

export const STORE_ID = new Uint8Array(16).fill(0x5a);
export const clock = (): Date => new Date('2026-03-01T12:00:00Z');

export const manifestPath = (home: string): string => join(home, 'manifest.log');

export function openManifest(
  home: string,
  identity: SigningIdentity,
  options: Partial<ManifestOptions> = {},
): Promise<Manifest> {
  return Manifest.open({
    path: manifestPath(home),
    storeId: STORE_ID,
    findTrust: async () => ({ current: identity }),
    ...options,
  });
}

export interface ManifestedStoreExtras {
  readonly examine?: ExamineStored;
  /** Sees what the store is made of. */
  readonly onParts?: (parts: { store: Store; manifest: Manifest }) => void;
}

/** A manifested directory store, opened as a process of its own would. */
export async function openManifestedStore(
  home: string,
  identity: SigningIdentity,
  { examine, onParts }: ManifestedStoreExtras = {},
): Promise<ManifestedStore> {
  const manifest = await openManifest(home, identity);
  const store = await openDirectoryStore(join(home, 'records'));
  onParts?.({ store, manifest });
  return new ManifestedStore(store, manifest, new PendingRecords(join(home, 'pending')), examine);
}

/** A signer that several processes can have: its private key travels as PEM. */
export function identityOf(pem: string): SigningIdentity {
  const privateKey = createPrivateKey(pem);
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const publicKey = new Uint8Array(spki);
  return {
    keyId: keyIdentifier(publicKey),
    publicKey,
    certificate: Uint8Array.of(0x30, 0x00),
    scheme: 'ecdsa-sha256',
    sign: ({ scheme, bytes }) => signMessage(privateKey, scheme, bytes),
  };
}

export function privateKeyPem(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

export const randomId = (): string => randomBytes(16).toString('hex');

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

/** A record that says who it is. */
export function recordBytes(id: string, version: number, by = ''): Uint8Array {
  return new TextEncoder().encode(`record ${id} version ${version} ${by}`);
}

export function written(id: string, version: number, label = 'label'): ManifestChange {
  return { kind: 'put', ...recordOf(id, version, label) };
}

export function recordOf(id: string, version = 1, label = 'label'): WrittenRecord {
  return { id, version, sha256: sha256(recordBytes(id, version)), label };
}
