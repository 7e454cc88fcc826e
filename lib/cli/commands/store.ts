/** keycask store: what the records of a home lie in. */
import type { Command } from 'commander';
import type { Invocation } from '../context.ts';
import { examples } from '../options.ts';
import { addStoreCompact, addStoreStatus, addStoreVerify } from './store-care.ts';
import { addStoreCopy } from './store-copy.ts';
import { addStoreAccept, addStoreInvite } from './store-share.ts';

export function addStore(program: Command, invocation: Invocation): void {
  const group = program.command('store').description('What the records of a home lie in.');
  examples(group, 'keycask store status', 'keycask store copy records.mdb backup.mdb');
  addStoreStatus(group, invocation);
  addStoreCopy(group, invocation);
  addStoreVerify(group, invocation);
  addStoreCompact(group, invocation);
  addStoreInvite(group, invocation);
  addStoreAccept(group, invocation);
}
