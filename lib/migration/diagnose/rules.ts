/** Every rule, by family. */
import { CIPHER_RULES } from './cipher-rules.ts';
import { CONTAINER_RULES } from './container-rules.ts';
import { KEY_FILE_RULES } from './key-file-rules.ts';
import { PASSWORD_RULES } from './password-rules.ts';
import { PROVIDER_RULES } from './provider-rules.ts';
import type { Rule } from './rule.ts';
import { WRAPPING_RULES } from './wrapping-rules.ts';

/** By the headings of docs/DIAGNOSIS.md. */
export const RULE_FAMILIES: readonly (readonly [heading: string, rules: readonly Rule[]])[] = [
  ['Wrapped session keys', WRAPPING_RULES],
  ['Encrypted data', CIPHER_RULES],
  ['Passwords', PASSWORD_RULES],
  ['Key files', KEY_FILE_RULES],
  ['Containers and DPAPI', CONTAINER_RULES],
  ['CryptoAPI and CNG', PROVIDER_RULES],
];

export const RULES: readonly Rule[] = RULE_FAMILIES.flatMap(([, rules]) => rules);
