/** Calls of the cng provider that fail midway: every handle is freed, once, and no key is left that was not finished. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { loadNCrypt, type NCrypt } from '../../native-bindings/ncrypt.ts';
import { KeyStoreError } from '../../lib/errors.ts';
import type { Provider } from '../../lib/contracts/provider.ts';
import { SecretBytes } from '../../lib/keys/secret-bytes.ts';
import { openCngProvider } from '../../lib/providers/cng/index.ts';
import { message, recordFor } from '../../lib/testing/provider/test-messages.ts';
import { isDouble, makeKey, newName, openCngProviderOn, openHandles } from '../support/cng.ts';
import { codeOfAsync } from '../support/errors.ts';
import { FaultyNCrypt } from '../support/faulty-ncrypt.ts';
import { useOwnKeys } from '../support/own-keys.ts';

useOwnKeys();

const RSA = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;

/** What a program does with keys, every call of which can fail. Tells how far it came. */
async function live(provider: Provider, name: string, progress: string[]): Promise<void> {
  const pending = await provider.createPersistedKey('ECDH_P256', name, 'AT_KEYEXCHANGE');
  await pending.setProperty('custom:note', new Uint8Array(3));
  await pending.setProperty('uiPolicy', { level: 'protect', title: 'a title' });
  const key = await pending.finalize();
  progress.push('made');
  const { record } = await recordFor(key.publicKey);
  (await key.unwrap(record, 0)).dispose();
  (await key.exportKey('pkcs8')).dispose();
  await key.setProperty('custom:note', new Uint8Array(1 << 20));
  await key.getProperty('custom:note');
  await key.setProperty('keyUsage', ['agree']);
  for await (const info of provider.listKeys()) if (info.name === name) progress.push('listed');
  const other = await provider.openKey(name, 'AT_KEYEXCHANGE');
  await other.delete();
  progress.push('deleted');
  await codeOfAsync(provider.openKey(name, 'AT_KEYEXCHANGE'));
  await using signer = await makeKey(provider, null);
  await signer.sign(message('ecdsa-sha256'));
  using pkcs8 = SecretBytes.take(RSA.export({ type: 'pkcs8', format: 'der' }));
  const imported = await provider.importKey(pkcs8, name, 'AT_KEYEXCHANGE');
  await using exchange = await imported.finalize({ writeToLegacyStore: true });
  const oaep = await recordFor(exchange.publicKey, 'oaep-sha256');
  (await exchange.unwrap(oaep.record, 0)).dispose();
  await exchange.delete();
}

/** One life, of which a call fails: which, and what of it is not right. */
async function liveWithFault(failAt: number): Promise<{ failed: string; wrong: string[] }> {
  const faulty = new FaultyNCrypt(await loadNCrypt(), failAt);
  const before = await openHandles();
  const provider = await openCngProviderOn(faulty.ncrypt);
  const name = newName();
  const progress: string[] = [];
  const failure = await live(provider, name, progress).then(
    () => undefined,
    (error: unknown) => error,
  );
  await provider.close();
  const { failed, freedTwice } = faulty;
  const wrong = freedTwice.map((call) => `${call} with a handle that was free`);
  const left = (await openHandles()) - before;
  if (left !== 0) wrong.push(`${left} handles left`);
  if (failure !== undefined && told(failure) !== expected(failed)) wrong.push(told(failure));
  if (!progress.includes('made') && (await isThere(name))) wrong.push('a key is left');
  await removeAll(name);
  return { failed, wrong: wrong.map((what) => `call ${failAt}, ${failed}: ${what}`) };
}

describe.runIf(isDouble)('calls that fail midway (on the ncrypt double)', () => {
  it(
    'leave no handle and no unfinished key, and are told by name',
    { timeout: 300_000 },
    async () => {
      const failed = new Set<string>();
      for (let failAt = 1, isOver = false; !isOver; failAt++) {
        const life = await liveWithFault(failAt);
        expect(life.wrong).toEqual([]);
        failed.add(life.failed);
        isOver = life.failed === '';
      }
      const real = await loadNCrypt();
      const used = Object.keys(real).filter((name) => !NOT_USED.has(name));
      expect([...failed].toSorted()).toEqual(['', ...used].toSorted());
    },
  );
});

/** A failed unwrap does not tell what failed; everything else does. */
function expected(call: string): string {
  return UNWRAPPING.has(call) ? 'KEY_UNWRAP_FAILED' : `IO_FAILED ${call} 0x80090020`;
}

function told(failure: unknown): string {
  if (!KeyStoreError.is(failure)) throw failure;
  const { code, native } = failure;
  return native ? `${code} ${native.api} 0x${native.value.toString(16)}` : code;
}

async function isThere(name: string): Promise<boolean> {
  await using provider = await openCngProvider();
  for await (const info of provider.listKeys()) if (info.name === name) return true;
  return false;
}

/** Deletes both keys that a life may have left. */
async function removeAll(name: string): Promise<void> {
  await using provider = await openCngProvider();
  for await (const info of provider.listKeys())
    if (info.name === name) await (await provider.openKey(name, info.legacyKeySpec)).delete();
}

const UNWRAPPING: ReadonlySet<string> = new Set<keyof NCrypt>([
  'importKey',
  'secretAgreement',
  'deriveKey',
  'decrypt',
]);
/** What the provider never calls, or only when it is opened or asked of another application's key; what frees, and does not fail. */
const NOT_USED: ReadonlySet<string> = new Set<keyof NCrypt>([
  'openStorageProvider',
  'enumStorageProviders',
  'isAlgSupported',
  'encrypt',
  'verifySignature',
  'getUiPolicy',
  'freeObject',
]);
