/** keycask store: what the records of a home lie in. */
import type { Command } from 'commander';
import type { Invocation } from '../context.ts';
import { examples } from '../options.ts';
import { addStoreAccept, addStoreInvite } from './store-share.ts';

export function addStore(program: Command, invocation: Invocation): void {
  const group = program.command('store').description('What the records of a home lie in.');
  examples(group, 'keycask store invite --out invitation.json');
  addStoreInvite(group, invocation);
  addStoreAccept(group, invocation);
}
