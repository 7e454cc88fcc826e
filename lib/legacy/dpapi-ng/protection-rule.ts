/**
 * Rule strings of protection descriptors: `SID=S-1-5-21-... AND LOCAL=user OR CERTIFICATE=HashID:...`. Source: MS "Protection Descriptors".
 *
 * Conditions joined by AND bind tighter than OR; there are no parentheses. Words of the grammar have no case, values keep theirs. A value goes up to
 * the next joint, so that SDDL and certificates need no quotes.
 */
import type { ProtectedDataRecipient } from '../../cms/protected-recipient.ts';
import { toHex } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';

/** One condition: `SID=S-1-5-18`. */
export interface ProtectionRuleCondition {
  /** `SID`, `SDDL`, `LOCAL`, `WEBCREDENTIALS`, `CERTIFICATE`, or another word. */
  readonly name: string;
  readonly value: string;
}

/** Any of these; of each, all. */
export type ProtectionRule = readonly (readonly ProtectionRuleCondition[])[];

/**
 * Reads a rule string.
 *
 * @throws KeyStoreError PARAMETER_INVALID where it has none, an empty condition, or more than 64 KiB.
 * @example
 * ```ts
 * parseProtectionRule('LOCAL=machine OR LOCAL=user AND SID=S-1-5-18');
 * // [[LOCAL=machine], [LOCAL=user, SID=S-1-5-18]]
 * ```
 */
export function parseProtectionRule(text: string): ProtectionRule {
  if (text.length > MAX_RULE) throw notARule();
  return text.split(/\s+OR\s+/iu).map((alternative) =>
    alternative.split(/\s+AND\s+/iu).map((condition) => {
      const equals = condition.indexOf('=');
      const name = condition.slice(0, Math.max(0, equals)).trim();
      const value = condition.slice(equals + 1).trim();
      if (!/^\w+$/u.test(name) || value === '') throw notARule();
      return { name: name.toUpperCase(), value };
    }),
  );
}

/** Writes a rule string, as {@link parseProtectionRule} reads it. */
export function formatProtectionRule(rule: ProtectionRule): string {
  return rule
    .map((all) => all.map(({ name, value }) => `${name}=${value}`).join(' AND '))
    .join(' OR ');
}

/**
 * The rule that a blob's recipients stand for.
 *
 * @param recipients - Those of `decodeProtectedData`.
 * @returns A recipient whose condition is not one name and one value has an empty value; a certificate that is named by its issuer, too.
 * @example
 * ```ts
 * formatProtectionRule(protectionRuleOf((await decodeProtectedData(blob)).recipients));
 * ```
 */
export function protectionRuleOf(recipients: readonly ProtectedDataRecipient[]): ProtectionRule {
  return recipients.map((recipient) =>
    recipient.kind === 'all-of'
      ? recipient.recipients.flatMap(conditionsOf)
      : conditionsOf(recipient),
  );
}

function conditionsOf(recipient: ProtectedDataRecipient): ProtectionRuleCondition[] {
  if (recipient.kind === 'all-of') return recipient.recipients.flatMap(conditionsOf);
  if (recipient.kind === 'certificate') {
    const { thumbprint } = recipient;
    const value = thumbprint ? `HashID:${toHex(thumbprint).toUpperCase()}` : '';
    return [{ name: 'CERTIFICATE', value }];
  }
  const { kind, name, value = '' } = recipient.condition;
  return [{ name: name ?? kind ?? 'UNKNOWN', value }];
}

function notARule(): KeyStoreError {
  return new KeyStoreError('PARAMETER_INVALID', 'not a rule string of a protection descriptor');
}

const MAX_RULE = 1 << 16;
