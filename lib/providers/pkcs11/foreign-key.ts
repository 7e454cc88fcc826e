/** Keys that other programs keep on a token: what they are for, as the token says. */
import { CKA } from '../../../native-bindings/pkcs11-constants.ts';
import { decodeSpki } from '../../cms/spki.ts';
import type { ExportPolicy, KeyUsage, LegacyKeySpec } from '../../contracts/provider.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import { defaultProperties, type StoredProperties } from '../rules/key-properties.ts';
import { isEphemeralId, isKeptId } from './key-id.ts';
import { findPublicKeys, labelled, readSpki, type KeyObject } from './key-objects.ts';
import type { TokenSession } from './token-sessions.ts';

/** Not one that keycask made: what of those has no facts is of an interrupted making. */
export function isForeign({ id }: KeyObject): boolean {
  return !isKeptId(id) && !isEphemeralId(id);
}

/** What it can be opened as. An RSA key that decrypts also signs as AT_KEYEXCHANGE, as CryptoAPI has it; an EC key may be two keys. */
export function specsOf({ isRsa, can }: KeyObject): LegacyKeySpec[] {
  const canOpen = isRsa ? can.decrypt || can.unwrap : can.derive;
  return [
    ...(canOpen ? (['AT_KEYEXCHANGE'] as const) : []),
    ...(can.sign && !(isRsa && canOpen) ? (['AT_SIGNATURE'] as const) : []),
  ];
}

export function algorithmOf(publicKey: Uint8Array, spec: LegacyKeySpec): KeyAlgorithm {
  const key = decodeSpki(publicKey);
  if (key.type === 'rsa') return 'RSA';
  const curve = key.curve === 'P-384' ? 'P384' : 'P256';
  return spec === 'AT_SIGNATURE' ? `ECDSA_${curve}` : `ECDH_${curve}`;
}

/** @returns undefined where its public half is nowhere, or of a kind that keycask does not know. */
export async function describeForeign(
  session: TokenSession,
  key: KeyObject,
  legacyKeySpec: LegacyKeySpec,
): Promise<
  | {
      readonly algorithm: KeyAlgorithm;
      readonly publicKey: Uint8Array;
      readonly properties: StoredProperties;
    }
  | undefined
> {
  const publicKey = (await readSpki(session, key)) ?? (await publicHalf(session, key));
  if (!publicKey) return undefined;
  const algorithm = algorithmOf(publicKey, legacyKeySpec);
  const { can } = key;
  const allowed: Record<KeyUsage, boolean> = {
    decrypt: can.decrypt || can.unwrap,
    sign: can.sign,
    agree: can.derive,
  };
  // When it was made is said nowhere.
  const defaults = defaultProperties({ algorithm, legacyKeySpec }, 'none', new Date(0));
  const keyUsage = defaults.keyUsage.filter((usage) => allowed[usage]);
  const properties = { ...defaults, keyUsage, exportPolicy: NOT_EXPORTABLE };
  return { algorithm, publicKey, properties };
}

/** The public key object that belongs to it: of the same id, or, where it has none, of the same label. */
async function publicHalf(
  session: TokenSession,
  { id, label, isRsa }: KeyObject,
): Promise<Uint8Array | undefined> {
  const same = id.length > 0 ? ([CKA.ID, id] as const) : labelled(label);
  for (const key of await findPublicKeys(session, [same]))
    if (key.isRsa === isRsa) {
      const spki = await readSpki(session, key);
      if (spki) return spki;
    }
  return undefined;
}

const NOT_EXPORTABLE: ExportPolicy = {
  export: false,
  plaintextExport: false,
  archive: false,
  plaintextArchive: false,
};
