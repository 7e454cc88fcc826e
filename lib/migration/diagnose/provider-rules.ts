/** Rules of CryptoAPI against CNG: keys, algorithms and blobs that one of them has and the other one lacks. */
import { BlobReader } from '../../bytes/blob-reader.ts';
import type { Rule } from './rule.ts';

export const PROVIDER_RULES: readonly Rule[] = [
  {
    id: 'KEY_IS_OF_CNG',
    symptom: 'Invalid provider type specified (NTE_BAD_PROV_TYPE, 0x80090014)',
    cause:
      'The key is in a key storage provider of CNG, and CryptoAPI was asked for it: .NET does so with X509Certificate2.PrivateKey.',
    hint: 'Open it with CNG (GetRSAPrivateKey, NCryptOpenKey, provider `cng` of keycask), or import the PFX again with "Microsoft Enhanced RSA and AES Cryptographic Provider".',
    certainty: 'likely',
    when: ({ symptom }) => symptom.codes.has('NTE_BAD_PROV_TYPE'),
  },
  {
    id: 'PROVIDER_WITHOUT_ALGORITHM',
    symptom: 'Invalid algorithm specified (NTE_BAD_ALGID, 0x80090008), with SHA-256 or AES',
    cause:
      'The provider has type 1 (PROV_RSA_FULL), which knows neither SHA-2 nor AES; type 24 (PROV_RSA_AES) does, with the same keys.',
    hint: 'Open the same container with PROV_RSA_AES (24): new CspParameters(24, ...), or import the PFX with -csp "Microsoft Enhanced RSA and AES Cryptographic Provider".',
    certainty: 'likely',
    when: ({ symptom }) => symptom.codes.has('NTE_BAD_ALGID'),
  },
  {
    id: 'PLAINTEXT_EXPORT_REFUSED',
    symptom: 'The requested operation is not supported (NTE_NOT_SUPPORTED) from NCryptExportKey',
    cause:
      'The key {name} has the export policy {policy}: NCRYPT_ALLOW_EXPORT_FLAG without NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG.',
    hint: 'Export it encrypted (PKCS#8 with NCRYPTBUFFER_PKCS_SECRET) and import it again with both flags; or migrate its file with the password of its account.',
    certainty: 'certain',
    when: ({ containers, seal, recognised }) => {
      const own =
        recognised.format === 'cng-container-file' ? [{ name: 'in this file', seal }] : [];
      const found = [...own, ...containers].find(
        (each) => each.seal?.exportPolicy !== undefined && isEncryptedOnly(each.seal.exportPolicy),
      );
      return found && { name: found.name, policy: found.seal?.exportPolicy ?? 0 };
    },
  },
  {
    id: 'OPERATION_NOT_SUPPORTED',
    symptom: 'The requested operation is not supported (NTE_NOT_SUPPORTED, 0x80090029)',
    cause:
      'CNG does not export a key whose policy forbids it (NCRYPT_ALLOW_EXPORT_FLAG alone allows encrypted export only), and has no plain form of session keys.',
    hint: 'Look at its "Export Policy"; export it encrypted and import it again, or give its file with --containers.',
    certainty: 'possible',
    when: ({ symptom }) => symptom.codes.has('NTE_NOT_SUPPORTED'),
  },
  {
    id: 'BLOB_FOR_THE_OTHER_API',
    symptom: 'STATUS_NOT_SUPPORTED (0xC00000BB) from BCryptImportKeyPair',
    cause:
      'It is a {what} of CryptoAPI: bcrypt.dll does not take LEGACY_RSAPUBLIC_BLOB and LEGACY_RSAPRIVATE_BLOB from every caller, ncrypt.dll does.',
    hint: "Import it with NCryptImportKey, or convert it: encodeKeyPair(decodeKeyPair(bytes).pair, '{format}') of keycask/key-pairs.",
    certainty: 'likely',
    when: ({ symptom, recognised }) => {
      const format = CNG_FORMATS.get(recognised.format);
      return symptom.codes.has('STATUS_NOT_SUPPORTED') && format !== undefined
        ? { what: recognised.what, format }
        : undefined;
    },
  },
  {
    id: 'EXPONENT_TOO_LARGE_FOR_CAPI',
    symptom: 'CryptoAPI refuses a public key that CNG takes',
    cause: 'The public exponent {exponent} does not fit 32 bits, all that a PUBLICKEYBLOB has.',
    hint: 'Use CNG for this key.',
    certainty: 'certain',
    when: ({ recognised, bytes }) => {
      if (recognised.format !== 'rsapublicblob' || bytes.length < RSAPUBLICBLOB_HEADER)
        return undefined;
      const r = new BlobReader(bytes, 'RSAPUBLICBLOB');
      r.bytes('Magic, BitLength', 8);
      const length = r.u32le('cbPublicExp');
      return length > 4 ? { exponent: `of ${length} bytes` } : undefined;
    },
  },
];

/** NCRYPT_ALLOW_EXPORT_FLAG, and not NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG. */
function isEncryptedOnly(policy: number): boolean {
  return (policy & 1) !== 0 && (policy & 2) === 0;
}

const CNG_FORMATS = new Map<string, string>([
  ['publickeyblob', 'RSAPUBLICBLOB'],
  ['privatekeyblob', 'RSAFULLPRIVATEBLOB'],
]);
const RSAPUBLICBLOB_HEADER = 24;
