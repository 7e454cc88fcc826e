/** Somebody who has a copy of a replaced container's keys, and can write everything in the home but its keys. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { signerOf } from '../../../lib/keys/certificate-signer.ts';
import { keyIdentifier } from '../../../lib/keys/key-identifier.ts';
import type { SecretBytes } from '../../../lib/keys/secret-bytes.ts';
import { openSoftwareProvider } from '../../../lib/providers/software/index.ts';
import type { SigningIdentity } from '../../../lib/messages/sign-message.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import {
  decodeManifestLine,
  encodeManifestLine,
} from '../../../lib/stores/manifest/manifest-line.ts';
import { signManifestEntry } from '../../../lib/stores/manifest/manifest-entry.ts';
import type { TrustList } from '../../../lib/trust/trust-list.ts';
import { Trust } from '../../../lib/trust/trust.ts';
import { codeOfAsync } from '../../support/errors.ts';
import { sha256 } from '../../support/manifest.ts';
import { newStore, type TemporaryHome } from '../../support/temporary-home.ts';

/** What a copy of a signature key signs with. */
async function thiefOf(pkcs8: SecretBytes, certificate: Uint8Array): Promise<SigningIdentity> {
  const provider = await openSoftwareProvider();
  onTestFinished(() => provider.close());
  const pending = await provider.importKey(pkcs8, null, 'AT_SIGNATURE');
  const key = await pending.finalize();
  expect(keyIdentifier(key.publicKey)).toEqual(signerOf(certificate).keyId);
  return { ...signerOf(certificate), scheme: 'ecdsa-sha256', sign: (message) => key.sign(message) };
}

/**
 * Enters a trust list that calls the thief's container the current one. The entry that ends the rule of the true one claims to be by
 * him: only the newest signature of a manifest is checked, and the one after it is the thief's own.
 */
async function seizeHome({ home }: TemporaryHome, thief: SigningIdentity): Promise<void> {
  const path = join(home, 'manifest.log');
  const lines = (await readFile(path, 'latin1')).split('\n').filter((line) => line !== '');
  let newest = decodeManifestLine(lines.at(-1)!)!;
  const { list, current } = Trust.read(new Uint8Array(await readFile(join(home, 'trust.cms'))));
  const containers = list.containers
    .filter(({ state }) => state !== 'current')
    .map((container) => ({ ...container, signing: thief.certificate, state: 'current' as const }));
  for (const keyId of [current.keyId, thief.keyId]) {
    const trustVersion = list.trustVersion + (keyId === thief.keyId ? 2 : 1);
    const manifestHead = { index: newest.index, hash: newest.hash };
    const forged: TrustList = { ...list, containers, trustVersion, manifestHead };
    const trust = await Trust.sign(forged, thief, new Date());
    await writeFile(join(home, 'trust.cms'), trust.bytes);
    const change = { kind: 'trust', version: trustVersion, sha256: sha256(trust.bytes) } as const;
    const place = { storeId: list.storeId, index: newest.index + 1, prev: newest.hash };
    const fields = { ...place, signerKeyId: keyId, change };
    newest = await signManifestEntry({ ...thief, keyId }, fields, new Date());
    await appendFile(path, encodeManifestLine(newest.der));
  }
}

it('does not make a replaced container the current one again, for processes that begin and for those that run', async () => {
  const { store, where } = await newStore();
  await using running = await SessionKeyStore.open(where);
  await using reader = await SessionKeyStore.open({ ...where, readOnly: true });
  using key = await store.createKey('reports');
  const { signature, exchange } = await store.exportContainer();
  using _exchange = exchange;
  using stolen = signature!;
  const certificate = await store.certificate('signature');
  await store.rotateContainer();
  (await running.openKey(key.id)).dispose();
  expect((await reader.showKey(key.id)).version).toBe(2);
  await seizeHome(where, await thiefOf(stolen, certificate));
  expect(await codeOfAsync(SessionKeyStore.open(where))).toBe('TRUST_INVALID');
  for (const open of [store, running])
    for (let again = 0; again < 2; again++)
      expect(await codeOfAsync(open.showKey(key.id))).toBe('TRUST_INVALID');
});

it('believes no list of a stranger, the second time as little as the first', async () => {
  const { store, where } = await newStore();
  await using reader = await SessionKeyStore.open({ ...where, readOnly: true });
  await using stranger = await SessionKeyStore.inMemory();
  using key = await store.createKey('reports');
  const { signature, exchange } = await stranger.exportContainer();
  using _exchange = exchange;
  using own = signature!;
  await store.rotateContainer();
  await seizeHome(where, await thiefOf(own, await stranger.certificate('signature')));
  for (const open of [store, reader])
    for (let again = 0; again < 2; again++)
      expect(await codeOfAsync(open.showKey(key.id))).toBe('TRUST_INVALID');
});
