/** Looks for byte strings in the memory of another process of Linux, by every way that needs no debugger. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Koffi } from '../../native-bindings/koffi.ts';
import type { Needle } from './key-needles.ts';

/** What a way into a process gave: what was found, or what the kernel answered. */
export interface MemoryFindings {
  /** Names of what was found; undefined where it was refused. */
  readonly found?: readonly string[];
  /** Bytes that were looked at. */
  readonly bytes?: number;
  /** `EACCES`, `EPERM`: the kernel refuses it. */
  readonly refused?: string;
}

/**
 * Reads all memory that the process can write to: what it keeps, and not what it was loaded from.
 *
 * @param modulus - Of an RSA key of which nothing more is known, in hex: what divides it is found too.
 */
export function scanMemory(
  pid: number,
  needles: readonly Needle[],
  modulus?: string,
): MemoryFindings {
  const wanted = needles.map(({ name, hex }) => ({ name, bytes: Buffer.from(hex, 'hex') }));
  const found = new Set<string>();
  let bytes = 0;
  try {
    const memory = openSync(`/proc/${pid}/mem`, 'r');
    try {
      for (const { start, end } of writableRegions(pid))
        for (const chunk of chunksOf(memory, start, end)) {
          bytes += chunk.length;
          for (const { name, bytes: needle } of wanted) if (chunk.includes(needle)) found.add(name);
          if (modulus !== undefined) for (const name of divisorsIn(chunk, modulus)) found.add(name);
        }
    } finally {
      closeSync(memory);
    }
  } catch (error) {
    return { refused: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
  return { found: [...found].toSorted(), bytes };
}

/** Does the kernel let this process trace that one? PTRACE_SEIZE of linux/ptrace.h: it goes on running, and is let go when we end. */
export function attachTo(koffi: Koffi, pid: number): string {
  const ptrace = koffi.load(null).func('ptrace', 'long', ['long', 'int', 'ulong', 'ulong']);
  if (Number(ptrace(0x4206, pid, 0, 0)) === 0) return 'attached';
  const { errno } = koffi.os;
  return Object.keys(errno).find((name) => errno[name] === koffi.errno()) ?? 'refused';
}

interface Region {
  readonly start: number;
  readonly end: number;
}

/** proc_pid_maps(5): `7f0-7f1 rw-p 00000000 00:00 0 [heap]` */
function* writableRegions(pid: number): Iterable<Region> {
  for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) rw/u.exec(line);
    if (match) yield { start: Number.parseInt(match[1]!, 16), end: Number.parseInt(match[2]!, 16) };
  }
}

/** The region in pieces that overlap, so that nothing is cut. What the kernel cannot read, like memory of a device, is passed over. */
function* chunksOf(memory: number, start: number, end: number): Iterable<Buffer> {
  const buffer = Buffer.allocUnsafe(CHUNK + OVERLAP);
  for (let at = start; at < end; at += CHUNK) {
    let length: number;
    try {
      length = readSync(memory, buffer, 0, Math.min(buffer.length, end - at), at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EIO') return;
      throw error;
    }
    yield buffer.subarray(0, length);
  }
}

/** Numbers of half the length of a modulus that divide it, in either order of bytes, where an allocation or a limb can begin. */
export function* divisorsIn(chunk: Buffer, modulus: string): Iterable<string> {
  const n = BigInt(`0x${modulus}`);
  const length = modulus.length / 4;
  const divides = (number: Buffer) => n % BigInt(`0x${number.toString('hex')}`) === 0n;
  for (let at = 0; at + length <= chunk.length; at += 8) {
    const [first, last] = [chunk[at]!, chunk[at + length - 1]!];
    // A prime is odd, and OpenSSL's begin with two bits set.
    const isLittleEndian = (first & 1) === 1 && last >= 0xc0;
    const isBigEndian = (last & 1) === 1 && first >= 0xc0;
    if (!isLittleEndian && !isBigEndian) continue;
    const bytes = chunk.subarray(at, at + length);
    if (!looksRandom(bytes)) continue;
    if (isLittleEndian && divides(Buffer.from(bytes).reverse()))
      yield 'RSA p, little-endian, by division';
    if (isBigEndian && divides(bytes)) yield 'RSA p, big-endian, by division';
  }
}

/** Of 128 random bytes more than eight zeros are one case in 10^8: pointers and text are passed over. */
function looksRandom(bytes: Buffer): boolean {
  let zeros = 0;
  for (const byte of bytes) if (byte === 0 && ++zeros > 8) return false;
  return true;
}

const CHUNK = 4 << 20;
/** As long as the longest needle. */
const OVERLAP = 256;
