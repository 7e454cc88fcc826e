/** keycask trust: whose records are believed. */
import type { Command } from 'commander';
import type { TrustedSignerInfo } from '../../session-key-store/types.ts';
import { readCertificate, toPem } from '../certificate-file.ts';
import { action, type Invocation } from '../context.ts';
import { openStore, openStoreReadOnly } from '../open-store.ts';
import { examples } from '../options.ts';
import type { Column } from '../output.ts';
import { addTrustPolicy } from './trust-policy.ts';

/** For people and for JSON: PEM. */
type SignerRow = Omit<TrustedSignerInfo, 'certificate'> & { readonly certificate: string };

const COLUMNS: readonly Column<SignerRow>[] = [
  { heading: 'KEY ID', width: 40, text: ({ keyId }) => keyId },
  { heading: 'STATE', width: 7, text: ({ state }) => state },
  { heading: 'NAME', text: ({ name }) => name },
];

export function addTrust(program: Command, invocation: Invocation): void {
  const group = program.command('trust').description('Whose records are believed.');
  examples(group, 'keycask trust list');
  addTrustList(group, invocation);
  addTrustAdd(group, invocation);
  addTrustAdopt(group, invocation);
  addTrustRevoke(group, invocation);
  addTrustPolicy(group, invocation);
}

function addTrustList(group: Command, invocation: Invocation): void {
  const command = group
    .command('list')
    .description('List the signers that this home knows: its own, retired, pinned, revoked.')
    .action(
      action(invocation, async (context) => {
        await using store = await openStoreReadOnly(context);
        await context.output.table(COLUMNS, store.listSigners().map(toRow));
      }),
    );
  examples(command, 'keycask trust list');
}

function addTrustAdd(group: Command, invocation: Invocation): void {
  const command = group
    .command('add')
    .description(
      "Trust somebody else's signing key: his records can be imported, his files decrypted.",
    )
    .argument(
      '<cert>',
      'certificate file (PEM or DER), from `keycask container certificate --signing`',
    )
    .argument('[name]', 'what you call him')
    .action(
      action(invocation, async (context, path: string, name: string | undefined) => {
        const certificate = await readCertificate(path);
        // Where he shares the store of this home, its log may be his already.
        await using store = await openStore(context, { alsoTrust: [certificate] });
        const signer = await store.trustSigner(certificate, name);
        context.output.result(toRow(signer), signer.keyId);
      }),
    );
  examples(command, 'keycask trust add alice.pem alice');
}

function addTrustAdopt(group: Command, invocation: Invocation): void {
  const command = group
    .command('adopt')
    .description('Make a decrypt-only key a full one: you know where it comes from.')
    .argument('<id>', 'id, unique prefix of one, or label')
    .action(
      action(invocation, async (context, query: string) => {
        await using store = await openStore(context);
        const { id, version, label, provenance } = await store.adopt(query);
        context.output.result({ id, version, label, provenance }, id);
      }),
    );
  examples(command, 'keycask trust adopt 5f3a');
}

function addTrustRevoke(group: Command, invocation: Invocation): void {
  const command = group
    .command('revoke')
    .description('End all trust in a signer, for good. What only he signed opens no more.')
    .argument('<signer>', 'name, key id, or unique prefix of one, from `keycask trust list`')
    .action(
      action(invocation, async (context, query: string) => {
        await using store = await openStore(context);
        const signer = await store.revokeSigner(query);
        context.output.result(toRow(signer), signer.keyId);
      }),
    );
  examples(command, 'keycask trust revoke alice');
}

function toRow({ certificate, ...signer }: TrustedSignerInfo): SignerRow {
  return { ...signer, certificate: toPem(certificate) };
}
