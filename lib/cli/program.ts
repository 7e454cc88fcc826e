/** The program: global options and every command. Commands load what they need when they run, so that help is quick. */
import { Command } from 'commander';
import packageFile from '../../package.json' with { type: 'json' };
import { addAgent } from './commands/agent.ts';
import { addCompletion } from './commands/completion.ts';
import { addContainer } from './commands/container.ts';
import { addCreate } from './commands/create.ts';
import { addDecrypt } from './commands/decrypt.ts';
import { addDiagnose } from './commands/diagnose.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEncrypt } from './commands/encrypt.ts';
import { addInit } from './commands/init.ts';
import { addInspect } from './commands/inspect.ts';
import { addList } from './commands/list.ts';
import { addMigrate } from './commands/migrate.ts';
import { addRecord } from './commands/record.ts';
import { addRemove } from './commands/remove.ts';
import { addRewrap } from './commands/rewrap.ts';
import { addRotate } from './commands/rotate.ts';
import { addShow } from './commands/show.ts';
import { addStore } from './commands/store.ts';
import { addTrust } from './commands/trust.ts';
import { addVerify } from './commands/verify.ts';
import type { Invocation } from './context.ts';
import { addGlobalOptions, examples } from './options.ts';

/** In the order of the help: what one does first comes first. */
const COMMANDS = [
  addInit,
  addEncrypt,
  addDecrypt,
  addCreate,
  addList,
  addShow,
  addVerify,
  addRewrap,
  addRotate,
  addRemove,
  addRecord,
  addContainer,
  addTrust,
  addStore,
  addAgent,
  addInspect,
  addDiagnose,
  addMigrate,
  addDoctor,
  addCompletion,
];

export function createProgram(invocation: Invocation): Command {
  const program = new Command('keycask')
    .description(
      'Stores session keys: wrapped, signed, verified before use. Encrypts files with them.',
    )
    .version(packageFile.version, '--version', 'print the version')
    .helpOption('-h, --help', 'print help with an example')
    .configureHelp({ showGlobalOptions: true })
    // Errors are printed in our own form, by main.
    .configureOutput({ outputError: () => undefined })
    .exitOverride();
  addGlobalOptions(program);
  examples(
    program,
    'keycask init',
    'keycask encrypt report.pdf',
    'keycask decrypt report.pdf.cask -o restored.pdf',
  );
  for (const add of COMMANDS) add(program, invocation);
  return program;
}
