/** Looking after key containers: list, show, make, rotate, delete, protect, export, import. */
import { equalBytes, toHex } from '../bytes/octets.ts';
import { isHardware } from '../contracts/protection-level.ts';
import type {
  Isolation,
  KeyScope,
  LegacyKeySpec,
  PersistedKeyInfo,
} from '../contracts/provider.ts';
import { KeyStoreError, type KeyStoreErrorCode } from '../errors.ts';
import { signerOf } from '../keys/certificate-signer.ts';
import { keyIdentifier } from '../keys/key-identifier.ts';
import type { TrustedContainer, TrustList } from '../trust/trust-list.ts';
import { rewrapAll } from './bulk-rewrap.ts';
import {
  createContainer,
  defaultAlgorithm,
  importContainer,
  retire,
  type ContainerKeys,
  type OpenContainer,
} from './container.ts';
import type { Home } from './home.ts';
import { requireProtection } from './protection-policy.ts';
import { findSignedBy } from './rewrap.ts';
import type {
  ContainerAlgorithm,
  ContainerInfo,
  ContainerKeyInfo,
  LongWorkOptions,
} from './types.ts';

export interface NewContainerOptions {
  /** Default `p-256`; `rsa-3072` where the provider has no elliptic curves. */
  readonly algorithm?: ContainerAlgorithm;
  /** Default true. */
  readonly exportable?: boolean;
  readonly scope?: KeyScope;
  /** Isolation of the private keys by VBS (cng). Default `none`. */
  readonly isolation?: Isolation;
}

export interface RotateContainerOptions extends LongWorkOptions {
  /** Default: that of the present container. */
  readonly algorithm?: ContainerAlgorithm;
}

/** Every container that the provider knows, by name. */
export async function* listContainers(home: Home): AsyncIterable<ContainerInfo> {
  await home.refresh();
  const byName = new Map<string, PersistedKeyInfo[]>();
  for await (const key of home.provider.listKeys()) {
    const name = `${key.scope} ${key.name}`;
    byName.set(name, [...(byName.get(name) ?? []), key]);
  }
  for (const keys of byName.values()) yield describeContainer(home, keys);
}

/** One container, with its keys' posture where it can be opened. */
export async function showContainer(
  home: Home,
  name: string = home.trust.current.container.name,
): Promise<ContainerInfo> {
  for await (const info of listContainers(home))
    if (info.name === name) return home.readOnly ? info : withPosture(home, info);
  throw new KeyStoreError(
    'CONTAINER_NOT_FOUND',
    `there is no key container ${JSON.stringify(name)}`,
  );
}

export async function makeContainer(
  home: Home,
  name: string,
  options: NewContainerOptions = {},
): Promise<ContainerInfo> {
  await home.sealLikeContainer();
  const { algorithm = defaultAlgorithm(home.provider), exportable = true } = options;
  const { scope = 'user', isolation = 'none' } = options;
  const made = await createContainer(home.provider, name, {
    algorithm,
    exportable,
    scope,
    isolation,
    notBefore: home.now(),
  });
  await requireOrDelete(home.trust.list, made);
  await made.close();
  return showContainer(home, name);
}

/** Deletes both keys. One that this home trusts is refused: its records could never be opened again. */
export async function deleteContainer(
  home: Home,
  name: string,
  scope: KeyScope = 'user',
): Promise<void> {
  await home.refresh();
  if (home.trust.openContainers.some((container) => container.name === name)) {
    throw new KeyStoreError(
      'POLICY_REFUSED',
      `records and files of this home need the container ${name}`,
      { hint: 'Rotate it, re-wrap what it opens, and `keycask trust revoke` it first.' },
    );
  }
  await home.closeContainer(name);
  let found = false;
  for (const spec of ['AT_KEYEXCHANGE', 'AT_SIGNATURE'] as const) {
    try {
      await (await home.provider.openKey(name, spec, { scope })).delete();
      found = true;
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'CONTAINER_NOT_FOUND') throw error;
    }
  }
  if (!found)
    throw new KeyStoreError(
      'CONTAINER_NOT_FOUND',
      `there is no key container ${JSON.stringify(name)}`,
    );
}

/**
 * Replaces the home's container by a new one, and re-wraps and re-signs every record.
 *
 * The old container is retired: it still opens what it opened, and its signatures count for what was there. An interrupted rotation is
 * finished by the next one: while records of a retired container are left, these are re-wrapped and no newer container is made.
 *
 * @returns How many records were re-wrapped.
 */
export async function rotateContainer(
  home: Home,
  options: RotateContainerOptions = {},
): Promise<number> {
  await home.refresh();
  const { keyId } = home.trust.current;
  const unfinished = await findSignedBy(home, (signer) => !equalBytes(signer, keyId));
  if (unfinished === undefined) {
    const next = await makeSuccessor(home, options.algorithm);
    await requireOrDelete(home.trust.list, next);
    home.keepContainer(next);
    // Again: another process may have set a policy meanwhile.
    await home.commitTrust((list) => {
      requireProtection(list, next);
      return retireCurrent(list, next);
    }, next.identity);
  }
  await markRetired(home);
  return rewrapAll(home, options);
}

/** The private keys of a container with their certificates. @throws KeyStoreError EXPORT_FORBIDDEN (NTE_BAD_KEY_STATE). */
export async function exportContainer(
  home: Home,
  name: string = home.trust.current.container.name,
): Promise<ContainerKeys> {
  const { exchangeKey, signatureKey, signing, exchange } = await home.openContainer(name);
  const certificates = { signing, exchange };
  const exported = { exchange: await exchangeKey.exportKey('pkcs8'), certificates };
  if (signatureKey === exchangeKey) return exported;
  try {
    return { ...exported, signature: await signatureKey.exportKey('pkcs8') };
  } catch (error) {
    exported.exchange.dispose();
    throw error;
  }
}

/** Brings a container in. It opens what was wrapped for it, and its signatures are accepted to decrypt: it counts as retired. */
export async function bringContainer(
  home: Home,
  name: string,
  keys: ContainerKeys,
): Promise<ContainerInfo> {
  await home.refresh();
  await home.sealLikeContainer();
  const imported = await importContainer(home.provider, name, keys, home.now());
  if (home.trust.find(imported.identity.keyId)?.state === 'revoked') {
    await deleteKeys(imported);
    throw new KeyStoreError('POLICY_REFUSED', 'this container signs with a key that was revoked');
  }
  await requireOrDelete(home.trust.list, imported);
  await retire(imported);
  home.keepContainer(imported);
  const { signing, exchange } = imported;
  await home.commitTrust((list) => ({
    ...list,
    containers: [...list.containers, { state: 'retired', name, signing, exchange, retiredAt: 0 }],
  }));
  return showContainer(home, name);
}

/** DER of a certificate of a container. */
export async function certificateOf(
  home: Home,
  role: 'exchange' | 'signature',
  name: string = home.trust.current.container.name,
): Promise<Uint8Array> {
  const known = home.trust.list.containers.find((container) => container.name === name);
  const { signing, exchange } = known ?? (await home.openContainer(name));
  return role === 'signature' ? signing : exchange;
}

/**
 * A container under a name that is free. Nothing is overwritten: what looks like the remains of a killed rotation may be the container
 * that another process is about to make the current one.
 */
async function makeSuccessor(home: Home, algorithm?: ContainerAlgorithm): Promise<OpenContainer> {
  const current = await home.container();
  await home.sealLikeContainer();
  const base = current.name.replace(/~\d+$/, '');
  const isIsolated = isHardware(current.protection.inMemory);
  const options = {
    algorithm: algorithm ?? (await algorithmOf(current)),
    exportable: (await current.exchangeKey.getProperty('exportPolicy')).plaintextExport,
    // No weaker than the one that it replaces.
    isolation: isIsolated ? ('require-vbs' as const) : ('none' as const),
    notBefore: home.now(),
  };
  const used = new Set(home.trust.list.containers.map(({ name }) => name));
  for (let generation = used.size + 1; ; generation++) {
    const name = `${base}~${generation}`;
    if (used.has(name)) continue;
    try {
      return await createContainer(home.provider, name, options);
    } catch (error) {
      if (!KeyStoreError.is(error) || error.code !== 'CONTAINER_EXISTS') throw error;
    }
  }
}

/** A new container that is less protected than the home demands is of no use to it. */
async function requireOrDelete(list: TrustList, container: OpenContainer): Promise<void> {
  try {
    requireProtection(list, container);
  } catch (error) {
    await deleteKeys(container);
    throw error;
  }
}

async function deleteKeys({ signatureKey, exchangeKey }: OpenContainer): Promise<void> {
  for (const key of new Set([signatureKey, exchangeKey])) await key.delete();
}

/** Marks the keys of every container that was replaced, one of an earlier rotation that was interrupted included. */
async function markRetired(home: Home): Promise<void> {
  for (const { name, state } of home.trust.list.containers) {
    if (state === 'current') continue;
    try {
      await retire(await home.openContainer(name));
    } catch (error) {
      // Deleted since, or never finished: then nobody can sign with it here.
      if (!KeyStoreError.is(error) || !GONE.includes(error.code)) throw error;
    }
  }
}

const GONE: readonly KeyStoreErrorCode[] = ['CONTAINER_NOT_FOUND', 'KEY_FILE_DAMAGED'];

async function algorithmOf({ exchangeKey }: OpenContainer): Promise<ContainerAlgorithm> {
  if (exchangeKey.algorithm === 'RSA')
    return `rsa-${await exchangeKey.getProperty('length')}` as ContainerAlgorithm;
  return exchangeKey.algorithm === 'ECDH_P384' ? 'p-384' : 'p-256';
}

function retireCurrent(list: TrustList, { name, signing, exchange }: OpenContainer): TrustList {
  const retired = list.containers.map((container): TrustedContainer =>
    container.state === 'current'
      ? { ...container, state: 'retired', retiredAt: list.manifestHead.index }
      : container,
  );
  return { ...list, containers: [...retired, { state: 'current', name, signing, exchange }] };
}

function describeContainer(home: Home, keys: readonly PersistedKeyInfo[]): ContainerInfo {
  const { name, scope } = keys[0]!;
  // By its key: a machine's container, or another home's, may have the same name.
  const keyIds = keys.map(({ publicKey }) => toHex(keyIdentifier(publicKey)));
  const trusted = home.trust.list.containers.find(
    (container) => container.name === name && keyIds.includes(exchangeKeyId(container.exchange)),
  );
  const find = (spec: PersistedKeyInfo['legacyKeySpec']): ContainerKeyInfo | undefined => {
    const key = keys.find(({ legacyKeySpec }) => legacyKeySpec === spec);
    return (
      key && {
        algorithm: key.algorithm,
        keyId: toHex(keyIdentifier(key.publicKey)),
        publicKey: key.publicKey,
      }
    );
  };
  const exchange = find('AT_KEYEXCHANGE');
  const signature = find('AT_SIGNATURE');
  return {
    name,
    scope,
    state: trusted?.state ?? 'other',
    usedIn: home.provider.capabilities.protectionLevel,
    ...(exchange && { exchange }),
    ...(signature && { signature }),
  };
}

/** Opens each key for a moment: a container that another program made has no certificates, and is shown all the same. */
async function withPosture(home: Home, info: ContainerInfo): Promise<ContainerInfo> {
  const { name, scope } = info;
  const look = async (spec: LegacyKeySpec, key: ContainerKeyInfo): Promise<ContainerKeyInfo> => {
    await using handle = await home.provider.openKey(name, spec, { scope });
    return { ...key, posture: await handle.getProperty('posture') };
  };
  const exchange = info.exchange && (await look('AT_KEYEXCHANGE', info.exchange));
  const signature = info.signature && (await look('AT_SIGNATURE', info.signature));
  return { ...info, ...(exchange && { exchange }), ...(signature && { signature }) };
}

/** Key identifier of an exchange certificate, in hex. */
function exchangeKeyId(certificate: Uint8Array): string {
  return toHex(signerOf(certificate).keyId);
}
