/** Rules of keys that were derived from passwords. */
import type { Rule } from './rule.ts';

export const PASSWORD_RULES: readonly Rule[] = [
  {
    id: 'KEY_IS_CRYPT_DERIVE_KEY',
    symptom: 'The password is right, and PBKDF1, PBKDF2 or EVP_BytesToKey give another key',
    cause:
      'The key is what CryptDeriveKey makes of the {hash} of the password, an algorithm of its own without salt or iterations.',
    hint: 'Derive it with capiHash and cryptDeriveKey of keycask/legacy; such a key is as weak as its password, so encrypt the data again.',
    certainty: 'certain',
    when: ({ derived }) => derived && { hash: derived.hash },
  },
  {
    id: 'PASSWORD_ENCODING',
    symptom: 'The password is right, and another language or platform gets another key',
    cause: 'The program hashed the password as {encoding}.',
    hint: 'Hash these bytes: an ANSI program, a Unicode program, and one that counts the null hash different ones.',
    certainty: 'certain',
    when: ({ derived, opened }) => {
      const encoding = derived?.encoding ?? opened?.passwordEncoding;
      return encoding === undefined || encoding === 'ANSI' ? undefined : { encoding };
    },
  },
  {
    id: 'DEFAULT_KEY_LENGTH',
    symptom: 'The same program makes other keys on another Windows',
    cause:
      "The key has 40 bits, the Base Provider's default for RC2 and RC4; the Enhanced and the Strong Provider, which newer releases take, have 128.",
    hint: 'Give the length in the upper half of dwFlags, 0x00280000 for 40 bits, and never rely on the default.',
    certainty: 'likely',
    when: ({ derived }) => derived?.isBaseDefault === true,
  },
  {
    id: 'PASSWORD_DOES_NOT_FIT',
    symptom: 'Data under a password that nothing opens',
    cause:
      'None of the passwords that were given ({count}) fits, in any encoding, with any hash and cipher of CryptDeriveKey.',
    hint: 'Check the spelling; give known plaintext with --plaintext, for packed data looks like noise, and the IV with --iv.',
    certainty: 'likely',
    when: ({ recognised, passwords, opened }) =>
      recognised.format === 'unknown' && !opened && passwords > 0 && { count: passwords },
  },
  {
    id: 'NOTHING_TO_TRY',
    symptom: 'A file of noise, and nothing beside it',
    cause: 'It is no format that keycask knows, and no key and no password was given to try on it.',
    hint: 'Give the key blob of this data with --key, or the password with --legacy-password-file.',
    certainty: 'certain',
    when: ({ recognised, passwords, opened, attempts }) =>
      recognised.format === 'unknown' && !opened && passwords === 0 && attempts.length === 0,
  },
];
