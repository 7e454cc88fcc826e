/** Rules of what Windows keeps: containers, whose they are, and the DPAPI master keys that they lie under. */
import { BlobReader } from '../../bytes/blob-reader.ts';
import { ALG_ID } from '../../blobs/alg-id.ts';
import type { ContainerFacts } from './containers.ts';
import type { Facts } from './facts.ts';
import type { Rule } from './rule.ts';
import type { SymptomCode } from './symptom.ts';

export const CONTAINER_RULES: readonly Rule[] = [
  // "Key not valid for use in specified state" has four causes and more
  {
    id: 'NOT_EXPORTABLE',
    symptom: 'Key not valid for use in specified state (NTE_BAD_KEY_STATE) from CryptExportKey',
    cause: 'The key of container {names} was made without CRYPT_EXPORTABLE.',
    hint: 'CryptoAPI will not export it, but its file opens with the password of its account: give it and the folder to `keycask migrate`.',
    certainty: 'certain',
    when: (facts) =>
      has(facts, 'NTE_BAD_KEY_STATE') &&
      namesOf(facts.containers, ({ seal }) => seal.exportable === false),
  },
  {
    id: 'KEY_IS_FOR_SIGNATURES',
    symptom: 'Key not valid for use in specified state, or Bad key, when the key should decrypt',
    cause:
      'Byte 5 of the blob makes it CALG_RSA_SIGN (0x2400), a key of AT_SIGNATURE, which does not decrypt and does not unwrap session keys.',
    hint: 'If it is the exchange key after all, write CALG_RSA_KEYX there (bytes 4 to 7: 00 A4 00 00) and import it as AT_KEYEXCHANGE.',
    certainty: 'certain',
    when: (facts) =>
      has(facts, 'NTE_BAD_KEY_STATE') &&
      isKeyPair(facts) &&
      algIdOf(facts) === ALG_ID.CALG_RSA_SIGN,
  },
  {
    id: 'PLAINTEXT_TOO_LONG',
    symptom: 'Key not valid for use in specified state, or Bad length, from RSA encryption',
    cause:
      'RSA with {bits} bits encrypts at most {most} bytes at once with PKCS#1 v1.5, and the data has {size}.',
    hint: 'Encrypt the data with a session key, and wrap that one; `keycask encrypt` does so.',
    certainty: 'likely',
    when: (facts) => {
      if (!has(facts, 'NTE_BAD_KEY_STATE', 'NTE_BAD_LEN') || facts.dataSize === undefined)
        return undefined;
      const bits = isKeyPair(facts) ? bitsOf(facts) : facts.keys[0]?.modulusBits;
      if (bits === undefined) return undefined;
      const most = bits / 8 - PKCS1_OVERHEAD;
      return facts.dataSize > most ? { bits, most, size: facts.dataSize } : undefined;
    },
  },
  {
    id: 'DPAPI_OF_ANOTHER',
    symptom:
      'Key not valid for use in specified state from CryptUnprotectData, ProtectedData, Export',
    cause:
      'The data is under DPAPI, master key {guid}, and the account that asks is not the one that has it: another user, another machine, or a service whose profile is not loaded.',
    hint: 'Unprotect it as the account that protected it, or give its folder Protect (--containers) and its password (--legacy-password-file).',
    certainty: 'likely',
    when: (facts) =>
      has(facts, 'NTE_BAD_KEY_STATE') &&
      facts.seal?.outcome !== 'opened' &&
      facts.seal?.guid !== undefined && { guid: facts.seal.guid },
  },
  {
    id: 'BAD_KEY_STATE',
    symptom: 'Key not valid for use in specified state (NTE_BAD_KEY_STATE, 0x8009000B)',
    cause:
      'Windows says this of four things: a key that is not exportable, a signature key that should decrypt, a plaintext that is too long for RSA, DPAPI data of another user or machine.',
    hint: 'Give the file that it was said of, and --containers, --data: diagnose tells the four apart.',
    certainty: 'possible',
    when: (facts) => has(facts, 'NTE_BAD_KEY_STATE'),
  },
  // Containers that exist and cannot be opened
  {
    id: 'CONTAINER_REFUSED',
    symptom: '"Keyset does not exist", then "Object already exists" when it is made anew',
    cause:
      'The container is there, so its file refuses: {names}; keycask runs as {whoami}, and Windows tells by NTE_EXISTS alone that an ACL denies it.',
    hint: 'Compare owner and permissions with the account that needs it: `icacls FILE`, then `icacls FILE /grant ACCOUNT:R` as its owner or an administrator.',
    certainty: 'likely',
    when: (facts) => {
      if (!has(facts, 'NTE_EXISTS', 'NTE_PERM', 'E_ACCESSDENIED', 'NTE_BAD_KEYSET'))
        return undefined;
      if (facts.containers.length === 0) return undefined;
      const names = facts.containers
        .slice(0, MAX_NAMES)
        .map(({ name, path, access }) => `${JSON.stringify(name)} (${path}, ${access})`);
      return { names: names.join('; '), whoami: facts.whoami };
    },
  },
  {
    id: 'FILE_UNREADABLE',
    symptom:
      'Keyset does not exist, Access denied; keys that were there before a copy or a restore',
    cause: 'These paths are there and cannot be read by the account that asks ({whoami}): {names}.',
    hint: 'Take ownership or copy them as an administrator: copies keep the ACLs of the account that they came from.',
    certainty: 'certain',
    when: ({ unreadable, whoami }) =>
      unreadable.length > 0 && { whoami, names: unreadable.slice(0, MAX_NAMES).join(', ') },
  },
  {
    id: 'CONTAINER_EXISTS',
    symptom: 'Object already exists (NTE_EXISTS, 0x8009000F) after Keyset does not exist',
    cause: 'A container of this name exists, and the account that asks may not read it.',
    hint: 'Find its file under Crypto\\RSA (MachineKeys, or the SID of its owner) and look at its ACL; give that folder with --containers.',
    certainty: 'likely',
    when: (facts) => has(facts, 'NTE_EXISTS') && facts.containers.length === 0,
  },
  {
    id: 'CONTAINER_OF_THE_MACHINE',
    symptom: 'Keyset does not exist (NTE_BAD_KEYSET, 0x80090016), though the file is there',
    cause:
      'The container {names} is one of the machine or of a service account: it is not found without CRYPT_MACHINE_KEYSET.',
    hint: 'Open it with CRYPT_MACHINE_KEYSET (CspProviderFlags.UseMachineKeyStore), or run as the service that owns it.',
    certainty: 'likely',
    when: (facts) =>
      has(facts, 'NTE_BAD_KEYSET', 'NTE_KEYSET_NOT_DEF') &&
      namesOf(facts.containers, ({ scope }) => scope === 'machine'),
  },
  {
    id: 'CONTAINER_OF_ANOTHER_USER',
    symptom: 'Keyset does not exist when a service, IIS or a task runs the same program',
    cause: 'The container {names} belongs to one account: others have folders of their own.',
    hint: 'Run as that account with its profile loaded, or make the container one of the machine and grant access; never use the default container (NULL).',
    certainty: 'likely',
    when: (facts) =>
      has(facts, 'NTE_BAD_KEYSET', 'NTE_KEYSET_NOT_DEF') &&
      namesOf(facts.containers, ({ scope }) => scope === 'user'),
  },
  {
    id: 'PROFILE_NOT_LOADED',
    symptom:
      'Keyset does not exist, The system cannot find the file specified, or temporary profile, in a service or in IIS',
    cause:
      'User containers lie in the profile of an account, and a service runs without it unless it is loaded; or the container is in the other scope, user or machine.',
    hint: 'Load the profile (IIS: Load User Profile), or use a machine container; give both folders, Crypto\\RSA\\MachineKeys and Crypto\\RSA\\<SID>, with --containers.',
    certainty: 'possible',
    when: (facts) =>
      has(facts, 'NTE_TEMPORARY_PROFILE') ||
      (has(facts, 'NTE_BAD_KEYSET', 'ERROR_FILE_NOT_FOUND', 'NTE_KEYSET_NOT_DEF') &&
        facts.containers.length === 0),
  },
  // Master keys
  {
    id: 'MASTER_KEY_MISSING',
    symptom: 'A container file or DPAPI blob that no password opens, after a reimage or a copy',
    cause: 'It lies under the DPAPI master key {guid} of {owner}, which is not among the files.',
    hint: 'Copy Protect\\<SID>\\{guid} from the old profile, a backup, or a roaming profile; the backup key of a domain opens that file too, and nothing replaces it.',
    certainty: 'certain',
    when: (facts) => {
      const lost = [...sealsOf(facts)].find(({ seal }) => seal.outcome === 'master-key-missing');
      return lost?.seal.guid === undefined
        ? undefined
        : { guid: lost.seal.guid, owner: lost.sid ?? 'the account that made it' };
    },
  },
  {
    id: 'MASTER_KEY_CLOSED',
    symptom: 'A container file or DPAPI blob that stays closed after the password was reset',
    cause:
      'Its master key {guid} of {owner} is there and no secret that was given opens it; {history}',
    hint: 'Give the password that was in use before it was reset (a change keeps the key, a reset by an administrator loses it), its NT hash (--nt-hash-file), or the backup key of the domain (--domain-key).',
    certainty: 'certain',
    when: (facts) => {
      const lost = [...sealsOf(facts)].find(({ seal }) => seal.outcome === 'password-wrong');
      if (lost?.seal.guid === undefined) return undefined;
      const owner = lost.seal.owners[0] ?? lost.sid ?? 'an unknown account';
      const history = facts.hasCredHist
        ? 'CREDHIST is there, so the present password or any later one leads to former ones.'
        : 'CREDHIST, which leads from the present password to former ones, is not there.';
      return { guid: lost.seal.guid, owner, history };
    },
  },
  {
    id: 'SEAL_OF_ANOTHER_KIND',
    symptom: 'The master key opens, and what lies under it does not',
    cause:
      'It needs more than the master key {guid}: an entropy that the program chose, a password or PIN of strong protection, or it was changed.',
    hint: 'Ask the program for its entropy and use openDpapiBlob of keycask/legacy with it.',
    certainty: 'likely',
    when: ({ seal }) =>
      seal?.outcome === 'failed' && seal.guid !== undefined && { guid: seal.guid },
  },
  {
    id: 'KEY_IN_TPM',
    symptom: 'A file of Crypto\\PCPKSP',
    cause: 'The private key is bound to the TPM of one machine and cannot be taken out.',
    hint: 'On that machine, unwrap with it what it wrapped, and wrap that for a new key; without the machine it is lost.',
    certainty: 'certain',
    when: ({ recognised }) => recognised.format === 'pcp-key-file',
  },
  {
    id: 'USMT_CONTAINER',
    symptom: 'After USMT or a profile copy, CNG and .NET do not find a key that CryptoAPI finds',
    cause:
      'USMT brings containers of CryptoAPI to where CryptoAPI finds them and CNG does not look.',
    hint: 'Open them with CryptoAPI (PROV_RSA_AES) and export the keys, or migrate the files with keycask.',
    certainty: 'possible',
    when: ({ symptom }) => /\busmt\b|user state migration/u.test(symptom.text),
  },
];

function has({ symptom }: Facts, ...codes: readonly SymptomCode[]): boolean {
  return codes.some((code) => symptom.codes.has(code));
}

/** Of the file itself, then of containers around. */
function* sealsOf(facts: Facts): Generator<Pick<ContainerFacts, 'seal' | 'sid'>> {
  if (facts.seal) {
    const sid = /S-1-\d+(?:-\d+)+/iu.exec(facts.path ?? '')?.[0];
    yield { seal: facts.seal, ...(sid !== undefined && { sid }) };
  }
  yield* facts.containers;
}

function namesOf(
  containers: readonly ContainerFacts[],
  isMeant: (container: ContainerFacts) => boolean,
): { names: string } | undefined {
  const meant = containers.filter(isMeant);
  if (meant.length === 0) return undefined;
  const names = meant
    .slice(0, MAX_NAMES)
    .map(({ name, sid, path }) => `${JSON.stringify(name)} (${sid ?? path})`);
  return { names: names.join(', ') };
}

/** A public or private key of RSA in a blob of CryptoAPI's. */
function isKeyPair({ recognised, bytes }: Facts): boolean {
  return PAIRS.has(recognised.format) && bytes.length >= RSA_HEADER;
}

function algIdOf({ bytes }: Facts): number {
  const r = new BlobReader(bytes, 'key blob');
  r.bytes('bType, bVersion, reserved', 4);
  return r.u32le('aiKeyAlg');
}

function bitsOf({ bytes }: Facts): number {
  const r = new BlobReader(bytes, 'key blob');
  r.bytes('BLOBHEADER, magic', RSA_HEADER - 4);
  return r.u32le('bitlen');
}

const PAIRS: ReadonlySet<string> = new Set(['privatekeyblob', 'publickeyblob']);
/** To the end of bitlen. */
const RSA_HEADER = 16;
/** 00 02, PS of 8 bytes, 00 */
const PKCS1_OVERHEAD = 11;
/** A sentence, not a list. */
const MAX_NAMES = 3;
