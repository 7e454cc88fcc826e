/** Painful inputs: old keys in files, and what diagnose says of them. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { plainBytes, encodeUtf8 } from '../../lib/bytes/octets.ts';
import { rsaPrivateKeyToBlob } from '../../lib/keys/rsa-key-blob.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import {
  diagnose,
  type DiagnoseInput,
  type DiagnoseOptions,
} from '../../lib/migration/diagnose.ts';
import type { Diagnosis } from '../../lib/migration/diagnosis.ts';
import { inventory } from '../../lib/migration/inventory.ts';
import { KeysAtHand } from '../../lib/migration/keys-at-hand.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts';

/** What is at hand beside what diagnose takes itself. */
export interface AtHand extends Omit<DiagnoseOptions, 'inventory' | 'keys' | 'secrets' | 'data'> {
  /** Files to lay in a folder of their own, by name. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  /** Folders that are there. */
  readonly folders?: readonly string[];
  readonly passwords?: readonly string[];
  readonly data?: Uint8Array;
}

/** Runs diagnose with what lies in a fresh folder. */
export async function diagnoseWith(input: DiagnoseInput, atHand: AtHand = {}): Promise<Diagnosis> {
  const { files = {}, folders = [], passwords = [], data, ...rest } = atHand;
  const folder: TemporaryFolder = await temporaryFolder();
  try {
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(dirname(join(folder.path, name)), { recursive: true });
      writeFileSync(join(folder.path, name), bytes);
    }
    const secrets = { passwords: passwords.map((text) => SecretBytes.copy(encodeUtf8(text))) };
    const found = await inventory([folder.path, ...folders]);
    using keys = await KeysAtHand.find(found, secrets);
    const sample = data && { head: data, tail: data, size: data.length };
    return await diagnose(input, {
      ...rest,
      inventory: found,
      keys,
      secrets,
      ...(sample && { data: sample }),
    });
  } finally {
    await folder.remove();
  }
}

/** Ids of what was found, most certain first. */
export function idsOf({ findings }: Diagnosis): string[] {
  return findings.map(({ id }) => id);
}

/** The finding of an id. */
export function findingOf({ findings }: Diagnosis, id: string) {
  return findings.find((finding) => finding.id === id);
}

/** An RSA key pair and its PRIVATEKEYBLOB. */
export interface OldKey {
  readonly privateKey: KeyObject;
  readonly blob: Uint8Array;
}

export function oldKey(
  modulusLength = 1024,
  algId: 0xa400 | 0x2400 = ALG_ID.CALG_RSA_KEYX,
): OldKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength });
  const pkcs8 = plainBytes(privateKey.export({ format: 'der', type: 'pkcs8' }));
  using blob = rsaPrivateKeyToBlob(pkcs8, algId);
  return { privateKey, blob: Uint8Array.from(blob.bytes) };
}
