/** Making homes in a folder. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { Provider } from '../contracts/provider.ts';
import { KeyStoreError } from '../errors.ts';
import { defaultHome } from '../platform/folders.ts';
import { openCheckpointMemory } from '../signed-log/checkpoint-memory.ts';
import { describePlace, requireArchive } from './archive-place.ts';
import { chooseProvider } from './choose-provider.ts';
import {
  createContainer,
  defaultAlgorithm,
  type ContainerOptions,
  type OpenContainer,
} from './container.ts';
import { HomeFolder, type HomeConfiguration } from './home-folder.ts';
import type { Home } from './home.ts';
import { readInvitation, type JoinedStore } from './invitation.ts';
import { enterFirstTrust, type LogAccess } from './log-shelf.ts';
import { createManifest } from './manifest-shelf.ts';
import {
  DEFAULT_CONTAINER,
  isSoftwareProvider,
  openHome,
  openProviderOf,
  signFirstTrust,
  systemClock,
  toSecond,
} from './open-home.ts';
import { requireProtector } from './open-provider.ts';
import type { Trust } from '../trust/trust.ts';
import type { ChangeAuthor } from './record-shelf.ts';
import type { CreateStoreOptions, StoreChoice } from './types.ts';

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
  const place = describePlace(options.store);
  const configuration: HomeConfiguration = {
    version: place.store === undefined ? 1 : 2,
    provider: name,
    ...(name === 'software' && { protector }),
    ...(providerName && { providerName }),
    ...(agentSocket && { agentSocket: resolveSocket(agentSocket) }),
    ...(agentUser && { agentUser }),
    ...(pkcs11Module && { pkcs11Module: resolveModule(pkcs11Module) }),
    ...(token && { token }),
    ...place,
  };
  if (name !== 'isolated' && (agentSocket ?? agentUser) !== undefined)
    throw new KeyStoreError('PARAMETER_INVALID', 'an agent goes with --provider isolated');
  if (name !== 'pkcs11' && (pkcs11Module ?? token) !== undefined)
    throw new KeyStoreError('PARAMETER_INVALID', 'a PKCS #11 module goes with --provider pkcs11');
  const joined = options.join && readInvitation(options.join);
  if (joined && place.store === undefined)
    throw new KeyStoreError('PARAMETER_INVALID', 'a store that others share is lmdb or postgres');
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
      const trust = await signFirstTrust(container, notBefore, joined);
      const author = { identity: container.identity, clock: () => notBefore };
      const { storeUrl = urlOf(options.store) } = options;
      await fill({ folder, configuration, storeUrl }, { trust, author, joined });
    } catch (error) {
      // Nobody else knows of it, and where containers belong to the whole system it would stay there.
      await deleteKeys(container).catch(() => undefined);
      throw error;
    }
    await container.close();
  } finally {
    await provider.close();
  }
  const storeUrl = options.storeUrl ?? urlOf(options.store);
  return openHome({ ...options, ...(storeUrl !== undefined && { storeUrl }) });
}

type NewHome = LogAccess & { readonly configuration: HomeConfiguration };

interface FirstContent {
  readonly trust: Trust;
  readonly author: ChangeAuthor;
  readonly joined: JoinedStore | undefined;
}

/** From the claim on the folder to keycask.json; what fails takes the claim back. */
async function fill(access: NewHome, { trust, author, joined }: FirstContent): Promise<void> {
  const { folder, configuration } = access;
  await folder.claim(trust.bytes);
  try {
    if (configuration.store === undefined) await createManifest(folder, trust, author);
    else if (joined) await join(access, { trust, author, joined });
    else await enterFirstTrust(access, trust, author);
    await folder.writeConfiguration(configuration);
  } catch (error) {
    // Without the package, or without the database: nobody who mends that and runs it again is told to wait.
    await folder.giveUp(trust.bytes).catch(() => undefined);
    throw error;
  }
}

async function join(
  access: NewHome,
  { trust, author, joined }: FirstContent & { readonly joined: JoinedStore },
): Promise<void> {
  await requireArchive(access.folder, access.configuration);
  await rememberJoined(access.folder, joined);
  await enterFirstTrust(access, trust, author).catch(refuseElsewhere);
}

/** What the inviting home has seen of the log is what the new one has seen. */
async function rememberJoined(folder: HomeFolder, { checkpoint }: JoinedStore): Promise<void> {
  const seen = await openCheckpointMemory(folder.seen);
  await seen.remember(checkpoint.size, checkpoint.bytes);
}

/** A store that is younger than the invitation is another one, since nobody has put a backup back for a home that is just made. */
function refuseElsewhere(error: unknown): never {
  if (KeyStoreError.is(error) && (error.code === 'LOG_REWOUND' || error.code === 'LOG_FORKED'))
    throw new KeyStoreError(error.code, error.message, {
      hint: 'The invitation is of another store, or older than a backup that was put back: check where the other home has its store (`keycask store status`), and let it invite anew.',
    });
  throw error;
}

function urlOf(choice: StoreChoice | undefined): string | undefined {
  return choice?.kind === 'postgres' ? choice.url : undefined;
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

/** A name without a folder stays one: the system looks for it. */
function resolveModule(module: string): string {
  return /[\\/]/u.test(module) ? resolve(module) : module;
}

/** A home is opened from any working folder. A pipe of Windows has no folder. */
function resolveSocket(path: string): string {
  return process.platform === 'win32' ? path : resolve(path);
}
