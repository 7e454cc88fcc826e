/** LegacySecrets: the passwords and keys that old data may be under, each in the forms that Windows took it in. */
import { SecretBytes } from '../keys/secret-bytes.ts';
import type { ProfileSecret } from '../legacy/dpapi/windows-profile.ts';

/** What a user knows of old data. Every secret is tried wherever it could be meant; the caller still owns them all. */
export interface LegacySecrets {
  /** UTF-8; what is none is taken for the ANSI code page of Western Europe. Of Windows accounts, of PVK, PEM and PKCS#8 files, of data that was encrypted under a password. */
  readonly passwords?: readonly SecretBytes[];
  /** MD4 of account passwords, 16 bytes each: what a domain controller keeps. */
  readonly ntHashes?: readonly SecretBytes[];
  /** The LSA secret DPAPI_SYSTEM, 40 or 44 bytes: for keys of the machine. */
  readonly dpapiSystem?: SecretBytes;
  /** Backup keys of domains: PVK, PRIVATEKEYBLOB, PKCS#8, or the value of the LSA secret. Those that lie in the folders need not be given. */
  readonly domainKeys?: readonly SecretBytes[];
  /** The account that a Wine prefix was used by; default: the folder names under drive_c/users. */
  readonly wineUser?: string;
}

/** Passwords as Windows' programs had them. Disposing of it wipes the copies. */
export class PasswordForms implements Disposable {
  readonly #made: SecretBytes[] = [];
  /** UTF-16LE, without a null: what accounts have. */
  readonly utf16: readonly SecretBytes[];
  /** As they were given, and where that differs in the ANSI code page of Western Europe: what PVK files and ANSI programs have. */
  readonly ansi: readonly SecretBytes[];

  constructor(passwords: readonly SecretBytes[] = []) {
    this.utf16 = passwords.flatMap((password) => this.#encoded(password, 'utf16le'));
    this.ansi = passwords.flatMap((password) => [
      this.#keep(SecretBytes.copy(password.bytes)),
      ...(isAscii(password) ? [] : this.#encoded(password, 'latin1')),
    ]);
  }

  [Symbol.dispose](): void {
    for (const secret of this.#made) secret.dispose();
  }

  #encoded({ bytes }: SecretBytes, encoding: 'utf16le' | 'latin1'): SecretBytes[] {
    const text = textOf(bytes);
    if (encoding === 'latin1' && /[^\u0000-\u00ff]/u.test(text)) return [];
    return [this.#keep(SecretBytes.take(Buffer.from(text, encoding)))];
  }

  #keep(secret: SecretBytes): SecretBytes {
    this.#made.push(secret);
    return secret;
  }
}

/** What may open the master keys of a profile. */
export function profileSecrets(secrets: LegacySecrets, forms: PasswordForms): ProfileSecret[] {
  const { ntHashes = [], dpapiSystem, domainKeys = [] } = secrets;
  return [
    ...forms.utf16.map(({ bytes }) => ({ password: bytes })),
    ...ntHashes.map(({ bytes }) => ({ ntHash: bytes })),
    ...(dpapiSystem === undefined ? [] : [{ dpapiSystem: dpapiSystem.bytes }]),
    ...domainKeys.map(({ bytes }) => ({ domainKey: bytes })),
  ];
}

/** Files that Notepad wrote as ANSI are in that code page. */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { ignoreBOM: true, fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

function isAscii({ bytes }: SecretBytes): boolean {
  return bytes.every((byte) => byte < 0x80);
}
