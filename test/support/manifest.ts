/** Manifests for tests: a signer, a folder, and what goes into an entry. */
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { SigningIdentity } from '../../lib/messages/sign-message.ts';
import type { ManifestChange } from '../../lib/stores/manifest/manifest-entry.ts';
import { Manifest, type ManifestOptions } from '../../lib/stores/manifest/manifest.ts';

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

export const randomId = (): string => randomBytes(16).toString('hex');

export function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

/** A record that says who it is. */
export function recordBytes(id: string, version: number, by = ''): Uint8Array {
  return new TextEncoder().encode(`record ${id} version ${version} ${by}`);
}

export function written(id: string, version: number, label = 'label'): ManifestChange {
  return { kind: 'put', id, version, sha256: sha256(recordBytes(id, version)), label };
}
