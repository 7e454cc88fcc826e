/** A process that asks for the secret of the boot, or makes and opens a per-boot key, and tells what came of it. */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { KeyStoreError } from '../../../../lib/errors.ts';
import {
  keyringBootSecret,
  machineSecretProtector,
  openSoftwareProvider,
  systemBootSecret,
  tmpfsBootSecret,
  type BootSecret,
} from '../../../../lib/providers/software/index.ts';
import {
  KEY_SPEC_THREAD_KEYRING,
  KEY_SPEC_USER_KEYRING,
} from '../../../../native-bindings/linux-constants.ts';
import { loadLinuxKeyring } from '../../../../native-bindings/linux-keyring.ts';
import { tell } from '../../../proofs/children/tell.ts';

const description = process.env['KEYCASK_TEST_KEY']!;
const shm = process.env['KEYCASK_TEST_TMPFS']!;
const folder = process.env['KEYCASK_TEST_FOLDER']!;
const keyring = keyringBootSecret({ description });
const tmpfs = tmpfsBootSecret({ folders: [shm] });
const system = systemBootSecret([keyring, tmpfs]);

/** Names a secret without telling it. */
async function nameOf(secret: Promise<{ readonly bytes: Uint8Array }>): Promise<string> {
  return createHash('sha256')
    .update((await secret).bytes)
    .digest('hex');
}

async function provider(bootSecret: BootSecret) {
  const protector = machineSecretProtector({ folder: `${folder}/state` });
  return openSoftwareProvider({ folder: `${folder}/keys`, protector, bootSecret });
}

async function makeKey(bootSecret: BootSecret, name: string): Promise<string> {
  await using home = await provider(bootSecret);
  const options = { isolation: 'prefer-vbs', perBoot: true } as const;
  await (await home.createPersistedKey('ECDH_P256', name, 'AT_KEYEXCHANGE', options)).finalize();
  return 'made';
}

async function openKey(name: string): Promise<string> {
  await using home = await provider(system);
  await (await home.openKey(name, 'AT_KEYEXCHANGE')).close();
  return 'opened';
}

/** Takes every key that the user may have. */
async function fillKeyring(): Promise<string> {
  const keys = await loadLinuxKeyring();
  for (let index = 0; ; index++)
    try {
      keys.addUserKey(`keycask-test-${index}`, Buffer.alloc(64), KEY_SPEC_THREAD_KEYRING);
    } catch (error) {
      return KeyStoreError.is(error) ? (error.native?.name ?? error.code) : String(error);
    }
}

/** What a restart of the machine does to the user keyring. */
async function restart(): Promise<string> {
  const keys = await loadLinuxKeyring();
  keys.unlinkKey(keys.findUserKey(description, KEY_SPEC_USER_KEYRING)!, KEY_SPEC_USER_KEYRING);
  return 'restarted';
}

const commands: Record<string, (name: string) => Promise<unknown>> = {
  create: () => nameOf(keyring.create()),
  'create-somewhere': () => nameOf(system.create()),
  present: async () => (await keyring.present()).length,
  'make-key': (name) => makeKey(system, name),
  'make-key-on-tmpfs': (name) => makeKey(tmpfs, name),
  'open-key': openKey,
  fill: fillKeyring,
  restart,
  'list-tmpfs': () => readdir(shm).catch(() => []),
};

tell('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [command = '', name = ''] = line.split(' ');
  tell(
    await commands[command]!(name).catch((error: unknown) =>
      KeyStoreError.is(error) ? error.code : String(error),
    ),
  );
}
