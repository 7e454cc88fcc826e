/** A program of some user that tries to get at a private key: from memory, from the disk, through an agent's socket. It tells what it got. */
import { readdir, readFile } from 'node:fs/promises';
import process from 'node:process';
import { KeyStoreError } from '../../../lib/errors.ts';
import { KeyFiles } from '../../../lib/providers/key-files/key-files.ts';
import { machineSecretProtector, systemBootSecret } from '../../../lib/providers/software/index.ts';
import { openIsolatedProvider } from '../../../lib/providers/isolated/index.ts';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { loadKoffi } from '../../../native-bindings/koffi.ts';
import { needlesOf, type Needle } from '../../support/key-needles.ts';
import {
  attachTo,
  divisorsIn,
  scanMemory,
  type MemoryFindings,
} from '../../support/memory-scan.ts';
import { filesIn } from '../../support/software-provider.ts';
import type { Attack, Loot } from './attack.ts';
import { tell } from './tell.ts';

const attack = JSON.parse(process.argv[2]!) as Attack;
const koffi = await loadKoffi();
const loot: Loot = {
  // Whoever traces a process stops it at a signal: last.
  memory: attack.pids.map((pid) => scanAgain(pid)),
  ...(attack.disk && { disk: await readKeyFiles(attack.disk, attack.needles) }),
  ...(attack.files !== undefined && { files: await searchFiles(attack.files, attack.modulus!) }),
  ...(attack.agent && { agent: await askAgent(attack.agent) }),
  ...(attack.home && { home: await outcomeOf(openHome(attack.home)) }),
  ptrace: attack.pids.map((pid) => attachTo(koffi, pid)),
};
tell(loot);
process.exit(0);

/** A key that is in memory for the moment of its use only is not found at once. */
function scanAgain(pid: number): MemoryFindings {
  const { needles, modulus, times = 1 } = attack;
  for (let time = 1; ; time++) {
    const findings = scanMemory(pid, needles, modulus);
    if (time >= times || findings.refused !== undefined || findings.found!.length > 0)
      return findings;
  }
}

/** Looks into every file below a folder for a number that divides the modulus. */
async function searchFiles(folder: string, modulus: string): Promise<readonly string[] | string> {
  try {
    const found = new Set<string>();
    for (const path of await filesIn(folder)) {
      const bytes = await readFile(path);
      for (let at = 0; at < 8; at++)
        for (const name of divisorsIn(bytes.subarray(at), modulus)) found.add(name);
    }
    return [...found];
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'failed';
  }
}

/** Asks an agent for the exchange key, and for the private half of it. */
async function askAgent({ key, ...where }: NonNullable<Attack['agent']>) {
  const open = async () => {
    const provider = await openIsolatedProvider({ ...where });
    return provider.openKey(key, 'AT_KEYEXCHANGE');
  };
  return {
    open: await outcomeOf(open()),
    export: await outcomeOf(open().then((opened) => opened.exportKey('pkcs8'))),
  };
}

async function openHome(options: NonNullable<Attack['home']>): Promise<void> {
  await using store = await SessionKeyStore.open(options);
  using key = await store.openKey('demo');
  if (key.lengthInBits !== 256) throw new TypeError('that is no session key');
}

async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'opened';
  } catch (error) {
    return KeyStoreError.is(error) ? error.code : String(error);
  }
}

/**
 * Opens key files as the library does, below every rule about what may be exported.
 *
 * @returns Names of the private numbers that it has, or why it has none.
 */
async function readKeyFiles(
  { keys, stateFolder }: NonNullable<Attack['disk']>,
  needles: readonly Needle[],
): Promise<readonly string[] | string> {
  const wanted = new Map(needles.map(({ name, hex }) => [hex, name]));
  const files = new KeyFiles({
    folder: keys,
    content: 'pkcs8',
    protector: machineSecretProtector({ folder: stateFolder }),
    otherProtectors: [],
    bootSecret: systemBootSecret(),
  });
  try {
    await readdir(keys);
    const found = new Set<string>();
    for await (const facts of files.list('user')) {
      if (KeyStoreError.is(facts)) throw facts;
      const opened = await files.open(facts);
      using privateKey = opened!.privateKey;
      for (const { hex } of needlesOf(privateKey.bytes)) {
        const name = wanted.get(hex);
        if (name !== undefined) found.add(name);
      }
    }
    return [...found].toSorted();
  } catch (error) {
    return KeyStoreError.is(error)
      ? error.code
      : ((error as NodeJS.ErrnoException).code ?? 'failed');
  }
}
