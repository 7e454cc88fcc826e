/** keycask agent: the process that holds private keys for others. */
import type { Command } from 'commander';
import type { Invocation } from '../context.ts';
import { examples } from '../options.ts';
import { addAgentAccess, addAgentAllowLegacy } from './agent-access.ts';
import { addAgentControl } from './agent-control.ts';
import { addAgentInstall } from './agent-install.ts';
import { addAgentStart } from './agent-start.ts';
import { addAgentTrust } from './agent-trust.ts';

export function addAgent(program: Command, invocation: Invocation): void {
  const group = program
    .command('agent')
    .summary('hold private keys in a process of their own')
    .description(
      'A process that holds private keys, as another user where it is installed: programs have them used, and never get them.',
    );
  examples(group, 'keycask agent start');
  addAgentStart(group, invocation);
  addAgentControl(group, invocation);
  addAgentInstall(group, invocation);
  addAgentTrust(group, invocation);
  addAgentAccess(group, invocation);
  addAgentAllowLegacy(group, invocation);
}
