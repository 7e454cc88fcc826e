/**
 * The rooms of lib/ and the arrows between them: imports point down, rooms of one layer do not import
 * each other. `npm run layers` checks it; ARCHITECTURE.md draws it.
 */

/** From the ground up. A room is a folder of lib/, or the files named. */
const LAYERS = [
  [room('errors', 'errors.ts', 'error-codes.ts'), room('bytes'), room('platform')],
  [room('blobs'), room('cms'), room('windows-files')],
  [
    room('key-pairs'),
    room('keys'),
    room('kdf'),
    room('contracts'),
    room('messages'),
    room('agent-protocol'),
  ],
  [
    room('records'),
    room('providers'),
    room('stores'),
    room('signed-log'),
    room('merkle-map'),
    room('trust'),
    room('file-encryption'),
    room('legacy'),
  ],
  [
    room('session-key-store', 'session-key-store.ts', 'session-key-store/'),
    room('encrypt-file', 'encrypt-file.ts', 'encrypt-file/'),
  ],
  [room('authority'), room('migration'), room('agent')],
  [room('cli'), room('index', 'index.ts'), room('testing'), room('insecure')],
];

/** Arrows inside one layer that are allowed all the same. */
const SIDEWAYS = [
  // One error class for everything that reads bytes or touches the disk.
  { from: 'bytes', to: 'errors' },
  { from: 'platform', to: 'errors' },
  // Contracts speak of keys; messages are what contracts let a key sign.
  { from: 'contracts', to: 'keys' },
  // The numbers that a blob of RSA leaves out are computed in one place.
  { from: 'keys', to: 'key-pairs' },
  // What a KDF makes is a secret.
  { from: 'kdf', to: 'keys' },
  { from: 'messages', to: 'keys' },
  // What travels to an agent and back is said in the words of the contracts.
  { from: 'agent-protocol', to: 'contracts' },
  { from: 'agent-protocol', to: 'keys' },
  { from: 'messages', to: 'contracts' },
  // A log lies in the databases that records lie in, and says which of them are current.
  { from: 'stores', to: 'signed-log' },
  // What a log says holds now is a map.
  { from: 'stores', to: 'merkle-map' },
  // encrypt and decrypt of the store are those of files; encrypt-file knows its keys by contract only.
  { from: 'session-key-store', to: 'encrypt-file' },
];

/** Rooms without clock, randomness or I/O: no module of Node's own. */
const PURE = ['errors', 'bytes', 'blobs', 'cms', 'key-pairs', 'windows-files'];

/** Packages and the only rooms that may import them. */
const PACKAGES = [
  { name: '@msgpack/', rooms: ['agent-protocol'] },
  { name: 'argon2', rooms: ['kdf'] },
  { name: '@peculiar/', rooms: ['cms'] },
  { name: 'commander', rooms: ['cli'] },
  { name: 'cli-progress', rooms: ['cli'] },
  { name: 'lmdb', rooms: ['stores'] },
  { name: 'pg', rooms: ['stores'] },
  { name: 'graphene-pk11', rooms: ['providers'] },
  { name: 'koffi', rooms: [] },
];

/** Rooms that call the system through native-bindings/. */
const NATIVE_CALLERS = ['providers', 'legacy', 'file-encryption', 'agent'];

const ROOMS = LAYERS.flat();
const ANY_ROOM = ROOMS.map(({ path }) => path).join('|');

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      comment: 'Two files that need each other are one idea in two places.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unknown-room',
      comment: 'A new room is entered in .dependency-cruiser.cjs, so that its arrows are checked.',
      severity: 'error',
      from: {},
      to: { path: '^lib/', pathNot: ANY_ROOM },
    },
    {
      name: 'no-unknown-room-either',
      severity: 'error',
      from: { path: '^lib/', pathNot: ANY_ROOM },
      to: {},
    },
    ...LAYERS.flatMap((layer, height) =>
      layer.map((from) => ({
        name: `arrows-down-from-${from.name}`,
        comment: 'Arrows point down; rooms of one layer do not import each other.',
        severity: 'error',
        from: { path: from.path },
        to: {
          path: LAYERS.slice(height)
            .flat()
            .filter((to) => to !== from && !mayGoSideways(from, to))
            .map(({ path }) => path)
            .join('|'),
        },
      })),
    ),
    {
      name: 'pure-rooms',
      comment: 'Bytes in, objects out: what these rooms need of the system is handed to them.',
      severity: 'error',
      from: { path: pathsOf(PURE) },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'platform-stays-out-of-pure-rooms',
      severity: 'error',
      from: { path: pathsOf(PURE) },
      to: { path: pathsOf(['platform']) },
    },
    {
      name: 'only-verify-mints',
      comment:
        'verify() alone makes a VerifiedKeyRecord, so nothing is unwrapped before it is verified.',
      severity: 'error',
      from: {
        path: '^lib/',
        // The type, without the mint, is passed on by verified-record.ts.
        pathNot: '^lib/(records/verify|contracts/verified-record)\\.ts$',
      },
      to: { path: '^lib/contracts/mint-verified-record\\.ts$' },
    },
    ...PACKAGES.map(({ name, rooms }) => ({
      name: `where-${name.replace(/[@/]/gu, '')}-may-be-imported`,
      severity: 'error',
      from: {
        path: '^(lib|native-bindings)/',
        ...(name === 'koffi' ? { pathNot: '^native-bindings/' } : { pathNot: pathsOf(rooms) }),
      },
      to: { path: `(^|/)node_modules/${name.endsWith('/') ? name : `${name}/`}|^${name}` },
    })),
    {
      name: 'native-bindings-have-few-callers',
      severity: 'error',
      from: { path: '^lib/', pathNot: pathsOf(NATIVE_CALLERS) },
      to: { path: '^native-bindings/' },
    },
    {
      name: 'native-bindings-decide-nothing',
      comment: 'Declarations only: of lib/ they know errors and bytes.',
      severity: 'error',
      from: { path: '^native-bindings/' },
      to: { path: '^lib/', pathNot: pathsOf(['errors', 'bytes']) },
    },
    {
      name: 'no-undeclared-package',
      comment: 'Not in package.json, or not found at all.',
      severity: 'error',
      from: { path: '^(lib|native-bindings)/' },
      // Of a peer with declarations it says npm-no-pkg too.
      to: {
        dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown', 'undetermined'],
        dependencyTypesNot: ['npm-peer'],
      },
    },
    {
      name: 'no-unresolved-import',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-development-package',
      comment:
        'Only what tsup bundles, and what users install if they want it, may be a devDependency of something that lib/ runs.',
      severity: 'error',
      from: { path: '^(lib|native-bindings)/' },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/(commander|cli-progress|lmdb|pg|@types)/',
      },
    },
    {
      name: 'sources-do-not-import-tests',
      severity: 'error',
      from: { path: '^(lib|native-bindings)/' },
      to: { path: '^(test|bench|examples|scripts|dist)/' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};

/** A room: a folder of lib/ by default, else the files and folders (with a slash at the end) named. */
function room(name, ...members) {
  const patterns = (members.length === 0 ? [`${name}/`] : members).map((member) =>
    member.endsWith('/') ? member : `${member.replace('.', '\\.')}$`,
  );
  return { name, path: `^lib/(${patterns.join('|')})` };
}

/** One pattern for several rooms; a pattern that matches nothing for none. */
function pathsOf(names) {
  const paths = names.map((name) => {
    const found = LAYERS.flat().find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(`no room is called ${name}`);
    return found.path;
  });
  return paths.length === 0 ? '^$' : paths.join('|');
}

/** Whether an arrow inside a layer is on the list of exceptions. */
function mayGoSideways(from, to) {
  return SIDEWAYS.some((arrow) => arrow.from === from.name && arrow.to === to.name);
}
