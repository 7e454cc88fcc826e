/** A key container: an exchange key and a signature key under one name, with their certificates. */
import { encodeCertificate, encodeTbsCertificate } from '../cms/certificate.ts';
import { isAtLeast } from '../contracts/protection-level.ts';
import type {
  Isolation,
  KeyScope,
  LegacyKeySpec,
  PendingKey,
  PersistedKey,
  Posture,
  Provider,
} from '../contracts/provider.ts';
import { ToBeSigned } from '../contracts/to-be-signed.ts';
import { equalBytes } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import { signerOf } from '../keys/certificate-signer.ts';
import { defaultScheme, type KeyAlgorithm } from '../keys/key-algorithms.ts';
import { keyIdentifier } from '../keys/key-identifier.ts';
import type { SecretBytes } from '../keys/secret-bytes.ts';
import type { SigningIdentity } from '../messages/sign-message.ts';
import type { ContainerAlgorithm } from './types.ts';

/** Certificates of a container's two keys, DER. */
export interface ContainerCertificates {
  readonly signing: Uint8Array;
  readonly exchange: Uint8Array;
}

/** Where private keys are used, and what that is worth. */
type ContainerProtection = Pick<Posture, 'inMemory' | 'level' | 'couldRead'>;

/** A container whose keys are open. */
export interface OpenContainer extends ContainerCertificates {
  readonly name: string;
  readonly exchangeKey: PersistedKey;
  readonly exchangeKeyId: Uint8Array;
  /** The exchange key itself where that signs too. */
  readonly signatureKey: PersistedKey;
  readonly identity: SigningIdentity;
  /** Of the weaker one of its keys. */
  readonly protection: ContainerProtection;
  close(): Promise<void>;
}

export interface ContainerOptions {
  readonly algorithm: ContainerAlgorithm;
  readonly exportable: boolean;
  readonly scope?: KeyScope;
  readonly overwrite?: boolean;
  readonly isolation?: Isolation;
  readonly notBefore: Date;
}

/** Both certificates lie with the exchange key as this property, so that any provider can keep them (NCryptSetProperty). */
const SIGNING_PROPERTY = 'custom:keycask-signing-certificate';
const EXCHANGE_PROPERTY = 'custom:keycask-exchange-certificate';
/** Of a container that signs no more: sealed with the key, so that no other file can make it the current one again. */
const RETIRED_PROPERTY = 'custom:keycask-retired';

/** Name of the provider whose keys are in an agent. */
const AGENT = 'isolated';
/** The keys may be the only ones that open a home: nobody is told to delete them. */
const UNFINISHED_HINT =
  'Restore the key files from a copy: keys/ of the home, or for cryptoapi %APPDATA%\\keycask. Delete the container only if no home ever used it.';

const ALGORITHMS: Record<
  ContainerAlgorithm,
  { exchange: KeyAlgorithm; signature: KeyAlgorithm; length?: number }
> = {
  'p-256': { exchange: 'ECDH_P256', signature: 'ECDSA_P256' },
  'p-384': { exchange: 'ECDH_P384', signature: 'ECDSA_P384' },
  'rsa-2048': { exchange: 'RSA', signature: 'RSA', length: 2048 },
  'rsa-3072': { exchange: 'RSA', signature: 'RSA', length: 3072 },
  'rsa-4096': { exchange: 'RSA', signature: 'RSA', length: 4096 },
};
const CONTAINER_ALGORITHMS = Object.keys(ALGORITHMS) as ContainerAlgorithm[];

/** P-256, which is fast; RSA where the provider has no elliptic curves. */
export function defaultAlgorithm({ capabilities }: Provider): ContainerAlgorithm {
  const { algorithms, rsaLengths } = capabilities;
  if (algorithms.includes('ECDH_P256')) return 'p-256';
  // Many a TPM has RSA with 2048 bits and no more.
  return rsaLengths.includes(3072) || !rsaLengths.includes(2048) ? 'rsa-3072' : 'rsa-2048';
}

/** Makes a container of two new keys and certifies them. */
export async function createContainer(
  provider: Provider,
  name: string,
  options: ContainerOptions,
): Promise<OpenContainer> {
  const chosen = ALGORITHMS[options.algorithm];
  if (!chosen)
    throw new KeyStoreError(
      'ALGORITHM_UNSUPPORTED',
      `there is no container algorithm ${options.algorithm}: want ${CONTAINER_ALGORITHMS.join(', ')}`,
    );
  requireAbility(provider, chosen);
  const ask = async (algorithm: KeyAlgorithm, spec: LegacyKeySpec) => {
    const { scope = 'user', overwrite = false, isolation = 'none' } = options;
    const pending = await provider.createPersistedKey(
      algorithm,
      persistedName(provider, name),
      spec,
      { scope, overwrite, isolation },
    );
    if (chosen.length) await pending.setProperty('length', chosen.length);
    const allowed = options.exportable;
    await pending.setProperty('exportPolicy', {
      export: allowed,
      plaintextExport: allowed,
      archive: allowed,
      plaintextArchive: allowed,
    });
    return pending;
  };
  const exchange = await ask(chosen.exchange, 'AT_KEYEXCHANGE');
  if (chosen.exchange === 'RSA') await bindToDecrypt(provider, exchange);
  const signature = await ask(chosen.signature, 'AT_SIGNATURE');
  return finalizeBoth({ exchange, signature }, ({ exchangeKey, signatureKey }) =>
    certify(name, exchangeKey, signatureKey, options.notBefore),
  );
}

/**
 * An agent opens SIMPLEBLOBs with keys that do not sign only. An exchange key beside a signature key signs nothing; elsewhere it may, as CryptoAPI
 * documents it.
 */
async function bindToDecrypt(provider: Provider, exchange: PendingKey): Promise<void> {
  if (provider.name === AGENT) await exchange.setProperty('keyUsage', ['decrypt']);
}

/** An EC key agrees, and can do nothing else. */
function ignoreWrongUsage(error: unknown): void {
  if (!KeyStoreError.is(error) || error.code !== 'PARAMETER_INVALID') throw error;
}

/** Before a key is made: some CSPs have no long keys, or do not sign with SHA-256. */
function requireAbility(
  { name, capabilities }: Provider,
  { exchange, signature, length }: (typeof ALGORITHMS)[ContainerAlgorithm],
): void {
  const { algorithms, rsaLengths, signs } = capabilities;
  const scheme = defaultScheme(signature);
  const lacks =
    [exchange, signature].find((algorithm) => !algorithms.includes(algorithm)) ??
    (length === undefined || rsaLengths.includes(length) ? undefined : `RSA of ${length} bits`) ??
    (scheme === undefined || signs.includes(scheme) ? undefined : scheme);
  if (lacks === undefined) return;
  throw new KeyStoreError('ALGORITHM_UNSUPPORTED', `the provider ${name} has no ${lacks}`, {
    hint: 'Choose another --algorithm, or another --provider-name; `keycask doctor` tells what the providers have.',
  });
}

interface ContainerPair {
  readonly exchangeKey: PersistedKey;
  /** The exchange key itself where that signs too. */
  readonly signatureKey: PersistedKey;
}

/**
 * Makes the keys of a container. Both were asked for before: a name of which another application has one half is refused while nothing is
 * made yet, since CryptoAPI cannot take a single key out of a container again.
 */
async function finalizeBoth<Result>(
  pending: { readonly exchange: PendingKey; readonly signature: PendingKey | undefined },
  finishPair: (pair: ContainerPair) => Promise<Result>,
): Promise<Result> {
  const exchangeKey = await pending.exchange.finalize();
  let signatureKey: PersistedKey | undefined;
  try {
    signatureKey = await pending.signature?.finalize();
    return await finishPair({ exchangeKey, signatureKey: signatureKey ?? exchangeKey });
  } catch (error) {
    // Half a container is of use to nobody, and would hold its name.
    for (const key of [signatureKey, exchangeKey]) await key?.delete().catch(() => undefined);
    throw error;
  }
}

/** Private keys of a container, PKCS#8 DER, and their certificates. Whoever holds the object owns, and wipes, the keys. */
export interface ContainerKeys {
  readonly exchange: SecretBytes;
  /** Absent where the exchange key signs too. */
  readonly signature?: SecretBytes;
  /** Without them new ones are issued, and what the old ones were pinned for no longer verifies. */
  readonly certificates?: ContainerCertificates;
}

/** Brings in private keys that were made elsewhere. Without a signature key the exchange key signs, as CryptoAPI documents it. */
export async function importContainer(
  provider: Provider,
  name: string,
  keys: ContainerKeys,
  notBefore: Date,
): Promise<OpenContainer> {
  const ask = (privateKey: SecretBytes, spec: LegacyKeySpec) =>
    provider.importKey(privateKey, persistedName(provider, name), spec);
  const exchange = await ask(keys.exchange, 'AT_KEYEXCHANGE');
  if (!keys.signature) await exchange.setProperty('keyUsage', ['decrypt', 'sign']);
  else await bindToDecrypt(provider, exchange).catch(ignoreWrongUsage);
  const signature = keys.signature && (await ask(keys.signature, 'AT_SIGNATURE'));
  return finalizeBoth({ exchange, signature }, async (pair) => {
    if (!keys.certificates) return certify(name, pair.exchangeKey, pair.signatureKey, notBefore);
    requireTheirs(keys.certificates, pair);
    return finish(name, { ...pair, ...keys.certificates });
  });
}

/** @throws KeyStoreError PARAMETER_INVALID for certificates of other keys. */
function requireTheirs(
  { signing, exchange }: ContainerCertificates,
  { signatureKey, exchangeKey }: ContainerPair,
): void {
  const areTheirs =
    equalBytes(signerOf(signing).publicKey, signatureKey.publicKey) &&
    equalBytes(signerOf(exchange).publicKey, exchangeKey.publicKey);
  if (!areTheirs)
    throw new KeyStoreError('PARAMETER_INVALID', 'the certificates are not those of the keys');
}

/** From now on the container only opens what it opened before. */
export async function retire(container: OpenContainer): Promise<void> {
  if (!(await isRetired(container)))
    await container.exchangeKey.setProperty(RETIRED_PROPERTY, Uint8Array.of(1));
}

export async function isRetired({ exchangeKey }: OpenContainer): Promise<boolean> {
  return (await exchangeKey.getProperty(RETIRED_PROPERTY)) !== undefined;
}

/** A provider without a place to write makes ephemeral keys. */
function persistedName({ capabilities }: Provider, name: string): string | null {
  return capabilities.persisted ? name : null;
}

/** @throws KeyStoreError CONTAINER_NOT_FOUND (NTE_BAD_KEYSET), and what opening a key throws. */
export async function openContainer(
  provider: Provider,
  name: string,
  scope: KeyScope = 'user',
): Promise<OpenContainer> {
  const exchangeKey = await provider.openKey(name, 'AT_KEYEXCHANGE', { scope });
  const signatureKey = await openSignatureKey(provider, name, scope, exchangeKey);
  const signing = await exchangeKey.getProperty(SIGNING_PROPERTY);
  const exchange = await exchangeKey.getProperty(EXCHANGE_PROPERTY);
  if (!signing || !exchange)
    throw new KeyStoreError(
      'KEY_FILE_DAMAGED',
      `the container ${name} has no certificates: it was never finished, or what lay beside its keys is lost`,
      { hint: UNFINISHED_HINT },
    );
  return opened(name, { exchangeKey, signatureKey, signing, exchange });
}

// oxlint-disable-next-line max-params -- the provider's own arguments, and the key to fall back to
async function openSignatureKey(
  provider: Provider,
  name: string,
  scope: KeyScope,
  exchangeKey: PersistedKey,
): Promise<PersistedKey> {
  try {
    return await provider.openKey(name, 'AT_SIGNATURE', { scope });
  } catch (error) {
    if (
      KeyStoreError.is(error) &&
      error.code === 'CONTAINER_NOT_FOUND' &&
      exchangeKey.algorithm === 'RSA'
    )
      return exchangeKey;
    throw error;
  }
}

// oxlint-disable-next-line max-params -- a container is a name and two keys
async function certify(
  name: string,
  exchangeKey: PersistedKey,
  signatureKey: PersistedKey,
  notBefore: Date,
): Promise<OpenContainer> {
  const scheme = schemeOf(signatureKey);
  const issuerKeyId = keyIdentifier(signatureKey.publicKey);
  const issue = async (role: 'signature' | 'exchange', { publicKey }: PersistedKey) => {
    const tbs = await encodeTbsCertificate({
      role,
      publicKey,
      keyId: keyIdentifier(publicKey),
      issuerKeyId,
      notBefore,
      scheme,
    });
    return encodeCertificate(
      tbs,
      scheme,
      await signatureKey.sign(ToBeSigned.certificate(scheme, tbs)),
    );
  };
  const signing = await issue('signature', signatureKey);
  const exchange = await issue('exchange', exchangeKey);
  return finish(name, { exchangeKey, signatureKey, signing, exchange });
}

async function finish(
  name: string,
  parts: ContainerCertificates & ContainerPair,
): Promise<OpenContainer> {
  await parts.exchangeKey.setProperty(EXCHANGE_PROPERTY, parts.exchange);
  // Last: a container with this property is finished.
  await parts.exchangeKey.setProperty(SIGNING_PROPERTY, parts.signing);
  return opened(name, parts);
}

async function opened(
  name: string,
  parts: ContainerCertificates & ContainerPair,
): Promise<OpenContainer> {
  const { exchangeKey, signatureKey, signing, exchange } = parts;
  return {
    name,
    exchangeKey,
    signing,
    exchange,
    exchangeKeyId: keyIdentifier(exchangeKey.publicKey),
    signatureKey,
    identity: {
      ...signerOf(signing),
      publicKey: signatureKey.publicKey,
      scheme: schemeOf(signatureKey),
      sign: (message) => signatureKey.sign(message),
    },
    protection: await protectionOf(parts),
    close: async () => {
      await exchangeKey.close();
      if (signatureKey !== exchangeKey) await signatureKey.close();
    },
  };
}

async function protectionOf({ exchangeKey, signatureKey }: ContainerPair) {
  const exchange = await exchangeKey.getProperty('posture');
  if (signatureKey === exchangeKey) return exchange;
  const signature = await signatureKey.getProperty('posture');
  return isAtLeast(exchange.level, signature.level) ? signature : exchange;
}

function schemeOf(key: PersistedKey) {
  const scheme = defaultScheme(key.algorithm);
  if (!scheme)
    throw new KeyStoreError('ALGORITHM_UNSUPPORTED', `a ${key.algorithm} key cannot sign`);
  return scheme;
}
