/** keycask agent trust: whose records the agent opens, beside those that it signed itself. */
import type { Command } from 'commander';
import type { TrustedCertificate } from '../../agent/trust-folder.ts';
import { readCertificate, toPem } from '../certificate-file.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { examples } from '../options.ts';
import type { Column } from '../output.ts';
import { openAgentFolder, type FolderOption } from './agent-folder.ts';
import { folderOption } from './agent-options.ts';

interface SignerRow {
  readonly keyId: string;
  /** PEM */
  readonly certificate: string;
}

const COLUMNS: readonly Column<SignerRow>[] = [{ heading: 'KEY ID', text: ({ keyId }) => keyId }];

export function addAgentTrust(agent: Command, invocation: Invocation): void {
  const group = agent
    .command('trust')
    .summary('whose records the agent opens')
    .description(
      'Whose records the agent opens. Signers whose keys it holds need no certificate here.',
    );
  examples(group, 'keycask agent trust list');
  const list = group
    .command('list')
    .description('List the signers whose certificates the agent has.')
    .addOption(folderOption())
    .action(
      action<FolderOption>(invocation, async (context) => {
        const { listTrusted } = await import('../../agent/trust-folder.ts');
        await context.output.table(COLUMNS, (await listTrusted(await trustOf(context))).map(toRow));
      }),
    );
  examples(list, 'keycask agent trust list');
  const add = group
    .command('add')
    .description('Trust a signer: records that he signed are opened from now on.')
    .argument('<cert>', 'certificate (PEM or DER), from `keycask container certificate --signing`')
    .addOption(folderOption())
    .action(
      action<FolderOption>(invocation, async (context, path: string) => {
        const certificate = await readCertificate(path);
        const { addTrusted } = await import('../../agent/trust-folder.ts');
        const added = await addTrusted(await trustOf(context), certificate);
        context.output.result(toRow(added), added.keyId);
      }),
    );
  examples(add, 'keycask agent trust add alice.pem');
  const remove = group
    .command('remove')
    .description('Trust a signer no longer. The agent sees it within a second.')
    .argument('<signer>', 'key id or unique prefix of one, from `keycask agent trust list`')
    .addOption(folderOption())
    .action(
      action<FolderOption>(invocation, async (context, keyId: string) => {
        const { removeTrusted } = await import('../../agent/trust-folder.ts');
        const removed = await removeTrusted(await trustOf(context), keyId);
        context.output.result(toRow(removed), removed.keyId);
      }),
    );
  examples(remove, 'keycask agent trust remove 5f3a9c');
}

async function trustOf(context: CommandContext<FolderOption>): Promise<string> {
  return (await openAgentFolder(context)).folder.trust;
}

function toRow({ keyId, certificate }: TrustedCertificate): SignerRow {
  return { keyId, certificate: toPem(certificate) };
}
