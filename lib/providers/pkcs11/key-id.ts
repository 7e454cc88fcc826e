/**
 * CKA_ID of the keys that keycask makes.
 *
 *   off size
 *     0    4 "kcas", of a key that is kept, or "kcae", of an ephemeral one that its token keeps while it is open
 *     4    1 dwLegacyKeySpec: 0, AT_KEYEXCHANGE 1, AT_SIGNATURE 2
 *     5   15 random
 *   of an ephemeral one:
 *     4    4 SHA-256 of the machine's name, its beginning
 *     8    4 number of the process, big-endian
 *    12    8 random
 */
import { createHash, randomFillSync } from 'node:crypto';
import { hostname } from 'node:os';
import process from 'node:process';
import { concatBytes, encodeUtf8, equalBytes } from '../../bytes/octets.ts';
import type { LegacyKeySpec } from '../../contracts/provider.ts';

export function newKeyId(spec: LegacyKeySpec): Uint8Array {
  return concatBytes(KEPT, Uint8Array.of(SPECS.indexOf(spec)), random(15));
}

/** What a key that keycask made to keep is for, as its id says. */
export function specOfKeptId(id: Uint8Array): LegacyKeySpec | undefined {
  return isKeptId(id) ? SPECS[id[4]!] : undefined;
}

export function newEphemeralId(): Uint8Array {
  return concatBytes(EPHEMERAL, thisMachine(), processNumber(process.pid), random(8));
}

/** Is it of a key that keycask made to keep? Then a data object tells of it, unless the making was interrupted. */
export function isKeptId(id: Uint8Array): boolean {
  return id.length === LENGTH && equalBytes(id.subarray(0, 4), KEPT);
}

export function isEphemeralId(id: Uint8Array): boolean {
  return id.length === LENGTH && equalBytes(id.subarray(0, 4), EPHEMERAL);
}

/** Is it of an ephemeral key whose process ended, here, without deleting it? */
export function isAbandoned(id: Uint8Array): boolean {
  if (!isEphemeralId(id) || !equalBytes(id.subarray(4, 8), thisMachine())) return false;
  const pid = new DataView(id.buffer, id.byteOffset).getUint32(8);
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    // EPERM: somebody else's process has it.
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function thisMachine(): Uint8Array {
  return createHash('sha256').update(hostname()).digest().subarray(0, 4);
}

function processNumber(pid: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, pid);
  return bytes;
}

function random(length: number): Uint8Array {
  return randomFillSync(new Uint8Array(length));
}

/** wincrypt.h. Positions are numbers in the format. */
const SPECS: readonly LegacyKeySpec[] = ['none', 'AT_KEYEXCHANGE', 'AT_SIGNATURE'];
const KEPT = encodeUtf8('kcas');
const EPHEMERAL = encodeUtf8('kcae');
const LENGTH = 20;
