/** keycask doctor: what works here, what protects the keys, and what does not. */
import process from 'node:process';
import type { Command } from 'commander';
import { KeyStoreError } from '../../errors.ts';
import type { SessionKeyStore } from '../../session-key-store.ts';
import type { ProviderCapabilities } from '../../contracts/provider.ts';
import type {
  DoctorCheck,
  DoctorReport,
  ProtectionReport,
} from '../../session-key-store/doctor.ts';
import type { ProviderReport } from '../../session-key-store/provider-report.ts';
import { action, type CommandContext, type Invocation } from '../context.ts';
import { openStore, openStoreReadOnly } from '../open-store.ts';
import { examples } from '../options.ts';

/** What the program itself is made of. */
interface Versions {
  readonly keycask: string;
  readonly node: string;
  readonly openssl: string;
  readonly system: string;
}

/** Of a home that did not open only what the machine has. */
type Findings = Pick<DoctorReport, 'providers' | 'checks' | 'limits'> & Partial<DoctorReport>;

export function addDoctor(program: Command, invocation: Invocation): void {
  const command = program
    .command('doctor')
    .summary('check the home, and tell what protects its keys')
    .description('Check the home, and tell what protects its keys and what does not.')
    .action(
      action(invocation, async (context) => {
        const { node, openssl } = process.versions;
        const system = `${process.platform} ${process.arch}`;
        const versions = { keycask: program.version() ?? '', node, openssl, system };
        const report = await examine(context);
        print(context, versions, report);
        if (report.checks.some(({ ok }) => !ok)) context.failures.note('IO_FAILED');
      }),
    );
  examples(command, 'keycask doctor');
}

/** A home that does not open is a finding, not a failure: the rest is looked at all the same. */
async function examine(context: CommandContext): Promise<Findings> {
  const { store, opened } = await openSomehow(context);
  await using _store = store;
  const report = await store.doctor();
  if (store.home !== undefined) return { ...report, checks: [opened, ...report.checks] };
  // What stands in for the home says nothing about the home.
  const { providers, windows, limits } = report;
  const checks = report.checks.filter(({ name }) => PROGRAM_CHECKS.includes(name));
  return {
    providers,
    ...(windows !== undefined && { windows }),
    limits,
    checks: [opened, ...checks],
  };
}

/** Checks of the program and its parts, not of a home. */
const PROGRAM_CHECKS = ['argon2', 'certificates'];

interface Opened {
  readonly store: SessionKeyStore;
  readonly opened: DoctorCheck;
}

async function openSomehow(context: CommandContext): Promise<Opened> {
  try {
    const store = await openStore(context);
    return { store, opened: { name: 'home', ok: true, detail: `${store.home}` } };
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code === 'CANCELLED') throw error;
    const detail = `${error.code}: ${error.message.replace(/\.$/u, '')}. ${error.hint}`;
    const opened = { name: 'home', ok: false, detail };
    try {
      return { store: await openStoreReadOnly(context), opened };
    } catch {
      const { SessionKeyStore: Store } = await import('../../session-key-store.ts');
      return { store: await Store.inMemory(), opened };
    }
  }
}

function print({ output }: CommandContext, versions: Versions, report: Findings): void {
  if (output.json) return output.result({ ...versions, ...report }, '');
  const { keycask, node, openssl, system } = versions;
  const { checks, capabilities, posture, protection, limits } = report;
  output.result({}, `keycask ${keycask}, Node ${node}, OpenSSL ${openssl}, ${system}`);
  if (report.windows !== undefined) output.result({}, report.windows);
  const findings = checks.map(
    ({ name, ok, detail }) => `${ok ? 'ok  ' : 'FAIL'} ${name}: ${detail}`,
  );
  section(output, 'Checks', findings);
  if (report.home !== undefined && capabilities)
    section(output, `Provider of the home, ${report.provider}`, [
      ...abilities(capabilities),
      `private keys are used in: ${capabilities.protectionLevel}`,
    ]);
  section(output, 'Providers here', report.providers.flatMap(linesOf));
  if (posture)
    section(output, 'Private keys of the home', [
      ...(protection ? protectionLines(protection) : []),
      `in use: ${posture.inMemory}; on disk: ${posture.onDisk}`,
      `readable by: ${posture.readableBy.join(', ')}`,
      `usable by: ${posture.usableBy.join(', ')}`,
      `exportable: ${yesOrNo(posture.exportable)}; per boot: ${yesOrNo(posture.perBoot)}`,
      ...posture.notes,
    ]);
  section(output, 'Not protected against', limits);
}

function protectionLines({ level, words, couldRead }: ProtectionReport): string[] {
  return [
    `protection: ${words} ("${level}")`,
    `could still be read in memory by: ${couldRead.inMemory}; on disk by: ${couldRead.onDisk}`,
  ];
}

/** What a provider can do, and who can read its keys; or why it cannot be used. */
function linesOf({ name, available, detail, capabilities }: ProviderReport): string[] {
  if (!available || !capabilities) return [`no  ${detail}`];
  return [`yes ${name}: ${detail}`, ...abilities(capabilities).map((line) => `      ${line}`)];
}

function abilities(can: ProviderCapabilities): string[] {
  const lengths = can.rsaLengths.length > 0 ? ` with ${can.rsaLengths.join(', ')} bits` : '';
  return [
    `algorithms: ${listed(can.algorithms)}; RSA${lengths}`,
    `unwraps: ${listed(can.unwraps)}; OAEP with ${listed(can.oaepHashes)}`,
    `signs: ${listed(can.signs)}`,
    `scopes: ${listed(can.scopes)}; import: ${yesOrNo(can.import)}; legacy store: ${yesOrNo(can.legacyStore)}; session keys made inside: ${yesOrNo(can.sessionKeyBlobs)}`,
  ];
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'nothing' : names.join(', ');
}

function section(
  output: CommandContext['output'],
  heading: string,
  lines: readonly string[],
): void {
  output.result({}, '');
  output.result({}, `${heading}:`);
  for (const line of lines) output.result({}, `  ${line}`);
}

function yesOrNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
