/** keycask inspect: what a file is, field by field, and no secret of it. Needs no home. */
import type { Command } from 'commander';
import type { InspectedField, InspectedPart, Inspection } from '../../migration/inspection.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { STANDARD } from '../file-plan.ts';
import { examples } from '../options.ts';
import { readChunks } from '../stream-work.ts';

export function addInspect(program: Command, invocation: Invocation): void {
  const command = program
    .command('inspect')
    .summary('say what a file is, field by field')
    .description(
      'Say what a file is: a key blob, a key file, a container file, a DPAPI blob, a certificate, a file of keycask. Field by field, with offsets. Nothing secret is shown, nothing is decrypted or verified.',
    )
    .argument('[file...]', '- or none for standard input')
    .action(
      action(invocation, async (context, files: string[]) => {
        let printed = 0;
        for (const file of files.length === 0 ? [STANDARD] : files) {
          context.signal.throwIfAborted();
          try {
            const inspection = await inspectOne(file);
            if (printed++ > 0 && !context.output.json) context.output.result({}, '');
            print(context, file, inspection);
          } catch (error) {
            context.fail(error, { file });
          }
        }
      }),
    );
  examples(command, 'keycask inspect session.key', 'keycask inspect --json *.pvk');
}

async function inspectOne(file: string): Promise<Inspection> {
  const { inspect, inspectFile, MAX_INSPECTED } = await import('../../migration/index.ts');
  if (file !== STANDARD) return inspectFile(file);
  const { SecretBytes } = await import('../../keys/secret-bytes.ts');
  using start = new SecretBytes(MAX_INSPECTED);
  let length = 0;
  for await (const chunk of readChunks(STANDARD)) {
    const part = chunk.subarray(0, start.length - length);
    start.bytes.set(part, length);
    length += part.length;
    if (length === start.length) break;
  }
  return inspect(start.bytes.subarray(0, length));
}

function print({ output }: CommandContext, file: string, inspection: Inspection): void {
  if (output.json) return output.result({ file, ...inspection }, '');
  const name = file === STANDARD ? 'standard input' : file;
  output.result({}, `${name}: ${inspection.what}, ${bytesText(inspection.length)}`);
  for (const line of linesOf(inspection)) output.result({}, indented(line));
}

/** What follows the heading of a file, or of a part of one. */
function linesOf(inspection: Inspection): string[] {
  const { summary, notes, fault, fields, parts } = inspection;
  return [
    summary,
    ...(fault
      ? [`damaged: ${fault.format}: ${fault.field} at ${hex(fault.offset)}: ${fault.problem}`]
      : []),
    ...notes.map(({ severity, text }) => `${severity}: ${text}`),
    ...tableOf(fields),
    ...parts.flatMap(partLines),
  ];
}

function partLines(part: InspectedPart): string[] {
  const heading = `${part.name}: ${part.what}, ${bytesText(part.length)}`;
  return ['', heading, ...linesOf(part).map(indented)];
}

function indented(line: string): string {
  return line === '' ? '' : `  ${line}`;
}

/** Offset, length, field, value, under each other. */
function tableOf(fields: readonly InspectedField[]): string[] {
  const rows = fields.map((field) => ({
    offset: hex(field.offset),
    length: String(field.length),
    name: `${'  '.repeat(Math.min(field.depth, MAX_INDENT))}${field.field}`,
    value: valueText(field),
  }));
  const width = (column: 'offset' | 'length' | 'name', least: number): number =>
    rows.reduce((most, row) => Math.max(most, row[column].length), least);
  const offset = width('offset', 'offset'.length);
  const length = width('length', 'length'.length);
  const name = width('name', 'field'.length);
  const heading = { offset: 'offset', length: 'length', name: 'field', value: 'value' };
  return rows.length === 0
    ? []
    : [heading, ...rows].map((row) =>
        `${row.offset.padStart(offset)}  ${row.length.padStart(length)}  ${row.name.padEnd(name)}  ${row.value}`.trimEnd(),
      );
}

function valueText({ kind, value, means, length }: InspectedField): string {
  if (kind === 'unknown') return `(unknown, ${bytesText(length)})`;
  if (value === undefined) {
    if (means !== undefined) return means;
    return kind === 'bytes' ? `(${length === 0 ? 'empty' : bytesText(length)})` : '';
  }
  const text = String(value);
  const shown = text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}...` : text;
  if (means === undefined) return shown;
  // Of a GUID or a text the bytes tell people nothing.
  return kind === 'bytes' ? means : `${shown}  ${means}`;
}

function bytesText(length: number): string {
  return `${length} ${length === 1 ? 'byte' : 'bytes'}`;
}

function hex(offset: number): string {
  return offset.toString(16).padStart(4, '0');
}

/** 32 bytes in hex: with --json there is all of it. */
const MAX_VALUE = 64;
/** Further in the field's names would leave the screen. */
const MAX_INDENT = 8;
