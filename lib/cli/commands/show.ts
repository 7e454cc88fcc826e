/** keycask show: what a key record says, and whether it is to be believed. */
import type { Command } from 'commander';
import type { KeyInfo, RecipientSummary } from '../../session-key-store/types.ts';
import { action, type Invocation } from '../context.ts';
import { openStoreReadOnly } from '../open-store.ts';
import { examples } from '../options.ts';
import type { Output } from '../output.ts';
import { resolveTarget } from '../target.ts';

export function addShow(program: Command, invocation: Invocation): void {
  const command = program
    .command('show')
    .summary('show a key, a record file, or the header of an encrypted file')
    .description(
      'Show a key: its record in the store, a record file (.cms), or the header of an encrypted file (.cask).',
    )
    .argument('<id|file>', 'id, unique prefix of one, label, or file')
    .action(
      action(invocation, async (context, query: string) => {
        await using store = await openStoreReadOnly(context);
        const target = await resolveTarget(store, query);
        if (target.kind === 'key') return showKey(context.output, await store.showKey(target.id));
        const { verified, ...info } = store.describeRecord(target.record);
        showKey(context.output, info, {
          file: target.path,
          verified,
          ...(target.kind === 'cask' && { fileId: target.fileId, context: target.context }),
        });
      }),
    );
  examples(command, 'keycask show reports', 'keycask show report.pdf.cask');
}

interface FileFacts {
  readonly file: string;
  readonly verified: boolean;
  readonly fileId?: string;
  readonly context?: Readonly<Record<string, string>>;
}

function showKey(output: Output, info: KeyInfo, facts?: FileFacts): void {
  const recipients = info.recipients?.map((recipient, index) => describe(recipient, index)) ?? [];
  output.fields({ ...facts, ...info }, [
    ['file', facts?.file],
    ['file id', facts?.fileId],
    ...Object.entries(facts?.context ?? {}).map(
      ([name, value]) => ['context', `${name}=${value}`] as const,
    ),
    ['id', info.id],
    ['label', info.label],
    ['state', info.state],
    ['version', String(info.version)],
    ['purpose', info.purpose],
    ['algorithm', info.algorithm && `${info.algorithm}, ${info.effectiveBits} bits effective`],
    ['created', info.created?.toISOString()],
    ['not after', info.notAfter?.toISOString()],
    ['provenance', info.provenance],
    [
      'use',
      info.decryptOnly === undefined
        ? undefined
        : info.decryptOnly
          ? 'decrypt only'
          : 'encrypt and decrypt',
    ],
    ['profile', info.profile],
    ['signer', info.signer],
    ...(info.attributes ?? []).map(([name, value]) => ['attribute', `${name}=${value}`] as const),
    ...recipients.map((text) => ['recipient', text] as const),
    ['commitment', info.commitment],
  ]);
}

function describe({ type, keyId, own }: RecipientSummary, index: number): string {
  return [`${index}`, type, keyId, own ? '(this home)' : undefined].filter(Boolean).join('  ');
}
