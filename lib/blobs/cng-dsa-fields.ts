/** The domain of a DSA key as CNG's blobs write it; the tables are in cng-dsa-blob.ts and cng-dsa-parameters.ts. */
import type { BlobReader } from '../bytes/blob-reader.ts';
import type { BlobWriter } from '../bytes/blob-writer.ts';
import { refuse, wantLength, wantNumbers, writeNumbers } from './cng-number-fields.ts';
import type { NumberField } from './cng-rsa-fields.ts';

/** Facts of a DSA domain that are no bytes. */
interface DsaDomainFacts {
  /** 1: q of 160 bits, p of at most 1024. 2: any q. */
  readonly version: 1 | 2;
  /** HASHALGORITHM_ENUM: what `q` was made with. `SHA1` in version 1. */
  readonly hashAlgorithm: 'SHA1' | 'SHA256' | 'SHA512';
  /** DSAFIPSVERSION_ENUM: how `q` was made. `FIPS186-2` in version 1. */
  readonly standardVersion: 'FIPS186-2' | 'FIPS186-3';
  /** Count: how many tries `q` took; 0xffffffff where that is not known. */
  readonly count: number;
}

/** Numbers of a DSA domain, big-endian. */
interface DsaDomainNumbers {
  /** What `q` was made of; all 0xff where that is not known. 20 bytes in version 1. */
  readonly seed: Uint8Array;
  /** 20 bytes in version 1. */
  readonly q: Uint8Array;
  /** Its length is cbKey. */
  readonly p: Uint8Array;
  readonly g: Uint8Array;
}

/** The domain of a DSA key in CNG: the numbers that keys may share. */
export interface DsaDomain extends DsaDomainFacts, DsaDomainNumbers {}

/** A domain as it is read: facts, and views of the input. */
export interface DsaDomainRead {
  readonly facts: DsaDomainFacts;
  readonly numbers: DsaDomainNumbers;
}

/**
 * Reads a domain, from cbKey on.
 *
 * @param keyField - cbKey or cbKeyLength.
 * @param checkLength - Called with all lengths known, before anything is read by them.
 */
// oxlint-disable-next-line max-params -- where, which version, and the two things that keys and parameters differ in
export function readDsaDomain(
  r: BlobReader,
  version: 1 | 2,
  keyField: string,
  checkLength: (length: number) => void = () => {},
): DsaDomainRead {
  const keyLength = r.u32leIn(keyField, KEY_LENGTH[version]);
  if (version === 1) {
    checkLength(4 + 2 * V1_LENGTH + 2 * keyLength);
    const count = r.u32be('Count');
    const [seed, q] = [r.bytes('Seed', V1_LENGTH), r.bytes('q', V1_LENGTH)];
    const group = { p: r.bytes('Modulus', keyLength), g: r.bytes('Generator', keyLength) };
    return { facts: { ...V1_FACTS, count }, numbers: { seed, q, ...group } };
  }
  const hashAlgorithm = HASHES[r.u32leIn('hashAlgorithm', { max: HASHES.length - 1 })]!;
  const standardVersion = STANDARDS[r.u32leIn('standardVersion', { max: STANDARDS.length - 1 })]!;
  const seedLength = r.u32leIn('cbSeedLength', SEED_LENGTH);
  const groupLength = r.u32leIn('cbGroupSize', GROUP_LENGTH);
  checkLength(20 + seedLength + groupLength + 2 * keyLength);
  const count = r.u32be('Count');
  const [seed, q] = [r.bytes('Seed', seedLength), r.bytes('q', groupLength)];
  const group = { p: r.bytes('Modulus', keyLength), g: r.bytes('Generator', keyLength) };
  return {
    facts: { version, hashAlgorithm, standardVersion, count },
    numbers: { seed, q, ...group },
  };
}

/**
 * Bytes of a domain, from behind cbKey on.
 *
 * @throws KeyStoreError PARAMETER_INVALID for what {@link readDsaDomain} would not read.
 */
export function wantDsaDomain(domain: DsaDomain): number {
  const { version, hashAlgorithm, standardVersion, count, seed, q, p } = domain;
  if (version !== 1 && version !== 2) refuse('version: want 1 or 2');
  if (!Number.isInteger(count) || count < 0 || count > 0xffffffff)
    refuse('count: want a whole number under 2^32');
  if (!HASHES.includes(hashAlgorithm)) refuse(`hashAlgorithm: want ${HASHES.join(', ')}`);
  if (!STANDARDS.includes(standardVersion)) refuse(`standardVersion: want ${STANDARDS.join(', ')}`);
  if (version === 1 && (hashAlgorithm !== 'SHA1' || standardVersion !== 'FIPS186-2'))
    refuse('version: 1 is for SHA1 and FIPS186-2');
  const exactly = { min: V1_LENGTH, max: V1_LENGTH };
  wantLength('seed', seed, version === 1 ? exactly : SEED_LENGTH);
  wantLength('q', q, version === 1 ? exactly : GROUP_LENGTH);
  wantLength('p', p, KEY_LENGTH[version]);
  return (version === 1 ? 4 : 20) + seed.length + q.length + wantNumbers(groupOf(domain));
}

/** Writes a domain, from cbKey on. */
export function writeDsaDomain(w: BlobWriter, domain: DsaDomain): BlobWriter {
  const { version, hashAlgorithm, standardVersion, count, seed, q, p } = domain;
  w.u32le(p.length);
  if (version === 2) {
    w.u32le(HASHES.indexOf(hashAlgorithm)).u32le(STANDARDS.indexOf(standardVersion));
    w.u32le(seed.length).u32le(q.length);
  }
  return writeNumbers(w.u32be(count).bytes(seed).bytes(q), groupOf(domain));
}

function groupOf({ p, g }: DsaDomain): NumberField[] {
  return [
    { field: 'p', value: p, length: p.length },
    { field: 'g', value: g, length: p.length },
  ];
}

/** HASHALGORITHM_ENUM */
const HASHES = ['SHA1', 'SHA256', 'SHA512'] as const;
/** DSAFIPSVERSION_ENUM */
const STANDARDS = ['FIPS186-2', 'FIPS186-3'] as const;
const V1_FACTS = {
  version: 1,
  hashAlgorithm: 'SHA1',
  standardVersion: 'FIPS186-2',
} as const;
/** Bytes of Seed and of q in version 1. */
const V1_LENGTH = 20;
/** MS "BCRYPT_DSA_KEY_BLOB": 512 to 1024 bits in version 1; FIPS 186-3 has none longer than 3072. */
const KEY_LENGTH = { 1: { min: 64, max: 128 }, 2: { min: 64, max: 384 } } as const;
/** FIPS 186-3 has q of 160, 224 and 256 bits; .NET writes as many as SHA512 gives. */
const GROUP_LENGTH = { min: 20, max: 64 } as const;
/** No documented bound; FIPS 186-3 appendix A.1.1.2 makes seeds as long as q or longer. */
const SEED_LENGTH = { min: 0, max: 384 } as const;
