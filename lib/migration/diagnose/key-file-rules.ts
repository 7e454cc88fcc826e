/** Rules of key files: formats that other programs do not take, private keys that are encrypted, limits of providers. */
import { ALG_ID, describeAlgId, isRsa } from '../../blobs/alg-id.ts';
import { BlobReader } from '../../bytes/blob-reader.ts';
import { capiProviderAlgorithms } from '../../legacy/provider-algorithms.ts';
import type { Facts } from './facts.ts';
import type { Rule } from './rule.ts';

export const KEY_FILE_RULES: readonly Rule[] = [
  {
    id: 'CSP_BLOB_IS_NO_PEM',
    symptom: 'OpenSSL, Java or Node: no start line, wrong tag, unsupported key format',
    cause:
      'It is a {what} of CryptoAPI: little-endian numbers without ASN.1, which other libraries do not read.',
    hint: "Convert it: encodeKeyPair(decodeKeyPair(bytes).pair, '{format}', { pem: true }) of keycask/key-pairs, in both directions.",
    certainty: 'certain',
    when: ({ recognised, opened }) => {
      const format = CONVERTED.get(recognised.format);
      const isClosed = isEncrypted(recognised) && !opened;
      return format === undefined || isClosed || recognised.state === 'damaged'
        ? undefined
        : { what: recognised.what, format };
    },
  },
  {
    id: 'SPKI_HEADER_MISSING',
    symptom: 'A public key of CryptEncodeObject(RSA_CSP_PUBLICKEYBLOB) that nobody takes as PEM',
    cause:
      'It is a bare RSAPublicKey (PKCS#1): "BEGIN PUBLIC KEY" wants a SubjectPublicKeyInfo around it.',
    hint: 'Wrap it, encodeKeyPair(decodeKeyPair(bytes).pair, \'SPKI\') of keycask/key-pairs, or label the PEM "BEGIN RSA PUBLIC KEY".',
    certainty: 'certain',
    when: ({ recognised }) => recognised.format === 'pkcs1-public',
  },
  {
    id: 'PRIVATE_KEY_BLOB_ENCRYPTED',
    symptom: 'A PRIVATEKEYBLOB without "RSA2" at offset 8',
    cause:
      'The blob was exported under a session key (hExpKey): all behind the header is encrypted, and key, cipher and mode are not in it.',
    hint: 'Give the session key as a PLAINTEXTKEYBLOB with --key, or the password that it was derived from with --legacy-password-file.',
    certainty: 'certain',
    when: ({ recognised, opened }) =>
      recognised.format === 'privatekeyblob' && isEncrypted(recognised) && !opened,
  },
  {
    id: 'PRIVATE_KEY_BLOB_OPENED',
    symptom: 'A PRIVATEKEYBLOB without "RSA2" at offset 8, and a key that may have encrypted it',
    cause: 'It is encrypted with {by}, {cipher}: known by the "RSA2" that came out.',
    hint: 'Give the same key as hPubKey of CryptImportKey, or use openEncryptedPrivateKeyBlob of keycask/legacy.',
    certainty: 'certain',
    when: ({ recognised, opened }) =>
      recognised.format === 'privatekeyblob' && isEncrypted(recognised) && opened
        ? { by: opened.by, cipher: opened.cipher ?? opened.algorithm ?? '' }
        : undefined,
  },
  {
    id: 'PVK_PASSWORD',
    symptom: 'A PVK file that asks for a password',
    cause: 'The private key is encrypted with RC4 under a password, and none that was given fits.',
    hint: 'Give the password with --legacy-password-file; it was typed into MakeCert or PVKTool.',
    certainty: 'certain',
    when: ({ recognised, opened }) =>
      recognised.format === 'pvk' && isEncrypted(recognised) && !opened,
  },
  {
    id: 'KEY_FILE_CLOSED',
    symptom: 'A key file that was given, and nothing opens with it',
    cause: 'These files with private keys stayed closed, so they were not tried: {names}.',
    hint: 'Give their passwords with --legacy-password-file, the folders of their accounts with --containers, the account of a Wine prefix with --wine-user.',
    certainty: 'certain',
    when: ({ closed, opened }) => {
      if (opened || closed.length === 0) return undefined;
      const names = closed.slice(0, MAX_NAMES).map(({ path, error }) => `${path} (${error.code})`);
      return { names: names.join(', ') };
    },
  },
  {
    id: 'PVK_IS_WEAK',
    symptom: 'A PVK file that OpenSSL opens with -pvk-weak only',
    cause: 'It is protected with 40 bits, which can be searched in a day whatever the password is.',
    hint: 'Treat the private key as in the clear: migrate what was wrapped for it, and destroy the file.',
    certainty: 'certain',
    when: ({ recognised, opened }) =>
      recognised.format === 'pvk' && opened?.cipher?.includes(' 40 bits') === true,
  },
  {
    id: 'BASE_PROVIDER_LIMIT',
    symptom: 'NTE_BAD_DATA or NTE_BAD_LEN on one machine, and the same key works on another',
    cause:
      'The Microsoft Base Cryptographic Provider takes {limit}, and this key has {bits} bits: which provider is the default depends on the release of Windows.',
    hint: 'Name the provider: "Microsoft Enhanced RSA and AES Cryptographic Provider", PROV_RSA_AES (24), with explicit key sizes.',
    certainty: 'likely',
    when: (facts) => {
      const { symptom } = facts;
      if (!symptom.codes.has('NTE_BAD_DATA') && !symptom.codes.has('NTE_BAD_LEN')) return undefined;
      return overBase(facts);
    },
  },
  {
    id: 'HMAC_KEY_TOO_SHORT',
    symptom: 'CryptImportKey refuses a short HMAC key with NTE_BAD_DATA or NTE_BAD_LEN',
    cause:
      'HMAC keys travel as RC2 keys in a PLAINTEXTKEYBLOB, and {length} bytes are fewer or more than an RC2 key has.',
    hint: 'Give CRYPT_IPSEC_HMAC_KEY to CryptImportKey for long keys, and pad short ones with zeros to the hash: HMAC does the same.',
    certainty: 'likely',
    when: ({ recognised, bytes }) => {
      if (recognised.format !== 'plaintextkeyblob') return undefined;
      const { algId, length } = plaintextFacts(bytes);
      const isOdd = length > 0 && (length < MIN_RC2 || length > MAX_RC2);
      return algId === ALG_ID.CALG_RC2 && isOdd ? { length } : undefined;
    },
  },
];

function isEncrypted({ notes }: Facts['recognised']): boolean {
  return notes.some(({ id }) => id === 'PRIVATE_KEY_ENCRYPTED');
}

function overBase({ recognised, bytes, opened }: Facts) {
  const key = recognised.format === 'pvk' ? bytes.subarray(PVK_HEADER) : bytes;
  if (PAIRS.has(recognised.format) && key.length >= RSA_HEADER) {
    const r = new BlobReader(key, 'key blob');
    r.bytes('bType, bVersion, reserved', 4);
    const algId = r.u32le('aiKeyAlg');
    r.u32le('magic');
    const bits = r.u32le('bitlen');
    return isRsa(algId) ? limitOf(algId, bits) : undefined;
  }
  if (opened?.algorithm === undefined || opened.keyLength === undefined) return undefined;
  const algId = ALG_ID[opened.algorithm as keyof typeof ALG_ID];
  // DES counts no parity, and the Base Provider has it anyway.
  return algId === ALG_ID.CALG_DES ? undefined : limitOf(algId, 8 * opened.keyLength);
}

/** Undefined where the Base Provider takes it. */
function limitOf(algId: number, bits: number) {
  const row = capiProviderAlgorithms('base').find((each) => each.algId === algId);
  const algorithm = describeAlgId(algId);
  if (!row) return { limit: `no ${algorithm}`, bits };
  return bits > row.maxBits
    ? { limit: `at most ${row.maxBits} bits of ${algorithm}`, bits }
    : undefined;
}

function plaintextFacts(bytes: Uint8Array): { algId: number; length: number } {
  if (bytes.length < PLAINTEXT_HEADER) return { algId: 0, length: 0 };
  const r = new BlobReader(bytes, 'PLAINTEXTKEYBLOB');
  r.bytes('bType, bVersion, reserved', 4);
  return { algId: r.u32le('aiKeyAlg'), length: r.u32le('dwKeySize') };
}

/** What a format becomes for other libraries. */
const CONVERTED = new Map<string, string>([
  ['privatekeyblob', 'PKCS8'],
  ['pvk', 'PKCS8'],
  ['publickeyblob', 'SPKI'],
  ['strong-name-public-key', 'SPKI'],
  ['rsapublicblob', 'SPKI'],
  ['rsaprivateblob', 'PKCS8'],
  ['rsafullprivateblob', 'PKCS8'],
]);
const PAIRS: ReadonlySet<string> = new Set(['privatekeyblob', 'publickeyblob', 'pvk']);
/** A sentence, not a list. */
const MAX_NAMES = 3;
const PVK_HEADER = 24;
/** To the end of bitlen. */
const RSA_HEADER = 16;
const PLAINTEXT_HEADER = 12;
/** Bytes of an RC2 key. */
const MIN_RC2 = 5;
const MAX_RC2 = 16;
