/** What a home can do here, what protects it, and what does not. */
import {
  PROTECTION_LEVELS,
  readersInWords,
  type ProtectionLevel,
} from '../contracts/protection-level.ts';
import type { Posture, ProviderCapabilities } from '../contracts/provider.ts';
import { toHex } from '../bytes/octets.ts';
import { KeyStoreError } from '../errors.ts';
import type { Home } from './home.ts';
import { idsOf } from './keys.ts';
import { listPolicies } from './policies.ts';
import type { HomePolicies } from './protection-policy.ts';
import { reportProviders, reportWindows, type ProviderReport } from './provider-report.ts';

/** One thing that was looked at. */
export interface DoctorCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** How well private keys are protected, for people and for programs. */
export interface ProtectionReport {
  readonly level: ProtectionLevel;
  /** `in an agent of another user` */
  readonly words: string;
  /** Who could still read a private key: where it is used, and where it lies. */
  readonly couldRead: { readonly inMemory: string; readonly onDisk: string };
}

export interface DoctorReport {
  readonly home: string | undefined;
  readonly provider: string;
  readonly capabilities: ProviderCapabilities;
  /** Of the container's exchange key; absent where it was not opened. */
  readonly posture?: Posture;
  /** Of the container's weaker key, in words; absent where it was not opened. */
  readonly protection?: ProtectionReport;
  /** What the signed trust list demands. */
  readonly policies: HomePolicies;
  /** Every provider that keycask has, on this machine. */
  readonly providers: readonly ProviderReport[];
  /** Which Windows, or Wine, this is. */
  readonly windows?: string;
  readonly keys: number;
  readonly checks: readonly DoctorCheck[];
  /** What nobody should rely on. */
  readonly limits: readonly string[];
}

export async function examine(home: Home): Promise<DoctorReport> {
  await home.refresh();
  const keys = await idsOf(home);
  const checks = [
    await check('trust', () =>
      Promise.resolve(
        `trust.cms version ${home.trust.list.trustVersion}, signers listed: ${home.trust.pins.length}`,
      ),
    ),
    await check('manifest', () => {
      const { index, hash } = home.shelf.head;
      return Promise.resolve(`entry ${index}, SHA-256 ${toHex(hash)}`);
    }),
    await check('container', async () =>
      home.readOnly ? 'not opened' : `${(await home.container()).name} opens and signs trust.cms`,
    ),
    await check('protection', () => {
      const { minimumProtection: wanted } = listPolicies(home);
      return Promise.resolve(
        wanted === undefined
          ? 'no level is demanded (`keycask trust policy`)'
          : `private keys must be ${PROTECTION_LEVELS[wanted].words} ("${wanted}"), or better protected`,
      );
    }),
    await check('records', () => verifyAll(home, keys)),
    await check('argon2', loadArgon2),
    await check('certificates', () =>
      readCertificate(
        home.trust.current.container.exchange,
        home.path === undefined ? 'one that was made now' : "the home's",
      ),
    ),
  ];
  const posture = home.readOnly
    ? undefined
    : await (await home.container()).exchangeKey.getProperty('posture');
  const protection = posture && (await describeProtection(home));
  const { name: provider, capabilities } = home.provider;
  const windows = await reportWindows();
  return {
    home: home.path,
    provider,
    capabilities,
    ...(posture && { posture }),
    ...(protection && { protection }),
    policies: listPolicies(home),
    providers: await reportProviders(),
    ...(windows !== undefined && { windows }),
    keys: keys.length,
    checks,
    limits: LIMITS,
  };
}

async function describeProtection(home: Home): Promise<ProtectionReport> {
  const { protection } = await home.container();
  const { level, inMemory } = protection;
  return {
    level,
    words: PROTECTION_LEVELS[level].words,
    couldRead: readersInWords(protection, inMemory),
  };
}

async function check(name: string, look: () => Promise<string>): Promise<DoctorCheck> {
  try {
    return { name, ok: true, detail: await look() };
  } catch (error) {
    return {
      name,
      ok: false,
      detail: KeyStoreError.is(error) ? `${error.code}: ${error.message}` : 'could not be loaded',
    };
  }
}

async function verifyAll(home: Home, ids: readonly string[]): Promise<string> {
  let bad = 0;
  for (const id of ids) await home.readRecord(id).catch(() => bad++);
  if (bad > 0)
    throw new KeyStoreError(
      'RECORD_ROLLED_BACK',
      `${bad} of ${ids.length} records are not what the manifest lists: see \`keycask verify\``,
    );
  return `all are what the manifest lists: ${ids.length}`;
}

async function loadArgon2(): Promise<string> {
  const { argon2id } = await import('../kdf/argon2id.ts');
  using key = await argon2id(
    new Uint8Array(8),
    { salt: new Uint8Array(16), memoryKiB: 8192, iterations: 1, parallelism: 1 },
    32,
  );
  return `passwords work (${key.length * 8}-bit keys)`;
}

async function readCertificate(certificate: Uint8Array, which: string): Promise<string> {
  const { decodeCertificate } = await import('../cms/certificate.ts');
  const { subject } = await decodeCertificate(certificate);
  return `can be read; ${which} for the exchange key is of ${subject}`;
}

const LIMITS = [
  'Home and store rolled back together to an older state are not noticed: note the manifest entry above elsewhere.',
  'While a session key is open it is in the memory of this process, and readable by the same user and by administrators.',
  'Wiping keys from memory is best effort in JavaScript.',
] as const;
