/**
 * The secret of a boot in the kernel: a key in the user keyring, user-keyring(7).
 *
 * It lies in the memory of the kernel alone, is there for every process of the user until the machine restarts, and for no other user.
 * Its permissions let the user read it without a session keyring that holds it, and let nobody write over it. It is made aside and moved
 * to its place, which fails where one is there already: of several processes exactly one makes it.
 */
import { KeyStoreError } from '../../errors.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import type { BootSecret } from './boot-secret.ts';

export interface KeyringBootSecretOptions {
  /** What the key is called. Replaced in tests only. */
  readonly description?: string;
}

/**
 * Each call fails with NOT_SUPPORTED where the system has no such keyring (not Linux, or Linux before 5.3), MODULE_MISSING without koffi,
 * PERMISSION_DENIED in a container that may not use it, IO_FAILED with errno otherwise.
 */
export function keyringBootSecret(options: KeyringBootSecretOptions = {}): BootSecret {
  const { description = DESCRIPTION } = options;
  return {
    async present() {
      const keys = await loadKeyring();
      const secret = find(keys, description);
      return secret ? [secret] : [];
    },
    async create() {
      const keys = await loadKeyring();
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const secret = find(keys, description) ?? make(keys, description);
        if (secret) return secret;
      }
      throw new KeyStoreError('STORE_CONFLICT', `the key '${description}' is removed all the time`);
    },
  };
}

/** The bindings, and the numbers that they are called with; loaded when first used. */
async function loadKeyring() {
  const [{ loadLinuxKeyring }, numbers] = await Promise.all([
    import('../../../native-bindings/linux-keyring.ts'),
    import('../../../native-bindings/linux-constants.ts'),
  ]);
  return { keyring: await loadLinuxKeyring(), numbers };
}

type Keys = Awaited<ReturnType<typeof loadKeyring>>;

function find({ keyring, numbers }: Keys, description: string): SecretBytes | undefined {
  const key = keyring.findUserKey(description, numbers.KEY_SPEC_USER_KEYRING);
  if (key === undefined) return undefined;
  const secret = new SecretBytes(LENGTH);
  const length = keyring.readKey(key, secret.bytes);
  if (length === LENGTH) return secret;
  secret.dispose();
  throw new KeyStoreError(
    'KEY_FILE_DAMAGED',
    `the key '${description}' of the user keyring is not a secret of keycask: want ${LENGTH} bytes`,
  );
}

/** undefined where another process was faster. */
function make({ keyring, numbers }: Keys, description: string): SecretBytes | undefined {
  // Of this thread alone, and nothing below waits: nobody else sees the key before it is whole.
  const aside = numbers.KEY_SPEC_THREAD_KEYRING;
  const secret = SecretBytes.random(LENGTH);
  let key: number | undefined;
  try {
    key = keyring.addUserKey(description, secret.bytes, aside);
    keyring.setPermissions(key, permissionsOf(numbers));
    if (keyring.moveKey(key, aside, numbers.KEY_SPEC_USER_KEYRING)) return secret;
    keyring.unlinkKey(key, aside);
  } catch (error) {
    if (key !== undefined) keyring.unlinkKey(key, aside);
    secret.dispose();
    throw error;
  }
  secret.dispose();
  return undefined;
}

/** To see, find and read it, and to move it where it belongs; not to write. */
function permissionsOf(numbers: Keys['numbers']): number {
  const { KEY_POS_VIEW, KEY_POS_READ, KEY_POS_SEARCH, KEY_POS_LINK } = numbers;
  const { KEY_USR_VIEW, KEY_USR_READ, KEY_USR_SEARCH } = numbers;
  const possessor = KEY_POS_VIEW | KEY_POS_READ | KEY_POS_SEARCH | KEY_POS_LINK;
  return possessor | KEY_USR_VIEW | KEY_USR_READ | KEY_USR_SEARCH;
}

const DESCRIPTION = 'keycask:boot-secret';
const LENGTH = 32;
/** Each try that fails is somebody who made the key, or removed it. */
const ATTEMPTS = 100;
