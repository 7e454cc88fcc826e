/** keycask diagnose: what old key material is, what opens it, or why nothing does and what to do. Needs no home. */
import type { Command } from 'commander';
import { fromHex } from '../../bytes/octets.ts';
import type { DiagnoseFileOptions } from '../../migration/diagnose-file.ts';
import type { Diagnosis, DiagnosisAttempt, OpenedHow } from '../../migration/diagnosis.ts';
import type { KeysAtHand } from '../../migration/keys-at-hand.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { usage } from '../errors.ts';
import { addLegacyOptions, readLegacySecrets, type LegacyOptions } from '../legacy-options.ts';
import { examples, repeated } from '../options.ts';

interface DiagnoseCommandOptions extends LegacyOptions {
  readonly key?: readonly string[];
  readonly containers?: readonly string[];
  readonly data?: string;
  readonly plaintext?: string;
  readonly iv?: string;
  readonly symptom?: string;
}

type DiagnoseContext = CommandContext<DiagnoseCommandOptions>;

export function addDiagnose(program: Command, invocation: Invocation): void {
  const command = program
    .command('diagnose')
    .summary('say what opens old key material, or why nothing does')
    .description(
      'Say what an old key blob, key file, container or encrypted file is, and what opens it: tries every key, padding, byte order, salt, effective length, mode and password encoding that is at hand. Where nothing opens it, say why and what to do. Nothing is written, and no secret is shown.',
    )
    .argument('[file...]', 'none where --symptom tells it all')
    .addOption(repeated('--key <file>', 'private key or session key to try'))
    .addOption(repeated('--containers <dir>', 'folder with key containers and master keys to try'))
    .option('--data <file>', 'ciphertext that the session key should decrypt')
    .option('--plaintext <file>', 'how the plaintext of the data begins')
    .option('--iv <hex>', 'IV of the data (default: zeros)')
    .option('--symptom <text>', 'the error message, or its number');
  addLegacyOptions(command).action(
    action<DiagnoseCommandOptions>(invocation, async (context, files: string[]) => {
      if (files.length === 0 && context.options.symptom === undefined)
        throw usage('no file and no --symptom', 'name a file, or give the error message');
      await diagnoseAll(context, files);
    }),
  );
  examples(
    command,
    'keycask diagnose session.key --key exchange.pvk --data report.enc',
    'keycask diagnose session.key --containers /mnt/C/Users/alice --legacy-password-file password.txt',
    "keycask diagnose --symptom 'Keyset does not exist'",
  );
}

async function diagnoseAll(context: DiagnoseContext, files: readonly string[]): Promise<void> {
  const { options, signal } = context;
  const {
    diagnose,
    diagnoseFile,
    inventory,
    KeysAtHand: AtHand,
    readCipherSample,
  } = await import('../../migration/index.ts');
  const { readKeyFile } = await import('../legacy-secrets-file.ts');
  const iv = ivOf(options);
  using legacy = await readLegacySecrets(context);
  const { secrets } = legacy;
  const found = await inventory([...(options.key ?? []), ...(options.containers ?? [])], {
    signal,
  });
  using keys: KeysAtHand = await AtHand.find(found, secrets);
  using known = options.plaintext === undefined ? undefined : await readKeyFile(options.plaintext);
  const shared: DiagnoseFileOptions = {
    inventory: found,
    keys,
    secrets,
    ...(options.data !== undefined && { data: await readCipherSample(options.data) }),
    ...(known && { knownPlaintext: known.bytes }),
    ...(iv && { iv }),
    ...(options.symptom !== undefined && { symptom: options.symptom }),
  };
  if (files.length === 0)
    print(context, undefined, await diagnose({ symptom: options.symptom ?? '' }, shared));
  let printed = 0;
  for (const file of files) {
    signal.throwIfAborted();
    try {
      const diagnosis = await diagnoseFile(file, shared);
      if (printed++ > 0 && !context.output.json) context.output.result({}, '');
      print(context, file, diagnosis);
    } catch (error) {
      context.fail(error, { file });
    }
  }
}

function ivOf({ iv }: DiagnoseCommandOptions): Uint8Array | undefined {
  if (iv === undefined) return undefined;
  const bytes = fromHex(iv);
  if (bytes === undefined || (bytes.length !== 8 && bytes.length !== 16))
    throw usage('--iv: want 8 or 16 bytes in hex', 'as in --iv 00112233445566778899aabbccddeeff');
  return bytes;
}

function print(context: DiagnoseContext, file: string | undefined, diagnosis: Diagnosis): void {
  const { output, failures } = context;
  const { outcome } = diagnosis;
  if (outcome === 'closed') failures.note('KEY_UNWRAP_FAILED');
  if (outcome === 'damaged') failures.note('BLOB_MALFORMED');
  if (output.json) return output.result({ ...(file !== undefined && { file }), ...diagnosis }, '');
  const lines = linesOf(diagnosis);
  if (file === undefined) {
    // Nothing stands above the first finding.
    for (const line of lines[0] === '' ? lines.slice(1) : lines) output.result({}, line);
    return;
  }
  output.result({}, `${file}: ${diagnosis.what}: ${OUTCOMES[outcome]}`);
  for (const line of lines) output.result({}, line === '' ? '' : `  ${line}`);
}

function linesOf({ summary, format, opened, findings, attempts }: Diagnosis): string[] {
  return [
    ...(format === 'none' ? [] : [summary]),
    ...(opened ? [`opens with ${openedText(opened)}`] : []),
    ...findings.flatMap(({ cause, hint, certainty }) => [
      '',
      `${certainty}: ${cause}`,
      `hint: ${hint}`,
    ]),
    ...(findings.length === 0 && format === 'none' ? ['No cause is known for this symptom.'] : []),
    ...tableOf(attempts),
  ];
}

function openedText(how: OpenedHow): string {
  const { by, padding, byteOrder, cipher, algorithm, passwordEncoding, hash, content } = how;
  const parts = [
    by,
    passwordEncoding && `as ${passwordEncoding}`,
    hash,
    padding,
    byteOrder,
    cipher ?? algorithm,
    content,
  ];
  return parts.filter((part) => part !== undefined && part !== '').join(', ');
}

/** What was tried, under each other; the same again and again is one line. */
function tableOf(attempts: readonly DiagnosisAttempt[]): string[] {
  if (attempts.length === 0) return [];
  const rows = attempts.slice(0, MAX_ROWS).map((attempt) => ({
    result: attempt.opened ? 'opens' : 'no',
    with: attempt.with,
    how: howText(attempt),
  }));
  const heading = { result: 'result', with: 'tried', how: 'how' };
  const result = Math.max(...[heading, ...rows].map((row) => row.result.length));
  const width = Math.max(...[heading, ...rows].map((row) => row.with.length));
  const lines = [heading, ...rows].map((row) =>
    `${row.result.padEnd(result)}  ${row.with.padEnd(width)}  ${row.how}`.trimEnd(),
  );
  const more = attempts.length - rows.length;
  return ['', ...lines, ...(more > 0 ? [`and ${more} more: see --json`] : [])];
}

function howText({
  padding,
  byteOrder,
  cipher,
  passwordEncoding,
  tried,
}: DiagnosisAttempt): string {
  const parts = [
    padding,
    byteOrder,
    cipher,
    passwordEncoding,
    tried === undefined ? undefined : `${tried} ways`,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

const OUTCOMES: Readonly<Record<Diagnosis['outcome'], string>> = {
  opened: 'it opens',
  closed: 'nothing at hand opens it',
  damaged: 'damaged',
  'nothing-to-open': 'there is nothing to open',
};
/** A screen. */
const MAX_ROWS = 24;
