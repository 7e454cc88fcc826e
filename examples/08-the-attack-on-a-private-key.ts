/**
 * The attack that isolation is against: a program of the same user reads the memory of others, and divides your public key by what it finds there. Linux.
 * Run with an argument this file is one of the programs: the application, the agent, or the attacker.
 */
import { X509Certificate } from 'node:crypto';
import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SecretBytes, SessionKeyStore } from 'keycask';
import { hardenProcess, startAgent } from 'keycask/agent';
import { openSoftwareProvider, passphraseProtector } from 'keycask/providers/software';

const [program = '', folder = mkdtempSync(join(tmpdir(), 'keycask-')), argument = ''] =
  process.argv.slice(2);
const agentSocket = join(folder, 'agent.sock');
const UNPRIVILEGED = ['setpriv', '--bounding-set=-all', '--inh-caps=-all'];
const certificate = join(folder, 'exchange.cer');

/** An application with its keys at work. `software`: in its own memory. `isolated`: in the agent's. */
async function runApplication(provider: string): Promise<void> {
  const home = join(folder, provider);
  const where = { home, stateFolder: join(folder, 'state') };
  const store = await SessionKeyStore.create({
    ...where,
    provider,
    ...(provider === 'isolated' && { agentSocket }),
    algorithm: 'rsa-2048',
  });
  await store.createKey('demo');
  using key = await store.openKey('demo');
  await store.encrypt(new TextEncoder().encode('text'), { key: key.id });
  writeFileSync(certificate, await store.certificate('exchange'));
}

/** The agent: first the process is hardened, then keys are made. They are sealed under a passphrase that nobody else has. */
async function runAgent(): Promise<void> {
  await hardenProcess();
  const keys = join(folder, 'agent-keys');
  await startAgent({
    socket: agentSocket,
    passphrase: SecretBytes.random(16),
    openProvider: ({ passphrase }) =>
      openSoftwareProvider({ folder: keys, protector: passphraseProtector({ passphrase }) }),
  });
}

/** He knows the public key. A prime of it lies in memory as OpenSSL keeps numbers: lowest byte first. */
function attack(pid: number): string {
  const { n = '' } = new X509Certificate(readFileSync(certificate)).publicKey.export({
    format: 'jwk',
  });
  const modulus = BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`);
  const length = Buffer.from(n, 'base64url').length / 2;
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  for (const [, start = '', end = ''] of readFileSync(`/proc/${pid}/maps`, 'latin1').matchAll(
    /^(\w+)-(\w+) rw/gmu,
  )) {
    const bytes = Buffer.alloc(Number(`0x${end}`) - Number(`0x${start}`));
    readSync(memory, bytes, 0, bytes.length, Number(`0x${start}`));
    for (let at = 0; at + length <= bytes.length; at += 8) {
      // A prime is odd, and one of half the modulus' length begins with a 1.
      if ((bytes[at]! & 1) === 0 || bytes[at + length - 1]! < 0x80) continue;
      const number = BigInt(
        `0x${Buffer.from(bytes.subarray(at, at + length))
          .reverse()
          .toString('hex')}`,
      );
      if (modulus % number === 0n) return 'found: a number that divides the modulus';
    }
  }
  closeSync(memory);
  return 'not found';
}

/** Starts this file as another program, and waits until it is ready. */
async function start(...what: string[]): Promise<ChildProcess> {
  const child = fork(fileURLToPath(import.meta.url), what);
  await once(child, 'message');
  return child;
}

/** This file again, as the program that is named. */
function self(...what: string[]): string[] {
  return [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url), ...what];
}

function run([file = '', ...rest]: string[]): string {
  return execFileSync(file, rest, { encoding: 'utf8' });
}

async function main(): Promise<void> {
  const attackOn = ({ pid }: ChildProcess) => run(self('attacker', folder, String(pid)));
  const application = await start('application', folder, 'software');
  console.log(`software, the application's memory: ${attackOn(application)}`);
  const agent = await start('agent', folder);
  const other = await start('application', folder, 'isolated');
  console.log(`isolated, the application's memory: ${attackOn(other)}`);
  console.log(`isolated, the agent's memory: ${attackOn(agent)}`);
  for (const child of [application, agent, other]) child.kill();
  rmSync(folder, { recursive: true });
}

switch (program) {
  case 'application':
    await runApplication(argument);
    break;
  case 'agent':
    await runAgent();
    break;
  case 'attacker':
    try {
      process.stdout.write(attack(Number(argument)));
    } catch (error) {
      process.stdout.write(`the kernel refuses it: ${(error as NodeJS.ErrnoException).code}`);
    }
    break;
  case 'all':
    await main();
    break;
  default:
    // Root reads everything: who is root runs it without root's privileges.
    process.stdout.write(
      run([...(process.getuid?.() === 0 ? UNPRIVILEGED : []), ...self('all', folder)]),
    );
}
if (program === 'application' || program === 'agent') {
  setInterval(() => undefined, 1000);
  process.send?.('ready');
}

// Output:
// software, the application's memory: found: a number that divides the modulus
// isolated, the application's memory: not found
// isolated, the agent's memory: the kernel refuses it: EACCES
