/**
 * Protection levels: the places that a private key can be used in, from the weakest to the strongest, and who could still read it there.
 *
 * The order is that of who could read. A token and VBS keep even an administrator out, and rank alike.
 */
export type ProtectionLevel =
  | 'this process'
  | 'agent, same user'
  | 'agent, other user'
  | 'LSASS'
  | 'token'
  | 'VBS';

/** The weakest one that could still read a private key: every program of the user, the administrator (root), or nobody. */
export type KeyReader = 'same user' | 'root' | 'nobody';

export interface LevelFacts {
  /** Of two levels the one with the higher rank is the stronger; equal ranks satisfy each other. */
  readonly rank: number;
  readonly couldRead: KeyReader;
  /** Where the key is: `in a token or TPM`. */
  readonly words: string;
  /** Who could still read it, as a sentence for people. */
  readonly readers: string;
}

export const PROTECTION_LEVELS: Readonly<Record<ProtectionLevel, LevelFacts>> = {
  'this process': {
    rank: 0,
    couldRead: 'same user',
    words: 'in this process',
    readers:
      'a private key in use is in this process: every program of this user can read it there, exportable or not',
  },
  'agent, same user': {
    rank: 1,
    couldRead: 'root',
    words: 'in an agent of the same user',
    readers:
      "a private key is in the agent, not in this process: the system refuses its memory to this user's programs, which can have it used; root can read it",
  },
  'agent, other user': {
    rank: 2,
    couldRead: 'root',
    words: 'in an agent of another user',
    readers:
      'a private key is in the agent, which runs as another user: programs of this user can have it used, as far as its access list goes, not read it; root can',
  },
  LSASS: {
    rank: 3,
    couldRead: 'root',
    words: 'in LSASS',
    readers:
      'a private key is in the LSASS process, not in this one: programs of this user can have it used, not read it; administrators can, unless LSA protection keeps them out',
  },
  token: {
    rank: 4,
    couldRead: 'nobody',
    words: 'in a token or TPM',
    readers:
      'a private key is in the token and does not leave it: nobody reads it without the token',
  },
  VBS: {
    rank: 4,
    couldRead: 'nobody',
    words: 'in VBS',
    readers: 'a private key is isolated by VBS: not even administrators read it',
  },
};

/** The order in which people are told of them. */
export const LEVEL_NAMES = Object.keys(PROTECTION_LEVELS) as readonly ProtectionLevel[];

export function isProtectionLevel(name: unknown): name is ProtectionLevel {
  return typeof name === 'string' && Object.hasOwn(PROTECTION_LEVELS, name);
}

/** Does a key of the level `had` satisfy whoever wants `wanted`? */
export function isAtLeast(had: ProtectionLevel, wanted: ProtectionLevel): boolean {
  return PROTECTION_LEVELS[had].rank >= PROTECTION_LEVELS[wanted].rank;
}

/** A token, a TPM or VBS: what `require-vbs` takes. Nothing that runs beside it on this machine reads the key. */
export function isHardware(level: ProtectionLevel): boolean {
  return PROTECTION_LEVELS[level].couldRead === 'nobody';
}

/** How well a private key is protected: what is computed of a posture, and what policies compare. */
export interface Protection {
  /**
   * What the place in memory is worth. An agent of the same user, whose key file that user's programs open as well, or whose memory they can
   * read, is worth no more than `this process`.
   */
  readonly level: ProtectionLevel;
  readonly couldRead: {
    /** Where it is used. */
    readonly inMemory: KeyReader;
    /** Where it lies; of a key that lies nowhere, nobody. */
    readonly onDisk: KeyReader;
  };
}

/** Of people who could read, for people: `the same user and root`. */
export function readersInWords(
  { couldRead }: Protection,
  place: ProtectionLevel,
): { readonly inMemory: string; readonly onDisk: string } {
  const inMemory =
    place === 'token' && couldRead.inMemory === 'nobody'
      ? 'nobody without the token'
      : READERS[couldRead.inMemory];
  return { inMemory, onDisk: READERS[couldRead.onDisk] };
}

const READERS: Readonly<Record<KeyReader, string>> = {
  'same user': 'the same user and root',
  root: 'root',
  nobody: 'nobody',
};

/**
 * The protection of a key.
 *
 * @param place - Where it is used.
 * @param onDisk - Who could open what lies on disk: `same user` of a file under a secret that each of his programs reads.
 * @param inMemory - Who could read the place, where that is not what the place is known for: an agent that the system could not hide.
 */
export function protectionOf(
  place: ProtectionLevel,
  onDisk: KeyReader,
  inMemory: KeyReader = PROTECTION_LEVELS[place].couldRead,
): Protection {
  const isOpen = onDisk === 'same user' || inMemory === 'same user';
  return { level: isOpen ? 'this process' : place, couldRead: { inMemory, onDisk } };
}
