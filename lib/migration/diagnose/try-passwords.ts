/** Tries keys that CryptDeriveKey makes of passwords: on data, and on an encrypted PRIVATEKEYBLOB. */
import { algIdName } from '../../blobs/alg-id.ts';
import { KeyStoreError } from '../../errors.ts';
import { openEncryptedPrivateKeyBlob } from '../../legacy/encrypted-private-key-blob.ts';
import type { OpenedHow } from '../diagnosis.ts';
import { searchCipher } from '../search-cipher.ts';
import { derivedKeys, type DerivedKey } from './derived-keys.ts';
import type { DerivedFacts } from './facts.ts';
import { passwordForms } from './password-forms.ts';
import type { Trial } from './trial.ts';
import { takesIv, tryData, type DataAtHand, type DataTrial } from './try-data.ts';

/** A password that fits. */
export interface FoundPassword {
  readonly how: OpenedHow;
  readonly derived: DerivedFacts;
  /** What came of the data. */
  readonly data?: DataTrial;
}

/** The first password, form, hash and cipher under which the data is something. */
export function tryPasswordsOnData(
  data: DataAtHand,
  trial: Trial,
): Promise<FoundPassword | undefined> {
  return tryPasswords(trial, async (derived, by) => {
    if (!(await fits(derived, data, trial))) return undefined;
    const { algId, key, salt } = derived.key;
    const tried = await tryData({ algId, key }, { ...data, salt: saltFor(salt) }, trial, by);
    return tried && { how: tried.how, data: tried };
  });

  /** Only RC2 and RC4 have one. */
  function saltFor(salt: Uint8Array) {
    return salt.length === 0 ? 'none' : salt;
  }
}

/** The first that opens a private key. */
export function tryPasswordsOnPrivateKey(
  blob: Uint8Array,
  trial: Trial,
): Promise<FoundPassword | undefined> {
  return tryPasswords(trial, async ({ key }) => {
    try {
      using opened = await openEncryptedPrivateKeyBlob(blob, [key]);
      const { encryption } = opened;
      return { how: { ...(encryption?.mode !== undefined && { mode: encryption.mode }) } };
    } catch (error) {
      if (KeyStoreError.is(error) && error.code === 'KEY_UNWRAP_FAILED') return undefined;
      trial.noteTrouble(error);
      return undefined;
    }
  });
}

type TryKey = (
  derived: DerivedKey,
  by: string,
) => Promise<{ how: Partial<OpenedHow>; data?: DataTrial } | undefined>;

async function tryPasswords(trial: Trial, tryKey: TryKey): Promise<FoundPassword | undefined> {
  for (const [index, password] of trial.passwords.entries()) {
    const by = `password ${index + 1}`;
    for (const form of passwordForms(password)) {
      using owned = form;
      let tried = 0;
      for await (const derived of derivedKeys(owned.bytes, trial.noteTrouble)) {
        using own = derived;
        tried++;
        const found = await tryKey(own, by);
        if (!found) continue;
        const { encoding } = owned;
        const { hash, isBaseDefault, key } = own;
        trial.note({ with: by, passwordEncoding: encoding, tried, opened: true });
        return {
          ...found,
          how: {
            by,
            passwordEncoding: encoding,
            hash,
            algorithm: algIdName(key.algId) ?? '',
            keyLength: key.key.length,
            ...found.how,
          },
          derived: { hash, encoding, isBaseDefault },
        };
      }
      trial.note({ with: by, passwordEncoding: owned.encoding, tried, opened: false });
    }
  }
  return undefined;
}

/** Beyond doubt: thousands of keys are tried. */
async function fits({ key }: DerivedKey, data: DataAtHand, trial: Trial): Promise<boolean> {
  if (!takesIv(key.algId, data)) return false;
  const salt = key.salt.length === 0 ? ('none' as const) : key.salt;
  const findings = await trial.orTrouble(() => searchCipher(key, data.sample, { ...data, salt }));
  try {
    const [best] = findings ?? [];
    if (best === undefined) return false;
    return best.certainty === 'known-plaintext' || best.bits >= ENOUGH_BITS;
  } finally {
    for (const finding of findings ?? []) finding[Symbol.dispose]();
  }
}

/** Of some 500 keys in up to 18 ways each, for each password, one passes by accident once in 16,000 runs. */
const ENOUGH_BITS = 28;
