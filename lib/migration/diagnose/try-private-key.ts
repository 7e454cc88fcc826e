/** Tries what is at hand on a private key's own file: PVK, encrypted PRIVATEKEYBLOB. */
import { algIdName } from '../../blobs/alg-id.ts';
import { KeyStoreError } from '../../errors.ts';
import { openEncryptedPrivateKeyBlob } from '../../legacy/encrypted-private-key-blob.ts';
import { openPvk } from '../../legacy/pvk.ts';
import type { OpenedHow } from '../diagnosis.ts';
import type { Recognised } from '../recognise.ts';
import type { DerivedFacts } from './facts.ts';
import { passwordForms } from './password-forms.ts';
import type { Trial } from './trial.ts';
import { tryPasswordsOnPrivateKey } from './try-passwords.ts';

export interface FoundPrivateKey {
  readonly how: OpenedHow;
  readonly derived?: DerivedFacts;
}

/** Undefined where nothing opens it. */
export async function tryPrivateKey(
  bytes: Uint8Array,
  { format, notes }: Recognised,
  trial: Trial,
): Promise<FoundPrivateKey | undefined> {
  const isEncrypted = notes.some(({ id }) => id === 'PRIVATE_KEY_ENCRYPTED');
  if (!isEncrypted) return { how: { by: 'no key' } };
  if (format === 'pvk') return tryPvk(bytes, trial);
  return (await trySessionKeys(bytes, trial)) ?? (await tryPasswordsOnPrivateKey(bytes, trial));
}

async function tryPvk(pvk: Uint8Array, trial: Trial): Promise<FoundPrivateKey | undefined> {
  for (const [index, password] of trial.passwords.entries()) {
    for (const form of passwordForms(password)) {
      using owned = form;
      const by = `password ${index + 1}`;
      const attempt = { with: by, passwordEncoding: owned.encoding };
      const protection = await trial.orTrouble(() => openedProtection(pvk, owned.bytes));
      trial.note({ ...attempt, tried: PVK_WAYS, opened: protection !== undefined });
      if (protection === undefined) continue;
      const cipher = `CALG_RC4, ${protection === 'weak' ? 40 : 128} bits`;
      return { how: { by, passwordEncoding: owned.encoding, hash: 'CALG_SHA1', cipher } };
    }
  }
  return undefined;
}

async function openedProtection(pvk: Uint8Array, password: Uint8Array) {
  try {
    using opened = await openPvk(pvk, password);
    return opened.protection;
  } catch (error) {
    if (KeyStoreError.is(error) && error.code === 'PASSWORD_WRONG') return undefined;
    throw error;
  }
}

async function trySessionKeys(
  blob: Uint8Array,
  trial: Trial,
): Promise<FoundPrivateKey | undefined> {
  const by = 'a session key at hand';
  const tried = trial.sessionKeys.length;
  if (tried === 0) return undefined;
  try {
    using opened = await openEncryptedPrivateKeyBlob(blob, trial.sessionKeys);
    const { encryption } = opened;
    trial.note({ with: by, tried, opened: true });
    if (!encryption) return { how: { by: 'no key' } };
    const { algId, mode, padding, effectiveBits, saltLength } = encryption;
    const algorithm = algIdName(algId) ?? '';
    const parts = [algorithm, ...(mode === undefined ? [] : [mode.toUpperCase()]), padding];
    return {
      how: {
        by,
        algorithm,
        cipher: parts.join(', '),
        effectiveBits,
        saltLength,
        ...(mode !== undefined && { mode }),
      },
    };
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    if (error.code !== 'KEY_UNWRAP_FAILED') trial.noteTrouble(error);
    trial.note({ with: by, tried, opened: false });
    return undefined;
  }
}

/** RC4 of 128 and of 40 bits. */
const PVK_WAYS = 2;
