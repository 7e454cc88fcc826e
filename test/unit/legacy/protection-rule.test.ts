/** Rule strings of protection descriptors, and those that real blobs stand for. */
import { expect, test } from 'vitest';
import { fromHex } from '../../../lib/bytes/octets.ts';
import { decodeProtectedData } from '../../../lib/cms/protected-data.ts';
import {
  formatProtectionRule,
  parseProtectionRule,
  protectionRuleOf,
} from '../../../lib/legacy/dpapi-ng/protection-rule.ts';
import { describeShared, sharedJson } from '../../support/shared.ts';

const SDDL = 'O:S-1-5-5-0-290724G:SYD:(A;;CCDC;;;S-1-5-5-0-290724)(A;;DC;;;WD)';

test('AND binds tighter than OR', () => {
  expect(parseProtectionRule('LOCAL=machine OR LOCAL=USER AND SID=S-1-5-21-4392301')).toEqual([
    [{ name: 'LOCAL', value: 'machine' }],
    [
      { name: 'LOCAL', value: 'USER' },
      { name: 'SID', value: 'S-1-5-21-4392301' },
    ],
  ]);
});

test.each([
  'SID=S-1-5-18',
  `SDDL=${SDDL}`,
  'LOCAL=logon',
  'WEBCREDENTIALS=MyPasswordName,myweb.com',
  'CERTIFICATE=HashID:5BD6F6AF8477755554026221BC81D1F3DAF5C4CD',
  'CERTIFICATE=CertBlob:MIIB==',
  `SDDL=${SDDL} AND LOCAL=user OR SID=S-1-1-0`,
])('%s is written as it was read', (text) => {
  expect(formatProtectionRule(parseProtectionRule(text))).toBe(text);
});

test('words have no case, values have', () => {
  const text = ' sid = S-1-1-0  and  Local=User or SDDL=and=or ';
  expect(formatProtectionRule(parseProtectionRule(text))).toBe(
    'SID=S-1-1-0 AND LOCAL=User OR SDDL=and=or',
  );
});

test.each(['', 'SID', 'SID=', '=S-1-1-0', 'SID=S-1-1-0 OR ', 'SID=a OR AND SID=b', 'A B=c'])(
  '%j is no rule',
  (text) => {
    expect(() => parseProtectionRule(text)).toThrow(
      expect.objectContaining({ code: 'PARAMETER_INVALID' }) as Error,
    );
  },
);

test('a rule of more than 64 KiB is none', () => {
  expect(() => parseProtectionRule(`SID=${'1'.repeat(1 << 16)}`)).toThrow('not a rule string');
});

describeShared('blobs of Windows', () => {
  const { vectors } = sharedJson('vectors/dpapi-ng.json') as {
    vectors: { name: string; descriptor?: string; protected_blob?: string }[];
  };
  const described = vectors.filter(({ descriptor }) => descriptor !== undefined);

  test('six come with the rule that they were made with', () => {
    expect(described).toHaveLength(6);
  });

  test.each(described)(
    '$name stands for that rule',
    async ({ descriptor, protected_blob: blob }) => {
      const { recipients } = await decodeProtectedData(fromHex(blob!)!);
      const rule = protectionRuleOf(recipients);
      expect(formatProtectionRule(rule)).toBe(descriptor);
      expect(parseProtectionRule(descriptor!)).toEqual(rule);
    },
  );
});
