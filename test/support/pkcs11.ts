/** Keys on a token as the provider's rules see them, and as other programs of PKCS #11 make them. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { loadPkcs11, type Attribute } from '../../native-bindings/pkcs11.ts';
import { CKA, CKM } from '../../native-bindings/pkcs11-constants.ts';
import type { VerifiedKeyRecord } from '../../lib/contracts/verified-record.ts';
import type { WrappedKey } from '../../lib/contracts/wrapped-key.ts';
import type { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { abilitiesOf } from '../../lib/providers/pkcs11/capabilities.ts';
import type { Pkcs11ProviderOptions } from '../../lib/providers/pkcs11/index.ts';
import { Pkcs11Module } from '../../lib/providers/pkcs11/pkcs11-module.ts';
import { Pkcs11Storage } from '../../lib/providers/pkcs11/pkcs11-storage.ts';
import { TokenLock } from '../../lib/providers/pkcs11/token-lock.ts';
import { TokenSessions } from '../../lib/providers/pkcs11/token-sessions.ts';
import type { KeyName, StoredKey } from '../../lib/providers/rules/key-storage.ts';

/** What a provider is opened with, everything said. */
export type TokenOptions = Required<
  Pick<Pkcs11ProviderOptions, 'module' | 'token' | 'pin' | 'lockFolder'>
>;

/** Runs `work` with a key, without the rules that let only verified records through. */
export async function withStoredKey<Result>(
  { module: path, token, pin, lockFolder }: TokenOptions,
  name: Omit<KeyName, 'scope'>,
  work: (key: StoredKey) => Promise<Result>,
): Promise<Result> {
  const module = await Pkcs11Module.open(path);
  const lock = new TokenLock(lockFolder, token);
  const options = { module, token: { label: token }, pin, lock, maxSessions: 8 };
  const sessions = new TokenSessions(options);
  try {
    const found = await sessions.token();
    const abilities = await sessions.use(() => abilitiesOf(module, found));
    const clock = (): Date => new Date();
    const storage = new Pkcs11Storage({ sessions, lock, token: found, abilities, clock });
    const key = await storage.open({ ...name, scope: 'user' }, { silent: false });
    if (!key) throw new Error(`there is no ${name.name}`);
    return await work(key);
  } finally {
    await sessions.close();
  }
}

/** An unwrap for which no record vouches. */
export function unwrap(key: StoredKey, wrapped: WrappedKey): Promise<SecretBytes> {
  return key.unwrap(wrapped, undefined as unknown as VerifiedKeyRecord);
}

export function publicKeyObject(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}

/** An RSA key as another program makes it, while a provider has the module initialised and is logged in. */
export async function makeForeignRsa(
  { module, token }: TokenOptions,
  { label, id, can }: { label: string; id: Uint8Array; can: readonly number[] },
): Promise<void> {
  const api = await loadPkcs11(module);
  for (const slot of await api.slots()) {
    if ((await api.tokenInfo(slot)).label !== token) continue;
    const session = await api.openSession(slot);
    const names: Attribute[] = [
      [CKA.TOKEN, true],
      [CKA.LABEL, Buffer.from(label)],
      [CKA.ID, id],
    ];
    await api.generateKeyPair(
      session,
      { type: CKM.RSA_PKCS_KEY_PAIR_GEN },
      {
        publicKey: [
          ...names,
          [CKA.MODULUS_BITS, 2048],
          [CKA.PUBLIC_EXPONENT, Uint8Array.of(1, 0, 1)],
        ],
        privateKey: [
          ...names,
          [CKA.PRIVATE, true],
          [CKA.SENSITIVE, true],
          ...USAGES.map((usage): Attribute => [usage, can.includes(usage)]),
        ],
      },
    );
    await api.closeSession(session);
  }
}

const USAGES = [CKA.SIGN, CKA.DECRYPT, CKA.UNWRAP];
