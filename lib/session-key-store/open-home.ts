/** Opening homes: in a folder, or in memory. */
import { randomBytes } from 'node:crypto';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Provider } from '../contracts/provider.ts';
import { KeyStoreError } from '../errors.ts';
import { defaultHome } from '../platform/folders.ts';
import type { SoftwareProvider } from '../providers/software/index.ts';
import type { ExamineStored } from '../stores/manifest/manifested-store.ts';
import { Trust } from '../trust/trust.ts';
import { requireArchive, workPlaceOf } from './archive-place.ts';
import { createContainer, type OpenContainer } from './container.ts';
import { HomeFolder, type HomeConfiguration } from './home-folder.ts';
import { Home, type HomeParts } from './home.ts';
import type { JoinedStore } from './invitation.ts';
import { KeyCache } from './key-cache.ts';
import { openLogShelf } from './log-shelf.ts';
import { openManifestShelf } from './manifest-shelf.ts';
import { MemoryShelf } from './memory-shelf.ts';
import type { RecordShelf } from './record-shelf.ts';
import { openProvider, protectorOf, requireProtector } from './open-provider.ts';
import { hashOfTrust, trustFileOf, trustInMemory } from './trust-file.ts';
import type {
  AskSecret,
  ContainerAlgorithm,
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

/** The name of a home's first key container, where nothing else is asked for. */
export const DEFAULT_CONTAINER = 'default';

/** What a home has before its records are looked at. Whoever asked closes the provider. */
export type HomeGround = Omit<HomeParts, 'shelf' | 'trust'> & {
  readonly folder: HomeFolder;
  readonly configuration: HomeConfiguration;
};

export async function openHome(options: OpenStoreOptions): Promise<Home> {
  const ground = await openGround(options);
  const { trustFile } = ground;
  let shelf: RecordShelf | undefined;
  try {
    shelf = await openShelf(ground, options, (id, stored) => home.judge(id, stored.bytes));
    const trust = await trustFile.load(shelf.trust.sha256);
    const home: Home = new Home({ ...ground, shelf, trust });
    await home.checkTrust();
    return home;
  } catch (error) {
    await shelf?.close();
    await ground.provider.close();
    throw error;
  }
}

/** @throws KeyStoreError HOME_NOT_FOUND, BLOB_MALFORMED, FILE_NOT_FOUND without the file of an lmdb store; what opening the provider throws. */
export async function openGround(options: OpenStoreOptions): Promise<HomeGround> {
  const folder = new HomeFolder(resolve(options.home ?? defaultHome()));
  const configuration = await folder.readConfiguration();
  await requireArchive(folder, configuration);
  const { clock = systemClock, stateFolder, readOnly = false } = options;
  const openWork = workPlaceOf(configuration, options.storeUrl);
  return {
    ...(openWork && { openWork }),
    folder,
    configuration,
    path: folder.path,
    stateFolder,
    provider: await openProviderOf(folder, configuration, options),
    trustFile: trustFileOf(folder, configuration.store !== undefined),
    readOnly,
    cache: new KeyCache(options.cache, () => clock().getTime()),
    clock,
  };
}

function openShelf(
  { folder, configuration, trustFile }: HomeGround,
  { storeUrl, alsoTrust }: OpenStoreOptions,
  examine: ExamineStored,
): Promise<RecordShelf> {
  return configuration.store === undefined
    ? openManifestShelf(folder, trustFile, examine)
    : openLogShelf({ folder, configuration, storeUrl, alsoTrust }, trustFile, examine);
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

/** The provider that keycask.json names. */
export function openProviderOf(
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

/** The trust list of a new home: its own container, and whoever it shares a store with. */
export function signFirstTrust(
  { name, signing, exchange, identity }: OpenContainer,
  now: Date,
  { storeId = new Uint8Array(randomBytes(16)), signers = [] }: Partial<JoinedStore> = {},
): Promise<Trust> {
  const containers = [{ state: 'current', name, signing, exchange }] as const;
  const manifestHead = { index: 0, hash: new Uint8Array(32) };
  return Trust.sign(
    {
      trustVersion: 1,
      storeId,
      containers,
      signers,
      policies: [],
      manifestHead,
    },
    identity,
    now,
  );
}

export function isSoftwareProvider(provider: Provider): provider is SoftwareProvider {
  return 'changeProtector' in provider;
}

export const systemClock = (): Date => new Date();
export const toSecond = (time: Date): Date => new Date(Math.floor(time.getTime() / 1000) * 1000);
