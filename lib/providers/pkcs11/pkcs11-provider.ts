/** The pkcs11 provider: private keys on a token that a PKCS #11 module reaches: an HSM, a smart card, a TPM. */
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import type { Provider } from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import { defaultStateFolder } from '../../platform/folders.ts';
import { withFsErrors } from '../../platform/fs-error.ts';
import { requireText } from '../rules/key-properties.ts';
import { StorageProvider } from '../rules/storage-provider.ts';
import { abilitiesOf } from './capabilities.ts';
import { Pkcs11Module } from './pkcs11-module.ts';
import { Pkcs11Storage } from './pkcs11-storage.ts';
import { TokenLock } from './token-lock.ts';
import { TokenSessions, type AskPin } from './token-sessions.ts';

export interface Pkcs11ProviderOptions {
  /** Path of the module: a shared library that exports C_GetFunctionList. */
  readonly module: string;
  /** Label of the token. */
  readonly token: string;
  /** Serial number of the token, where several have that label. */
  readonly serial?: string;
  /**
   * Asked for the PIN whenever the token wants it: when the provider is opened, and after the token was gone. Without it only what is public
   * is seen, and every use is PASSWORD_REQUIRED.
   */
  readonly pin?: AskPin;
  /** Sessions at once; default 8. */
  readonly maxSessions?: number;
  /** Folder of lock files. Default: the platform's state folder. */
  readonly lockFolder?: string;
  /** When a key was made or changed. Default: the system's clock. */
  readonly clock?: () => Date;
}

/**
 * Opens the pkcs11 provider (C_Initialize, C_OpenSession, C_Login).
 *
 * Keys and what keycask keeps of them lie on the token, under the container's name as CKA_LABEL, and not in a home. Keys of other programs are
 * opened and listed by their labels. A login is of the whole process: other code in it that uses the same token is logged in too.
 *
 * @returns A provider, the caller's to close.
 * @throws KeyStoreError PROVIDER_UNAVAILABLE for a module that cannot be loaded and a token that is not there, PASSWORD_WRONG, PIN_LOCKED,
 *   MODULE_MISSING where koffi is not installed, FILE_NOT_FOUND, PERMISSION_DENIED for a module that other users can write, PARAMETER_INVALID.
 * @example
 * ```ts
 * await using provider = await openPkcs11Provider({
 *   module: '/usr/lib/softhsm/libsofthsm2.so',
 *   token: 'archive',
 *   pin: async () => SecretBytes.take(await readFile('/run/secrets/pin')),
 * });
 * ```
 */
export async function openPkcs11Provider(options: Pkcs11ProviderOptions): Promise<Provider> {
  const { token: label, serial, pin, maxSessions = DEFAULT_SESSIONS } = options;
  requireText("a token's label", label, 1, MOST_LABEL);
  if (serial !== undefined) requireText("a token's serial number", serial, 1, MOST_SERIAL);
  if (!Number.isInteger(maxSessions) || maxSessions < 1)
    throw new KeyStoreError('PARAMETER_INVALID', 'maxSessions: want 1 or more');
  const module = await Pkcs11Module.open(await modulePath(options.module));
  const { lockFolder = join(defaultStateFolder(), 'locks'), clock = () => new Date() } = options;
  const lock = new TokenLock(lockFolder, label);
  const named = { label, serial };
  const sessions = new TokenSessions({ module, token: named, pin, lock, maxSessions });
  try {
    const token = await sessions.token();
    const ask = () => abilitiesOf(module, token);
    const abilities = await (pin ? sessions.use(ask) : sessions.usePublic(ask));
    return new StorageProvider(new Pkcs11Storage({ sessions, lock, token, abilities, clock }));
  } catch (error) {
    await sessions.close();
    throw error;
  }
}

/** One module is loaded once, by whatever name. One that is named without a folder is looked for by the system. */
async function modulePath(module: string): Promise<string> {
  requireText('the path of a PKCS #11 module', module, 1, MOST_PATH);
  if (!/[\\/]/u.test(module)) return module;
  return withFsErrors(module, async () => {
    const path = await realpath(module);
    await requireTrustworthy(path);
    return path;
  });
}

/** It runs in this process, with all that this process may. */
async function requireTrustworthy(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { uid, mode } = await stat(path);
  const isOurs = uid === 0 || uid === process.getuid?.();
  if (isOurs && (mode & WRITABLE_BY_OTHERS) === 0) return;
  throw new KeyStoreError(
    'PERMISSION_DENIED',
    `other users can write the PKCS #11 module ${path}`,
    {
      hint: 'It would run as you. Use one that belongs to you or to root, and that nobody else can write.',
    },
  );
}

const DEFAULT_SESSIONS = 8;
/** Bytes in CK_TOKEN_INFO; a character has at least one. */
const MOST_LABEL = 32;
const MOST_SERIAL = 16;
const MOST_PATH = 4096;
/** S_IWGRP, S_IWOTH. */
const WRITABLE_BY_OTHERS = 0o022;
