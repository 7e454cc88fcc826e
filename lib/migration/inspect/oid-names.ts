/** Object identifiers of keys, certificates and CMS, by the names that their specifications give them. */

/** The dotted form of an identifier's contents (X.690 section 8.19); undefined where they are none. */
export function oidText(contents: Uint8Array): string | undefined {
  if (contents.length === 0 || contents.at(-1)! & 0x80) return undefined;
  const arcs: bigint[] = [];
  let arc = 0n;
  for (const byte of contents) {
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    if (byte & 0x80) continue;
    arcs.push(arc);
    arc = 0n;
  }
  const [first, ...rest] = arcs as [bigint, ...bigint[]];
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - 40n * root, ...rest].join('.');
}

/** Its name; undefined for one that is not here. */
export function oidName(dotted: string): string | undefined {
  return (
    NAMES[dotted] ??
    (dotted.startsWith(`${KEYCASK}.`) ? OURS[dotted.slice(KEYCASK.length + 1)] : undefined)
  );
}

const KEYCASK = '1.2.840.113556.1.8000.2554.445.6250.27911.17208.39805.12998346.5770488';
const OURS: Readonly<Record<string, string>> = {
  '1.1': 'keycask metadata',
  '2.1': 'keycask key blob',
  '2.2': 'keycask trust list',
  '2.3': 'keycask manifest entry',
  '3.1': 'keycask Argon2id',
};

const NAMES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.1': 'rsaEncryption',
  '1.2.840.113549.1.1.2': 'md2WithRSAEncryption',
  '1.2.840.113549.1.1.4': 'md5WithRSAEncryption',
  '1.2.840.113549.1.1.5': 'sha1WithRSAEncryption',
  '1.2.840.113549.1.1.7': 'id-RSAES-OAEP',
  '1.2.840.113549.1.1.8': 'id-mgf1',
  '1.2.840.113549.1.1.10': 'id-RSASSA-PSS',
  '1.2.840.113549.1.1.11': 'sha256WithRSAEncryption',
  '1.2.840.113549.1.1.12': 'sha384WithRSAEncryption',
  '1.2.840.113549.1.1.13': 'sha512WithRSAEncryption',
  '1.2.840.113549.1.3.1': 'dhKeyAgreement',
  '1.2.840.113549.1.5.12': 'id-PBKDF2',
  '1.2.840.113549.1.5.13': 'id-PBES2',
  '1.2.840.113549.1.7.1': 'id-data',
  '1.2.840.113549.1.7.2': 'id-signedData',
  '1.2.840.113549.1.7.3': 'id-envelopedData',
  '1.2.840.113549.1.7.5': 'id-digestedData',
  '1.2.840.113549.1.7.6': 'id-encryptedData',
  '1.2.840.113549.1.9.3': 'id-contentType',
  '1.2.840.113549.1.9.4': 'id-messageDigest',
  '1.2.840.113549.1.9.5': 'id-signingTime',
  '1.2.840.113549.1.9.16.1.6': 'id-ct-contentInfo',
  '1.2.840.113549.1.9.16.1.23': 'id-ct-authEnvelopedData',
  '1.2.840.113549.1.9.16.3.9': 'id-alg-PWRI-KEK',
  '1.2.840.113549.1.9.16.13.3': 'id-ori-kem',
  '1.2.840.113549.1.12.1.3': 'pbeWithSHAAnd3-KeyTripleDES-CBC',
  '1.2.840.113549.1.12.1.6': 'pbeWithSHAAnd40BitRC2-CBC',
  '1.2.840.113549.2.5': 'md5',
  '1.2.840.113549.2.7': 'hmacWithSHA1',
  '1.2.840.113549.2.9': 'hmacWithSHA256',
  '1.2.840.113549.3.2': 'rc2-cbc',
  '1.2.840.113549.3.4': 'rc4',
  '1.2.840.113549.3.7': 'des-ede3-cbc',
  '1.2.840.10040.4.1': 'id-dsa',
  '1.2.840.10040.4.3': 'id-dsa-with-sha1',
  '1.2.840.10045.2.1': 'id-ecPublicKey',
  '1.2.840.10045.3.1.7': 'secp256r1 (P-256)',
  '1.2.840.10045.4.1': 'ecdsa-with-SHA1',
  '1.2.840.10045.4.3.2': 'ecdsa-with-SHA256',
  '1.2.840.10045.4.3.3': 'ecdsa-with-SHA384',
  '1.2.840.10045.4.3.4': 'ecdsa-with-SHA512',
  '1.2.840.10046.2.1': 'dhpublicnumber',
  '1.3.14.3.2.7': 'des-cbc',
  '1.3.14.3.2.26': 'id-sha1',
  '1.3.101.110': 'id-X25519',
  '1.3.101.112': 'id-Ed25519',
  '1.3.132.0.34': 'secp384r1 (P-384)',
  '1.3.132.0.35': 'secp521r1 (P-521)',
  '1.3.132.1.11.1': 'dhSinglePass-stdDH-sha256kdf',
  '1.3.132.1.11.2': 'dhSinglePass-stdDH-sha384kdf',
  '1.3.6.1.4.1.311.17.1': 'key provider name (Microsoft)',
  '1.3.6.1.4.1.311.74.1': 'DPAPI-NG protection descriptor (Microsoft)',
  '1.3.6.1.4.1.311.74.1.1': 'SID descriptor (DPAPI-NG)',
  '1.3.6.1.4.1.311.74.1.2': 'key file descriptor (DPAPI-NG)',
  '1.3.6.1.4.1.311.74.1.4': 'descriptors joined by AND (DPAPI-NG)',
  '1.3.6.1.4.1.311.74.1.5': 'SDDL descriptor (DPAPI-NG)',
  '1.3.6.1.4.1.311.74.1.8': 'LOCAL descriptor (DPAPI-NG)',
  '1.3.6.1.4.1.311.74.1.11': 'CERTIFICATE descriptor (DPAPI-NG)',
  '1.3.6.1.4.1.11591.4.11': 'scrypt',
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.29.14': 'subjectKeyIdentifier',
  '2.5.29.15': 'keyUsage',
  '2.5.29.17': 'subjectAltName',
  '2.5.29.19': 'basicConstraints',
  '2.5.29.35': 'authorityKeyIdentifier',
  '2.5.29.37': 'extKeyUsage',
  '2.16.840.1.101.3.4.1.2': 'aes128-CBC',
  '2.16.840.1.101.3.4.1.5': 'aes128-wrap',
  '2.16.840.1.101.3.4.1.6': 'aes128-GCM',
  '2.16.840.1.101.3.4.1.22': 'aes192-CBC',
  '2.16.840.1.101.3.4.1.42': 'aes256-CBC',
  '2.16.840.1.101.3.4.1.45': 'aes256-wrap',
  '2.16.840.1.101.3.4.1.46': 'aes256-GCM',
  '2.16.840.1.101.3.4.2.1': 'id-sha256',
  '2.16.840.1.101.3.4.2.2': 'id-sha384',
  '2.16.840.1.101.3.4.2.3': 'id-sha512',
  '2.16.840.1.101.3.4.3.17': 'id-ml-dsa-44',
  '2.16.840.1.101.3.4.3.18': 'id-ml-dsa-65',
  '2.16.840.1.101.3.4.3.19': 'id-ml-dsa-87',
  '2.16.840.1.101.3.4.4.1': 'id-alg-ml-kem-512',
  '2.16.840.1.101.3.4.4.2': 'id-alg-ml-kem-768',
  '2.16.840.1.101.3.4.4.3': 'id-alg-ml-kem-1024',
};
