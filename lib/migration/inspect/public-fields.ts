/**
 * Which byte fields inspect shows. All others have their length shown and nothing else: a field that is new is silent until it is
 * listed here.
 *
 * Numbers of 8 to 32 bits are always shown: no format of the table has a secret in one.
 */

/** How the bytes of a public field are shown. */
export type ShowAs = 'hex' | 'guid' | 'utf16' | 'text' | 'sid' | 'filetime';

/** Formats that hold nothing secret: every field of theirs is shown. */
const PUBLIC_FORMATS: ReadonlySet<string> = new Set([
  'PUBLICKEYBLOB',
  'PUBLICKEYBLOB (DSS)',
  'PUBLICKEYBLOB (DH)',
  'PUBLICKEYBLOB (VER3)',
  'PublicKeyBlob',
  'RSAPUBLICBLOB',
  'ECCPUBLICBLOB',
  'ECCFULLPUBLICBLOB',
  'DSAPUBLICBLOB',
  'DSAParameters',
  'DHPUBLICBLOB',
  'DHParameters',
  'MLKEMPUBLICBLOB',
  'PQDSAPUBLICBLOB',
  'CryptoAPI public key',
  'SubjectPublicKeyInfo',
  'RSAPublicKey',
  'Certificate',
  'keycask-metadata',
  'TrustList',
  'ManifestEntry',
  'LoggedLeaf',
  'Checkpoint',
  'InclusionProof',
  'ConsistencyProof',
]);

/** Of all others, the fields that are shown, and how. Names of blobs as they are in the decoders. */
const PUBLIC_FIELDS: Readonly<Record<string, Readonly<Record<string, ShowAs>>>> = {
  PRIVATEKEYBLOB: { modulus: 'hex' },
  'PRIVATEKEYBLOB (DSS)': { p: 'hex', q: 'hex', g: 'hex', seed: 'hex' },
  'PRIVATEKEYBLOB (DH)': { p: 'hex', g: 'hex' },
  'PRIVATEKEYBLOB (VER3)': { p: 'hex', q: 'hex', g: 'hex', j: 'hex', y: 'hex', seed: 'hex' },
  RSAPRIVATEBLOB: { PublicExponent: 'hex', Modulus: 'hex' },
  RSAFULLPRIVATEBLOB: { PublicExponent: 'hex', Modulus: 'hex' },
  ECCPRIVATEBLOB: { X: 'hex', Y: 'hex' },
  ECCFULLPRIVATEBLOB: {
    P: 'hex',
    A: 'hex',
    B: 'hex',
    Gx: 'hex',
    Gy: 'hex',
    n: 'hex',
    h: 'hex',
    S: 'hex',
    Qx: 'hex',
    Qy: 'hex',
  },
  DSAPRIVATEBLOB: { Seed: 'hex', q: 'hex', Modulus: 'hex', Generator: 'hex', Public: 'hex' },
  DHPRIVATEBLOB: { Modulus: 'hex', Generator: 'hex', Public: 'hex' },
  'CryptoAPI private key': { modulus: 'hex' },
  CipherKeyBlob: { algName: 'utf16' },
  ProtectedKeyBlob: { algName: 'utf16' },
  MLKEMPRIVATEBLOB: { parameterSet: 'utf16' },
  MLKEMPRIVATESEEDBLOB: { parameterSet: 'utf16' },
  PQDSAPRIVATEBLOB: { parameterSet: 'utf16' },
  PQDSAPRIVATESEEDBLOB: { parameterSet: 'utf16' },
  PVK: { salt: 'hex' },
  RSAPrivateKey: { modulus: 'hex', publicExponent: 'hex' },
  ECPrivateKey: { point: 'hex' },
  'DPAPI blob': {
    guidProvider: 'guid',
    guidMasterKey: 'guid',
    szDescription: 'utf16',
    pbSalt: 'hex',
    pbHmac: 'hex',
    pbSign: 'hex',
  },
  'master key file': { szGuid: 'utf16', salt: 'hex', guid: 'guid', guidKey: 'guid' },
  CREDHIST: { guid: 'guid', salt: 'hex' },
  Preferred: { guidMasterKey: 'guid' },
  'CryptoAPI container file': { name: 'text', hash: 'hex' },
  'CNG key file': { name: 'utf16', reserved: 'hex' },
  'roamed CNG key': { name: 'utf16', guidMasterKey: 'guid', reserved: 'hex' },
  WineProtectBlob: {
    info0: 'text',
    info1: 'text',
    szDataDescr: 'utf16',
    data0: 'text',
    salt: 'hex',
  },
  KDSK: { RootKeyIdentifier: 'guid', KeyInfo: 'hex', Domain: 'utf16', Forest: 'utf16' },
  GroupKeyEnvelope: {
    RootKeyIdentifier: 'guid',
    KDFAlgorithm: 'utf16',
    KDFParameters: 'hex',
    SecretAgreementAlgorithm: 'utf16',
    SecretAgreementParameters: 'hex',
    DomainName: 'utf16',
    ForestName: 'utf16',
  },
  // Descriptors of DPAPI-NG: SID=S-1-...
  ContentInfo: { UTF8String: 'text' },
  SignedData: { sid: 'hex', signature: 'hex' },
  SignedAttributes: { messageDigest: 'hex' },
  KeyFile: { 'protector.name': 'text', nonce: 'hex', tag: 'hex' },
  KeyFacts: { name: 'text', scope: 'text' },
  '.cask header': { magic: 'hex', 'file id': 'hex' },
};

/** How a field may be shown; undefined where it may not. */
export function showsAs(format: string, field: string): ShowAs | undefined {
  const fields = Object.hasOwn(PUBLIC_FIELDS, format) ? PUBLIC_FIELDS[format]! : {};
  if (Object.hasOwn(fields, field)) return fields[field];
  return PUBLIC_FORMATS.has(format) ? 'hex' : undefined;
}
