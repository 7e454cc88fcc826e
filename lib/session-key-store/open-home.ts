/** Making and opening homes: in a folder, or in memory. */
import { randomBytes } from 'node:crypto';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Provider } from '../contracts/provider.ts';
import { KeyStoreError } from '../errors.ts';
import { defaultHome } from '../platform/folders.ts';
import type { SoftwareProvider } from '../providers/software/index.ts';
import { Trust } from '../trust/trust.ts';
import { chooseProvider } from './choose-provider.ts';
import {
  createContainer,
  defaultAlgorithm,
  type ContainerOptions,
  type OpenContainer,
} from './container.ts';
import { HomeFolder, type HomeConfiguration } from './home-folder.ts';
import { Home } from './home.ts';
import { KeyCache } from './key-cache.ts';
import { createManifest, openManifestShelf } from './manifest-shelf.ts';
import { MemoryShelf } from './memory-shelf.ts';
import { openProvider, protectorOf, requireProtector } from './open-provider.ts';
import { hashOfTrust, trustFileOf, trustInMemory } from './trust-file.ts';
import type {
  AskSecret,
  ContainerAlgorithm,
  CreateStoreOptions,
  KeyCacheLimits,
  OpenStoreOptions,
  ProtectorName,
} from './types.ts';

export interface MemoryStoreOptions {
  /** Default `p-256`. */
  readonly algorithm?: ContainerAlgorithm;
  readonly cache?: KeyCacheLimits;
  readonly clock?: () => Date;
}

const DEFAULT_CONTAINER = 'default';
/** Where containers of all homes, and of other programs, lie side by side. */
const DEFAULT_SYSTEM_CONTAINER = 'keycask';

/** Makes a home in a folder; keycask.json, its last file, makes it one. */
export async function createHome(options: CreateStoreOptions): Promise<Home> {
  const {
    protector = 'machine-secret',
    exportable = true,
    isolation = 'none',
    providerName,
    agentSocket,
    agentUser,
    pkcs11Module,
    token,
  } = options;
  const folder = new HomeFolder(resolve(options.home ?? defaultHome()));
  if (await folder.exists())
    throw new KeyStoreError('HOME_EXISTS', `there is a keycask home in ${folder.path} already`);
  const name = await chooseProvider(options);
  const configuration: HomeConfiguration = {
    version: 1,
    provider: name,
    ...(name === 'software' && { protector }),
    ...(providerName && { providerName }),
    ...(agentSocket && { agentSocket: resolveSocket(agentSocket) }),
    ...(agentUser && { agentUser }),
    ...(pkcs11Module && { pkcs11Module: resolveModule(pkcs11Module) }),
    ...(token && { token }),
  };
  if (name !== 'isolated' && (agentSocket ?? agentUser) !== undefined)
    throw new KeyStoreError('PARAMETER_INVALID', 'an agent goes with --provider isolated');
  if (name !== 'pkcs11' && (pkcs11Module ?? token) !== undefined)
    throw new KeyStoreError('PARAMETER_INVALID', 'a PKCS #11 module goes with --provider pkcs11');
  const provider = await openProviderOf(folder, configuration, options);
  try {
    const isSoftware = isSoftwareProvider(provider);
    if (isSoftware) await requireProtector(protector);
    else if (options.protector) refuseProtector(provider);
    requirePersisted(provider);
    const { algorithm = defaultAlgorithm(provider) } = options;
    const { container: containerName = isSoftware ? DEFAULT_CONTAINER : DEFAULT_SYSTEM_CONTAINER } =
      options;
    await folder.create();
    await folder.clearUnfinished();
    const notBefore = toSecond((options.clock ?? systemClock)());
    const container = await createFirstContainer(provider, containerName, {
      algorithm,
      exportable,
      isolation,
      notBefore,
    });
    try {
      const trust = await signFirstTrust(container, notBefore);
      await folder.claim(trust.bytes);
      await createManifest(folder, trust, { identity: container.identity, clock: () => notBefore });
      await folder.writeConfiguration(configuration);
    } catch (error) {
      // Nobody else knows of it, and where containers belong to the whole system it would stay there.
      await deleteKeys(container).catch(() => undefined);
      throw error;
    }
    await container.close();
  } finally {
    await provider.close();
  }
  return openHome(options);
}

function refuseProtector({ name }: Provider): never {
  throw new KeyStoreError(
    'PARAMETER_INVALID',
    `the provider ${name} protects its keys itself: a protector goes with --provider software`,
  );
}

/** A home whose keys end with this process is none. */
function requirePersisted({ name, capabilities }: Provider): void {
  if (!capabilities.persisted)
    throw new KeyStoreError(
      'PROVIDER_UNAVAILABLE',
      `the provider ${name} keeps no keys here: Wine's ncrypt forgets them`,
      { hint: 'Use --provider cryptoapi or software.' },
    );
}

async function deleteKeys({ exchangeKey, signatureKey }: OpenContainer): Promise<void> {
  for (const key of new Set([signatureKey, exchangeKey])) await key.delete();
}

/** Under another name where there are keys already, of another process that makes this home or of an interrupted one: none is overwritten. */
async function createFirstContainer(
  provider: Provider,
  name: string,
  options: ContainerOptions,
): Promise<OpenContainer> {
  try {
    return await createContainer(provider, name, options);
  } catch (error) {
    if (!KeyStoreError.is(error) || error.code !== 'CONTAINER_EXISTS') throw error;
    return createContainer(provider, `${name}~${randomBytes(4).toString('hex')}`, options);
  }
}

export async function openHome(options: OpenStoreOptions): Promise<Home> {
  const folder = new HomeFolder(resolve(options.home ?? defaultHome()));
  const configuration = await folder.readConfiguration();
  const provider = await openProviderOf(folder, configuration, options);
  try {
    const trustFile = trustFileOf(folder);
    const shelf = await openManifestShelf(folder, trustFile, (id, stored) =>
      home.judge(id, stored.bytes),
    );
    const trust = await trustFile.load(shelf.trust.sha256);
    const clock = options.clock ?? systemClock;
    const cache = new KeyCache(options.cache, () => clock().getTime());
    const home: Home = new Home({
      path: folder.path,
      stateFolder: options.stateFolder,
      provider,
      shelf,
      trustFile,
      trust,
      readOnly: options.readOnly ?? false,
      cache,
      clock,
    });
    await home.checkTrust();
    return home;
  } catch (error) {
    await provider.close();
    throw error;
  }
}

export async function homeInMemory({
  algorithm = 'p-256',
  cache,
  clock = systemClock,
}: MemoryStoreOptions): Promise<Home> {
  const provider = await openProvider('software');
  const notBefore = toSecond(clock());
  const container = await createContainer(provider, DEFAULT_CONTAINER, {
    algorithm,
    exportable: true,
    notBefore,
  });
  const trust = await signFirstTrust(container, notBefore);
  const shelf = new MemoryShelf(hashOfTrust(trust));
  const home = new Home({
    path: undefined,
    provider,
    shelf,
    trustFile: trustInMemory(trust),
    trust,
    readOnly: false,
    clock,
    cache: new KeyCache(cache, () => clock().getTime()),
  });
  home.keepContainer(container);
  return home;
}

/** Seals every private key of the home under another protector; keycask.json follows. */
export async function protectHome(
  home: Home,
  protector: ProtectorName,
  passphrase?: AskSecret,
): Promise<void> {
  if (home.path === undefined)
    throw new KeyStoreError(
      'NOT_SUPPORTED',
      'the keys of a home in memory are sealed under nothing',
    );
  if (!isSoftwareProvider(home.provider))
    throw new KeyStoreError(
      'NOT_SUPPORTED',
      `the provider ${home.provider.name} protects its keys itself`,
    );
  await requireProtector(protector);
  await home.refresh();
  const folder = new HomeFolder(home.path);
  const configuration = await folder.readConfiguration();
  const { stateFolder } = home;
  const seal = await protectorOf({
    protector,
    ...(passphrase && { passphrase }),
    ...(stateFolder && { stateFolder }),
  });
  for await (const { name, legacyKeySpec, scope } of home.provider.listKeys())
    await home.provider.changeProtector(name, legacyKeySpec, seal, { scope });
  await folder.writeConfiguration({ ...configuration, protector });
}

function openProviderOf(
  folder: HomeFolder,
  configuration: HomeConfiguration,
  { passphrase, pin, stateFolder }: OpenStoreOptions,
): Promise<Provider> {
  const { provider, protector, providerName, agentSocket, agentUser } = configuration;
  const { pkcs11Module, token } = configuration;
  if (pkcs11Module !== undefined) refuseModuleInside(folder.path, pkcs11Module);
  return openProvider(provider, {
    folder: folder.keys,
    ...(protector && { protector }),
    ...(providerName && { providerName }),
    ...(agentSocket && { agentSocket }),
    ...(agentUser && { agentUser }),
    ...(pkcs11Module && { pkcs11Module }),
    ...(token && { token }),
    ...(passphrase && { passphrase }),
    ...(pin && { pin }),
    ...(stateFolder && { stateFolder }),
  });
}

/** A name without a folder stays one: the system looks for it. */
function resolveModule(module: string): string {
  return /[\\/]/u.test(module) ? resolve(module) : module;
}

/** keycask.json is not authenticated. Whoever gives somebody a home must not give code to run with it. */
function refuseModuleInside(home: string, module: string): void {
  if (!/[\\/]/u.test(module)) return;
  const way = relative(home, module);
  const isOutside = way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
  if (!isAbsolute(module) || !isOutside)
    throw new KeyStoreError(
      'POLICY_REFUSED',
      `the PKCS #11 module ${module} has to lie outside of the home, and be named by its whole path`,
      { hint: 'Use the module that your system has, by its own path.' },
    );
}

/** A home is opened from any working folder. A pipe of Windows has no folder. */
function resolveSocket(path: string): string {
  return process.platform === 'win32' ? path : resolve(path);
}

function signFirstTrust(
  { name, signing, exchange, identity }: OpenContainer,
  now: Date,
): Promise<Trust> {
  const containers = [{ state: 'current', name, signing, exchange }] as const;
  const manifestHead = { index: 0, hash: new Uint8Array(32) };
  return Trust.sign(
    {
      trustVersion: 1,
      storeId: new Uint8Array(randomBytes(16)),
      containers,
      signers: [],
      policies: [],
      manifestHead,
    },
    identity,
    now,
  );
}

function isSoftwareProvider(provider: Provider): provider is SoftwareProvider {
  return 'changeProtector' in provider;
}

const systemClock = (): Date => new Date();
const toSecond = (time: Date): Date => new Date(Math.floor(time.getTime() / 1000) * 1000);
