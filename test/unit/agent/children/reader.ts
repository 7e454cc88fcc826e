/** Another process that tries to read the memory of one: through /proc, by ptrace, by process_vm_readv, and by the debugger of node. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { connect } from 'node:net';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadKoffi } from '../../../../native-bindings/koffi.ts';
import { tell } from '../../../proofs/children/tell.ts';

const [pid = 0, address = 0] = process.argv.slice(2).map(Number);
const koffi = await loadKoffi();
const libc = koffi.load(null);
const errno = (): string =>
  Object.entries(koffi.os.errno).find(([, value]) => value === koffi.errno())?.[0] ?? 'unknown';

function attempt(read: () => string): string {
  try {
    return read();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** /proc/PID/mem, at the address. */
function readMemory(): string {
  const file = openSync(`/proc/${pid}/mem`, 'r');
  try {
    const bytes = Buffer.alloc(32);
    readSync(file, bytes, 0, 32, address);
    return bytes.toString('latin1');
  } finally {
    closeSync(file);
  }
}

/** sys/uio.h: struct iovec, local and remote. */
function readOtherMemory(): string {
  const call = libc.func('process_vm_readv', 'long', [
    'int',
    'void *',
    'ulong',
    'void *',
    'ulong',
    'ulong',
  ]);
  const bytes = new Uint8Array(new ArrayBuffer(32));
  const local = BigUint64Array.of(koffi.address(bytes), 32n);
  const remote = BigUint64Array.of(BigInt(address), 32n);
  if (Number(call(pid, local, 1, remote, 1, 0)) < 0) return errno();
  return Buffer.from(bytes).toString('latin1');
}

/** linux/ptrace.h: PTRACE_SEIZE attaches without stopping the process, PTRACE_DETACH needs it stopped; our end detaches. */
function attach(): string {
  const ptrace = libc.func('ptrace', 'long', ['long', 'int', 'ulong', 'ulong']);
  return Number(ptrace(0x4206, pid, 0, 0)) < 0 ? errno() : 'attached';
}

/** The port that node opens for whoever sends SIGUSR1: the one that it was told when it started, as 9229 may be another program's. */
async function openDebugger(port: number): Promise<string> {
  try {
    process.kill(pid, 'SIGUSR1');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'failed';
  }
  for (let attempts = 0; attempts < 60; attempts++) {
    await sleep(50);
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () =>
        resolve(false),
      );
      socket.unref();
      setTimeout(() => socket.destroy(), 500).unref();
    });
    if (isOpen) return 'open';
  }
  return 'closed';
}

// First: a signal does not reach a process that is traced and whose tracer looks away.
const debugPort = Number(process.argv[4] ?? '');
const debuggerPort = debugPort > 0 ? await openDebugger(debugPort) : 'not tried';
tell({
  mem: attempt(readMemory),
  vm: readOtherMemory(),
  environ: attempt(() => readFileSync(`/proc/${pid}/environ`, 'latin1')),
  maps: attempt(() => (readFileSync(`/proc/${pid}/maps`, 'latin1') === '' ? 'empty' : 'read')),
  descriptors: attempt(() => readFileSync(`/proc/${pid}/fd/0`, { flag: 'r' }).toString() || 'read'),
  ptrace: attach(),
  debugger: debuggerPort,
});
process.exit(0);
