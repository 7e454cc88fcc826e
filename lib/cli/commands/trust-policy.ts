/** keycask trust policy: what a home demands of its private keys, in the signed trust list. */
import { Argument, type Command } from 'commander';
import {
  LEVEL_NAMES,
  PROTECTION_LEVELS,
  type ProtectionLevel,
} from '../../contracts/protection-level.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { openStore, openStoreReadOnly } from '../open-store.ts';
import { examples } from '../options.ts';

/** As people type them: `agent-other-user`. */
const LEVELS: ReadonlyMap<string, ProtectionLevel> = new Map(
  LEVEL_NAMES.map((level) => [typed(level), level]),
);

export function addTrustPolicy(trust: Command, invocation: Invocation): void {
  const group = trust
    .command('policy')
    .description('What the home demands of its private keys. Signed, like all trust.');
  examples(group, 'keycask trust policy list');
  addPolicyList(group, invocation);
  addPolicySet(group, invocation);
  addPolicyRemove(group, invocation);
}

function addPolicyList(group: Command, invocation: Invocation): void {
  const command = group
    .command('list')
    .description('List the policies of this home.')
    .action(
      action(invocation, async (context) => {
        await using store = await openStoreReadOnly(context);
        const { minimumProtection } = store.listPolicies();
        if (minimumProtection === undefined) context.output.note('No policy: any level will do.');
        else print(context, minimumProtection);
      }),
    );
  examples(command, 'keycask trust policy list');
}

function addPolicySet(group: Command, invocation: Invocation): void {
  const command = group
    .command('set')
    .description(
      'Demand a level of protection: containers below it are neither made nor opened any more.',
    )
    .addArgument(policyArgument())
    .addArgument(
      new Argument(
        '<level>',
        'the weakest one that private keys may have, from weak to strong; token and vbs rank alike',
      ).choices([...LEVELS.keys()]),
    )
    .action(
      action(invocation, async (context, _policy: string, level: string) => {
        await using store = await openStore(context);
        const wanted = LEVELS.get(level)!;
        await store.setMinimumProtection(wanted);
        print(context, wanted);
      }),
    );
  examples(command, 'keycask trust policy set minimum-protection agent-other-user');
}

function addPolicyRemove(group: Command, invocation: Invocation): void {
  const command = group
    .command('remove')
    .description(
      'Demand nothing any more. Only where the home opens, so with keys that satisfy it.',
    )
    .addArgument(policyArgument())
    .action(
      action(invocation, async (context, policy: string) => {
        await using store = await openStore(context);
        await store.setMinimumProtection(undefined);
        context.output.result({ policy, removed: true }, policy);
      }),
    );
  examples(command, 'keycask trust policy remove minimum-protection');
}

function policyArgument(): Argument {
  return new Argument('<policy>', 'which one').choices(['minimum-protection']);
}

function print({ output }: CommandContext, level: ProtectionLevel): void {
  const { words } = PROTECTION_LEVELS[level];
  output.result(
    { policy: 'minimum-protection', level, words },
    `minimum-protection  ${typed(level)}  ${words}`,
  );
}

function typed(level: ProtectionLevel): string {
  return level.toLowerCase().replaceAll(/[, ]+/gu, '-');
}
