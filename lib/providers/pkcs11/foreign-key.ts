/** Keys that other programs keep on a token: what they are for, as the token says. */
import { decodeSpki } from '../../cms/spki.ts';
import type { ExportPolicy, KeyUsage, LegacyKeySpec } from '../../contracts/provider.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import { defaultProperties, type StoredProperties } from '../rules/key-properties.ts';
import { isEphemeralId, isKeptId } from './key-id.ts';
import { readSpki, type KeyObject } from './key-objects.ts';
import { provenPublicKey, publicKeysBeside } from './public-half.ts';
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

/** What another program's key is. */
export interface ForeignKey {
  readonly algorithm: KeyAlgorithm;
  readonly publicKey: Uint8Array;
  readonly properties: StoredProperties;
}

/**
 * What lies beside a key, for a listing: nothing of it is authentic.
 *
 * @returns undefined where its public half is nowhere, or of a kind that keycask does not know.
 */
export async function listForeign(
  session: TokenSession,
  key: KeyObject,
  legacyKeySpec: LegacyKeySpec,
): Promise<ForeignKey | undefined> {
  const publicKey = (await readSpki(session, key)) ?? (await publicKeysBeside(session, key))[0];
  return publicKey && describe(key, publicKey, legacyKeySpec);
}

/** As {@link listForeign}, for use: the key has proved its public half. */
export async function describeForeign(
  session: TokenSession,
  key: KeyObject,
  legacyKeySpec: LegacyKeySpec,
): Promise<ForeignKey | undefined> {
  const publicKey =
    (await readSpki(session, key)) ??
    (await provenPublicKey(session, key, await publicKeysBeside(session, key)));
  return publicKey && describe(key, publicKey, legacyKeySpec);
}

// oxlint-disable-next-line max-params -- both halves, and what they are opened as
function describe(
  { can }: KeyObject,
  publicKey: Uint8Array,
  legacyKeySpec: LegacyKeySpec,
): ForeignKey {
  const algorithm = algorithmOf(publicKey, legacyKeySpec);
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

const NOT_EXPORTABLE: ExportPolicy = {
  export: false,
  plaintextExport: false,
  archive: false,
  plaintextArchive: false,
};
