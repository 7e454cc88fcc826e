/** keycask store status, verify, compact: looking after what the records lie in. */
import type { Command } from 'commander';
import type { WorkProgress } from '../../contracts/work-list.ts';
import { KeyStoreError } from '../../errors.ts';
import type { CheckpointStatus } from '../../session-key-store/store-care.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { openStore, openStoreReadOnly } from '../open-store.ts';
import { examples } from '../options.ts';
import { Progress } from '../progress.ts';
import { resolveTarget } from '../target.ts';

export function addStoreStatus(group: Command, invocation: Invocation): void {
  const command = group
    .command('status')
    .description(
      'Tell what the records lie in and where, how many there are, and how long the log is.',
    )
    .action(
      action(invocation, async (context) => {
        await using store = await openStoreReadOnly(context);
        const status = await store.storeStatus(context.storeUrl);
        context.output.fields(status, [
          ['kind', status.kind],
          ['place', status.place],
          ['store id', status.storeId],
          ['records', String(status.records)],
          ['log entries', String(status.entries)],
          ['log head', status.head],
          ['checkpoint', status.checkpoint && checkpointText(status.checkpoint)],
          ['seen before', status.checkpoint && seenText(status.seen)],
          ...(status.work ?? []).flatMap(workFields),
        ]);
      }),
    );
  examples(command, 'keycask store status');
}

export function addStoreVerify(group: Command, invocation: Invocation): void {
  const command = group
    .command('verify')
    .summary('verify the whole log, every record, and headers of files')
    .description(
      'Verify the whole log from its first entry on, and every record. With files (.cask, .cms), their headers too. Only what is wrong is named.',
    )
    .argument('[file...]', 'encrypted files and record files')
    .action(
      action(invocation, async (context, files: string[]) => {
        await using store = await openStoreReadOnly(context);
        const entries = await verifyLog(context, store);
        const counts = { entries, records: 0, files: 0, failed: 0 };
        using progress = new Progress(context, 'keys');
        const { records: total } = await store.storeStatus(context.storeUrl);
        for await (const { id, state, message } of store.verify(undefined, {
          signal: context.signal,
        })) {
          context.signal.throwIfAborted();
          progress.update({ name: id, done: ++counts.records, total });
          if (state === 'ok') continue;
          counts.failed++;
          context.fail(new KeyStoreError(state, message), { id });
        }
        for (const file of files) {
          context.signal.throwIfAborted();
          try {
            const target = await resolveTarget(store, file);
            if (target.kind === 'key')
              throw new KeyStoreError('FILE_NOT_FOUND', `${file}: there is no such file`);
            store.verifyRecord(target.record);
            counts.files++;
          } catch (error) {
            counts.failed++;
            context.fail(error, { file });
          }
        }
        const ofFiles = files.length > 0 ? `, ${counts.files} files` : '';
        context.output.result(
          counts,
          `${counts.entries} log entries, ${counts.records} records${ofFiles}: ${counts.failed} failed`,
        );
      }),
    );
  examples(command, 'keycask store verify', 'keycask store verify archive/report.pdf.cask');
}

async function verifyLog(
  context: CommandContext,
  store: Awaited<ReturnType<typeof openStoreReadOnly>>,
): Promise<number> {
  using progress = new Progress(context, 'log entries');
  return store.verifyEntries({
    signal: context.signal,
    onProgress: (done, total) => progress.update({ done, total }),
  });
}

export function addStoreCompact(group: Command, invocation: Invocation): void {
  const command = group
    .command('compact')
    .description('Remove from an lmdb or postgres store what no recent state of its log needs.')
    .action(
      action(invocation, async (context) => {
        await using store = await openStore(context);
        const { kind } = await store.storeStatus(context.storeUrl);
        const { kept, removed } = await store.compactStore();
        context.output.result({ kept, removed }, `${removed} map nodes removed, ${kept} kept`);
        if (kind === 'postgres')
          context.output.note('PostgreSQL gives the space back by itself, or sooner by VACUUM.');
        if (kind === 'lmdb')
          context.output.note(
            'The file keeps its length; what became free is used again. A shorter one: `keycask store copy` into a new file while nobody writes, and put that in its place.',
          );
      }),
    );
  examples(command, 'keycask store compact');
}

/** Its root is the head of the log, which stands above. */
function checkpointText({ size, time, signer }: CheckpointStatus): string {
  return `of ${size} entries, ${time.toISOString()}, by ${signer}`;
}

function seenText(seen: number | undefined): string {
  return seen === undefined ? 'no' : `${seen} entries`;
}

/** A job, and a line for each process that takes part in it. */
function workFields({ kind, total, machines, ...sums }: WorkProgress): [string, string][] {
  const { done, unchanged, failed } = sums;
  const ended = done + unchanged + failed;
  const of = total === undefined ? 'of those listed so far' : `of ${total}`;
  return [
    ['under way', `${kind}: ${ended} ${of}, ${failed} failed`],
    ...machines.map((machine): [string, string] => {
      const count = machine.done + machine.unchanged + machine.failed;
      const state = machine.isAtWork ? 'at work' : 'ended';
      return ['by', `${machine.name}: ${count}, ${state}, heard of ${machine.seen.toISOString()}`];
    }),
  ];
}
