/** keycask container certificate, export, import: the keys of a container as files. */
import { parse } from 'node:path';
import type { Command } from 'commander';
import { writeDurably } from '../../platform/durable-file.ts';
import { toPem } from '../certificate-file.ts';
import { action, type Invocation } from '../context.ts';
import { about, usage } from '../errors.ts';
import { openStore, openStoreReadOnly } from '../open-store.ts';
import { examples, forceOption, outOption, type ForceOption, type OutOption } from '../options.ts';
import { encodeDer, encodePem, readContainerKeys } from '../container-file.ts';
import { STANDARD } from '../file-plan.ts';

/** Whoever can read it can open everything. */
const PRIVATE_MODE = 0o600;

export function addContainerKeyCommands(group: Command, invocation: Invocation): void {
  addContainerCertificate(group, invocation);
  addContainerExport(group, invocation);
  addContainerImport(group, invocation);
}

function addContainerCertificate(group: Command, invocation: Invocation): void {
  const command = group
    .command('certificate')
    .description('Print a certificate (PEM): for people who wrap keys for you.')
    .argument('[name]', "default: the home's own container")
    .option('--signing', "the signature key's, for people who verify you: `keycask trust add`")
    .action(
      action<{ signing?: boolean }>(invocation, async (context, name: string | undefined) => {
        await using store = await openStoreReadOnly(context);
        const role = context.options.signing ? 'signature' : 'exchange';
        const certificate = toPem(await store.certificate(role, name));
        context.output.text({ role, certificate }, certificate);
      }),
    );
  examples(
    command,
    'keycask container certificate > mine.pem',
    'keycask container certificate --signing > signer.pem',
  );
}

interface ExportOptions extends OutOption, ForceOption {
  readonly pem?: boolean;
}

function addContainerExport(group: Command, invocation: Invocation): void {
  const command = group
    .command('export')
    .description(
      'Write the private keys of a container to a file that only you can read: PKCS#8, the exchange key first, and their certificates.',
    )
    .argument('[name]', "default: the home's own container")
    .addOption(outOption('output file'))
    .option('--pem', 'as PEM, for openssl; without it as DER, one part after the other')
    .addOption(forceOption('replace an output that is there'))
    .action(
      action<ExportOptions>(invocation, async (context, name: string | undefined) => {
        const { out, pem, force } = context.options;
        if (out === undefined || out === STANDARD)
          throw usage(
            'private keys go to a file, which is made for you alone to read',
            'give one with -o FILE',
          );
        await using store = await openStore(context);
        const keys = await store.exportContainer(name);
        using _exchange = keys.exchange;
        using _signature = keys.signature;
        using file = pem ? encodePem(keys) : encodeDer(keys);
        await writeDurably(out, file.bytes, {
          place: force ? 'replace' : 'create',
          mode: PRIVATE_MODE,
        });
        context.output.result({ target: out, format: pem ? 'pem' : 'der' }, out);
        context.output.note('Whoever can read this file can open everything: keep it offline.');
      }),
    );
  examples(command, 'keycask container export -o archive-keys.pem --pem');
}

function addContainerImport(group: Command, invocation: Invocation): void {
  const command = group
    .command('import')
    .description(
      'Bring private keys in as a retired container: they open what was wrapped for them. PKCS#8 as PEM or DER, or a PRIVATEKEYBLOB.',
    )
    .argument('<file>', 'what `keycask container export` wrote, or one private key')
    .argument('[name]', "name of the container (default: the file's)")
    .action(
      action(invocation, async (context, path: string, name: string | undefined) => {
        const keys = await about(path, () => readContainerKeys(path));
        using _exchange = keys.exchange;
        using _signature = keys.signature;
        await using store = await openStore(context);
        const container = await store.importContainer(name ?? parse(path).name, keys);
        context.output.result(container, container.name);
      }),
    );
  examples(command, 'keycask container import archive-keys.pem old-archive');
}
