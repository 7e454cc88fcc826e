/** The bytes that programs hashed for a password: ANSI, UTF-8 or UTF-16LE, with the null or without, or half of them by mistake. */
import { SecretBytes } from '../../keys/secret-bytes.ts';

/** One of a password's forms. */
export interface PasswordForm extends Disposable {
  /** For people: `UTF-16LE with its null`. */
  readonly encoding: string;
  readonly bytes: Uint8Array;
}

/** Every form, the most usual ones first; each only once. The caller disposes of each. */
export function* passwordForms({ bytes }: SecretBytes): Generator<PasswordForm> {
  const isAscii = bytes.every((byte) => byte < 0x80);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  yield form(isAscii ? 'ANSI' : 'UTF-8', SecretBytes.copy(bytes));
  yield form('UTF-16LE', encoded(text, 'utf16le'));
  yield form(`${isAscii ? 'ANSI' : 'UTF-8'} with its null`, extended(bytes, 1));
  using wide = encoded(text, 'utf16le');
  yield form('UTF-16LE with its null', extended(wide.bytes, 2));
  // cbData was wcslen: characters where bytes were wanted.
  const half = SecretBytes.copy(wide.bytes.subarray(0, wide.length / 2));
  yield form('the first half of UTF-16LE', half);
  if (isAscii || /[^\u0000-\u00ff]/u.test(text)) return;
  using ansi = encoded(text, 'latin1');
  yield form('ANSI (Windows-1252)', SecretBytes.copy(ansi.bytes));
  yield form('ANSI (Windows-1252) with its null', extended(ansi.bytes, 1));
}

function form(encoding: string, secret: SecretBytes): PasswordForm {
  return { encoding, bytes: secret.bytes, [Symbol.dispose]: () => secret.dispose() };
}

function encoded(text: string, encoding: 'utf16le' | 'latin1'): SecretBytes {
  return SecretBytes.take(Buffer.from(text, encoding));
}

function extended(bytes: Uint8Array, zeros: number): SecretBytes {
  const longer = new SecretBytes(bytes.length + zeros);
  longer.bytes.set(bytes);
  return longer;
}
