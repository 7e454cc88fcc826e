/**
 * What a call of the providers of Windows costs beside the native call in it, in one run, turn by turn: `npm run bench:wine`, or on Windows
 * `node --import tsx bench/windows-providers.ts`.
 *
 * The native call is koffi alone, off this thread where it uses a private key, as a provider has to make it: it may ask a person, and it takes
 * milliseconds. What handing it over costs is koffi's and libuv's, and is printed too.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import process from 'node:process';
import koffi from 'koffi';
import type { PersistedKey, Provider } from '../lib/contracts/provider.ts';
import { openCngProvider } from '../lib/providers/cng/index.ts';
import { SecretBytes } from '../lib/keys/secret-bytes.ts';
import { openCryptoApiProvider } from '../lib/providers/cryptoapi/index.ts';
import { message, recordFor } from '../lib/testing/provider/test-messages.ts';

const LIMIT_US = 50;
const ROUNDS = 3000;
const WARM_UP = 200;
const NAME = 'keycask bench';
/** Bytes. A short key: what a provider adds does not depend on its length, and is seen better beside a short call. */
const MODULUS = 128;

type Native = ReturnType<ReturnType<typeof koffi.load>['func']>;

/** The same work three times: by the provider, by the bare calls, and by these on this thread. */
interface Sides {
  readonly ours: () => Promise<unknown>;
  readonly native: () => Promise<unknown>;
  readonly onThisThread: () => unknown;
}

await using cryptoApi = await openCryptoApiProvider();
await compare(cryptoApi, 'cryptoapi', cryptoApiSides);
await using cng = await openCngProvider();
// Wine's own ncrypt keeps no keys.
if (cng.capabilities.persisted) await compare(cng, 'cng', cngSides);

// oxlint-disable-next-line max-params -- a provider, and the native side of it
async function compare(
  provider: Provider,
  name: string,
  sidesOf: (key: PersistedKey) => Promise<Record<'sign' | 'unwrap', Sides>>,
): Promise<void> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 8 * MODULUS });
  using pkcs8 = SecretBytes.take(privateKey.export({ type: 'pkcs8', format: 'der' }));
  const options = { overwrite: true };
  const pending = await provider.importKey(pkcs8, NAME, 'AT_KEYEXCHANGE', options);
  const key = await pending.finalize();
  const sides = await sidesOf(key);
  for (const [what, compared] of Object.entries(sides)) await measure(`${name} ${what}`, compared);
  await key.delete();
}

async function measure(name: string, { ours, native, onThisThread }: Sides): Promise<void> {
  const work = [ours, native, onThisThread] as const;
  const times = work.map((): number[] => []);
  for (let round = -WARM_UP; round < ROUNDS; round++)
    for (let turn = 0; turn < work.length; turn++) {
      // Who goes first changes: nobody always follows the same one.
      const side = (turn + Math.abs(round)) % work.length;
      const start = performance.now();
      const result = work[side]!();
      if (result instanceof Promise) await result;
      if (round >= 0) times[side]!.push(1000 * (performance.now() - start));
    }
  // The least counts: what else the machine does makes a turn longer, never shorter.
  const [oursUs = 0, nativeUs = 0, threadUs = 0] = times.map((each) => Math.min(...each));
  const more = oursUs - nativeUs;
  const verdict = more <= LIMIT_US ? 'ok' : 'TOO SLOW';
  process.stdout.write(
    `${name}: ${oursUs.toFixed(0)} us against ${nativeUs.toFixed(0)} us: ${(oursUs / nativeUs).toFixed(3)} times, ` +
      `${more.toFixed(1)} us more (limit ${LIMIT_US}) ${verdict}; the same call on this thread: ${threadUs.toFixed(0)} us\n`,
  );
}

async function cryptoApiSides(key: PersistedKey): Promise<Record<'sign' | 'unwrap', Sides>> {
  const dll = koffi.load('advapi32.dll');
  const acquire = dll.func(
    'int __stdcall CryptAcquireContextW(_Out_ uintptr_t *, str16, str16, uint32_t, uint32_t)',
  );
  const getUserKey = dll.func(
    'int __stdcall CryptGetUserKey(uintptr_t, uint32_t, _Out_ uintptr_t *)',
  );
  const createHash32 = dll.func(
    'int __stdcall CryptCreateHash(uintptr_t, uint32_t, uintptr_t, uint32_t, _Out_ uintptr_t *)',
  );
  const hashData = dll.func('int __stdcall CryptHashData(uintptr_t, void *, uint32_t, uint32_t)');
  const signHash = dll.func(
    'int __stdcall CryptSignHashW(uintptr_t, uint32_t, str16, uint32_t, void *, _Inout_ uint32_t *)',
  );
  const destroyHash = dll.func('int __stdcall CryptDestroyHash(uintptr_t)');
  const decrypt = dll.func(
    'int __stdcall CryptDecrypt(uintptr_t, uintptr_t, int, uint32_t, void *, _Inout_ uint32_t *)',
  );
  const [context, pair] = [[0n], [0n]];
  acquire(context, NAME, 'Microsoft Enhanced RSA and AES Cryptographic Provider', 24, 0x40);
  getUserKey(context[0], 1, pair);
  const toBeSigned = message('rsa-pkcs1-sha256');
  const signed = (call: (hash: bigint, signature: Uint8Array) => unknown): unknown => {
    const hash = [0n];
    createHash32(context[0], 0x800c, 0n, 0, hash);
    hashData(hash[0], toBeSigned.bytes, toBeSigned.bytes.length, 0);
    const done = call(hash[0]!, new Uint8Array(MODULUS));
    if (!(done instanceof Promise)) return destroyHash(hash[0]);
    return done.then(() => destroyHash(hash[0]) as unknown);
  };
  const { record, encrypted } = await recordOf(key, 'oaep-sha1');
  const reversed = encrypted.toReversed();
  const unwrapArguments = (): unknown[] => {
    const data = Uint8Array.from(reversed);
    return [pair[0], 0n, 1, 0x40, data, [MODULUS]];
  };
  return {
    sign: {
      ours: () => key.sign(toBeSigned),
      native: async () =>
        signed((hash, signature) => offThread(signHash, hash, 1, null, 0, signature, [MODULUS])),
      onThisThread: () =>
        signed((hash, signature) => signHash(hash, 1, null, 0, signature, [MODULUS]) as unknown),
    },
    unwrap: {
      ours: async () => (await key.unwrap(record, 0)).dispose(),
      native: () => offThread(decrypt, ...unwrapArguments()),
      onThisThread: () => decrypt(...unwrapArguments()) as unknown,
    },
  };
}

async function cngSides(key: PersistedKey): Promise<Record<'sign' | 'unwrap', Sides>> {
  const dll = koffi.load('ncrypt.dll');
  const Pkcs1 = koffi.struct({ pszAlgId: 'str16' });
  const Oaep = koffi.struct({ pszAlgId: 'str16', pbLabel: 'void *', cbLabel: 'uint32_t' });
  const openProvider = dll.func(
    'uint32_t __stdcall NCryptOpenStorageProvider(_Out_ uintptr_t *, str16, uint32_t)',
  );
  const openKey = dll.func(
    'uint32_t __stdcall NCryptOpenKey(uintptr_t, _Out_ uintptr_t *, str16, uint32_t, uint32_t)',
  );
  const use = [
    'uintptr_t',
    'void *',
    'uint32_t',
    'void *',
    'void *',
    'uint32_t',
    '_Out_ uint32_t *',
    'uint32_t',
  ];
  const decrypt = dll.func('__stdcall', 'NCryptDecrypt', 'uint32_t', use);
  const signHash = dll.func(
    'uint32_t __stdcall NCryptSignHash(uintptr_t, void *, void *, uint32_t, void *, uint32_t, _Out_ uint32_t *, uint32_t)',
  );
  const [provider, handle] = [[0n], [0n]];
  openProvider(provider, 'Microsoft Software Key Storage Provider', 0);
  openKey(provider[0], handle, NAME, 1, 0);
  const toBeSigned = message('rsa-pkcs1-sha256');
  const pkcs1 = koffi.as({ pszAlgId: 'SHA256' }, koffi.pointer(Pkcs1));
  const oaep = koffi.as({ pszAlgId: 'SHA256', pbLabel: null, cbLabel: 0 }, koffi.pointer(Oaep));
  const { record, encrypted } = await recordOf(key, 'oaep-sha256');
  const signArguments = (): unknown[] => {
    const digest = createHash('sha256').update(toBeSigned.bytes).digest();
    return [handle[0], pkcs1, digest, digest.length, new Uint8Array(MODULUS), MODULUS, [0], 2];
  };
  const unwrapArguments = (): unknown[] => {
    const output = new Uint8Array(MODULUS);
    return [handle[0], encrypted, MODULUS, oaep, output, MODULUS, [0], 4];
  };
  return {
    sign: {
      ours: () => key.sign(toBeSigned),
      native: () => offThread(signHash, ...signArguments()),
      onThisThread: () => signHash(...signArguments()) as unknown,
    },
    unwrap: {
      ours: async () => (await key.unwrap(record, 0)).dispose(),
      native: () => offThread(decrypt, ...unwrapArguments()),
      onThisThread: () => decrypt(...unwrapArguments()) as unknown,
    },
  };
}

async function recordOf(key: PersistedKey, rsa: 'oaep-sha1' | 'oaep-sha256') {
  const { record } = await recordFor(key.publicKey, rsa);
  const [recipient] = record.recipients;
  if (recipient?.type !== 'rsa-oaep') throw new TypeError('the record is of another kind');
  return { record, encrypted: recipient.encryptedKey };
}

function offThread(call: Native, ...args: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call.async(...args, (error: Error | null, result: unknown) =>
      error ? reject(error) : resolve(result),
    );
  });
}
