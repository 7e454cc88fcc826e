/** Decoders of the files that Windows keeps keys in: DPAPI's, and those of containers. */
import {
  decodeCapiContainerFile,
  encodeCapiContainerFile,
} from '../../../lib/windows-files/capi-container-file.ts';
import {
  decodeCapiRsaPrivateKey,
  decodeCapiRsaPublicKey,
  encodeCapiRsaPrivateKey,
  encodeCapiRsaPublicKey,
} from '../../../lib/windows-files/capi-key.ts';
import {
  decodeCngContainerFile,
  encodeCngContainerFile,
} from '../../../lib/windows-files/cng-container-file.ts';
import {
  decodeCngProperties,
  encodeCngProperties,
} from '../../../lib/windows-files/cng-property.ts';
import { decodeCredHist, encodeCredHist } from '../../../lib/windows-files/cred-hist.ts';
import {
  decodeDomainBackupKey,
  encodeDomainBackupKey,
} from '../../../lib/windows-files/domain-backup-key.ts';
import {
  decodeDomainKeySection,
  encodeDomainKeySection,
  type DomainKeySection,
} from '../../../lib/windows-files/domain-key-section.ts';
import { decodeDpapiBlob, encodeDpapiBlob } from '../../../lib/windows-files/dpapi-blob.ts';
import {
  decodeMasterKeyFile,
  encodeMasterKeyFile,
} from '../../../lib/windows-files/master-key-file.ts';
import { decodePcpKeyFile, encodePcpKeyFile } from '../../../lib/windows-files/pcp-key-file.ts';
import { decodePreferred, encodePreferred } from '../../../lib/windows-files/preferred.ts';
import {
  decodeRoamedCngKey,
  encodeRoamedCngKey,
} from '../../../lib/windows-files/roamed-cng-key.ts';
import {
  decodeAccessCheck,
  decodeServerWrapPayload,
  decodeWrappedMasterKey,
  encodeAccessCheck,
  encodeServerWrapPayload,
  encodeWrappedMasterKey,
} from '../../../lib/windows-files/wrapped-master-key.ts';
import { decoder, type Decoder } from './decoder.ts';

const GUID = '1eccdbd2-4771-4360-8b19-9d6060a061dc';
const SID = 'S-1-5-21-494464150-3436831043-1864828003-1001';
const CALG_3DES = 0x6603;
const CALG_AES_256 = 0x6610;
const CALG_SHA_512 = 0x800e;
const CALG_HMAC = 0x8009;
const bytes = (length: number, first = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => first + i);

const DPAPI = {
  masterKeyVersion: 1,
  masterKeyGuid: GUID,
  flags: 0,
  cryptAlgId: CALG_AES_256,
  cryptBits: 256,
  salt: bytes(32),
  strong: new Uint8Array(),
  hashAlgId: CALG_SHA_512,
  hashBits: 512,
  hmac: bytes(32),
  ciphertext: bytes(16),
  sign: bytes(64),
};
const BLOBS = [
  encodeDpapiBlob(DPAPI),
  encodeDpapiBlob({ ...DPAPI, description: 'Export Flag', strong: bytes(3) }),
];

const section = (hashAlgId: number, cryptAlgId: number) => ({
  version: 2,
  salt: bytes(16),
  rounds: 8000,
  hashAlgId,
  cryptAlgId,
  ciphertext: bytes(48),
});
const SERVER_WRAPPED: DomainKeySection = {
  version: 1,
  backupKeyGuid: GUID,
  secretLength: 64,
  r2: bytes(68),
  encryptedPayload: bytes(80),
};
const CLIENT_WRAPPED: DomainKeySection = {
  version: 2,
  backupKeyGuid: GUID,
  encryptedSecret: bytes(64),
  accessCheck: bytes(88),
};
const FILE = { guid: GUID, reserved: [0, 0] as const, reserved2: 0, policy: 0, flags: 5 };
const MASTER_KEY_FILES = [
  encodeMasterKeyFile(FILE),
  encodeMasterKeyFile({
    ...FILE,
    masterKey: section(CALG_SHA_512, CALG_AES_256),
    backupKey: section(CALG_HMAC, CALG_3DES),
    credHist: { version: 3, guid: GUID },
    domainKey: CLIENT_WRAPPED,
  }),
  encodeMasterKeyFile({ ...FILE, domainKey: SERVER_WRAPPED }),
];

const ENTRY = {
  type: 1,
  hashAlgId: CALG_HMAC,
  rounds: 4000,
  cryptAlgId: CALG_3DES,
  sha1Length: 20,
  ntHashLength: 20,
  salt: bytes(16),
  sid: SID,
  ciphertext: bytes(40),
  version: 1,
  guid: GUID,
};

const PROPERTIES = [
  { type: 16, reserved: 0, name: 'Modified', value: bytes(8) },
  { type: 10, reserved: 0, name: '', value: bytes(20), padding: bytes(3) },
];
const CNG_FILE = encodeCngContainerFile({
  reserved: 0,
  name: 'Google Chromekey1',
  type: 1,
  parts: 3,
  reserved2: new Uint8Array(16),
  publicProperties: PROPERTIES,
  privateProperties: BLOBS[0]!,
  privateKey: BLOBS[1]!,
});
const SLOT = { publicKey: bytes(30), privateKey: BLOBS[0]!, exportFlag: BLOBS[1]! };
const CAPI_FILE = { reserved: 0, name: 'iisWasKey', hash: new Uint8Array(20) };
const PUBLIC = { modulusBits: 512, dataLength: 63, exponent: 65537, modulus: bytes(72) };

/** Each file of Windows by itself. */
export const WINDOWS_FILE_DECODERS: readonly Decoder[] = [
  decoder('DPAPI blob', {
    decode: (blob) => decodeDpapiBlob(blob),
    encode: encodeDpapiBlob,
    samples: () => BLOBS,
  }),
  decoder('master key file', {
    decode: (file) => decodeMasterKeyFile(file),
    encode: encodeMasterKeyFile,
    samples: () => MASTER_KEY_FILES,
  }),
  decoder('domain key section', {
    decode: decodeDomainKeySection,
    encode: encodeDomainKeySection,
    samples: () => [CLIENT_WRAPPED, SERVER_WRAPPED].map(encodeDomainKeySection),
  }),
  decoder('domain backup key', {
    decode: decodeDomainBackupKey,
    encode: encodeDomainBackupKey,
    samples: () => [
      encodeDomainBackupKey({ version: 1, key: bytes(256) }),
      encodeDomainBackupKey({ version: 2, privateKeyBlob: bytes(40), certificate: bytes(30) }),
    ],
  }),
  decoder('EncryptedSecret of a domain, version 2', {
    decode: (secret) => decodeWrappedMasterKey(secret, 2),
    encode: encodeWrappedMasterKey,
    samples: () => [
      encodeWrappedMasterKey({ version: 2, masterKey: bytes(64), payloadKey: bytes(32) }),
    ],
  }),
  decoder('EncryptedSecret of a domain, version 3', {
    decode: (secret) => decodeWrappedMasterKey(secret, 3),
    encode: encodeWrappedMasterKey,
    samples: () => [
      encodeWrappedMasterKey({ version: 3, masterKey: bytes(64), payloadKey: bytes(48) }),
    ],
  }),
  decoder('AccessCheck', {
    decode: (check) => decodeAccessCheck(check, 2),
    encode: encodeAccessCheck,
    samples: () => [
      encodeAccessCheck({ version: 2, nonce: bytes(32), sid: SID, pad: bytes(4), hash: bytes(20) }),
    ],
  }),
  decoder('Rc4EncryptedPayload', {
    decode: decodeServerWrapPayload,
    encode: encodeServerWrapPayload,
    samples: () => [
      encodeServerWrapPayload({
        r3: bytes(32),
        mac: bytes(20),
        sid: 'S-1-0x112233445566',
        secret: bytes(64),
      }),
    ],
  }),
  decoder('CREDHIST', {
    decode: decodeCredHist,
    encode: encodeCredHist,
    samples: () => [
      encodeCredHist({ version: 1, guid: GUID, entries: [] }),
      encodeCredHist({ version: 1, guid: GUID, entries: [ENTRY, { ...ENTRY, sid: 'S-1-5-18' }] }),
    ],
  }),
  decoder('Preferred', {
    decode: decodePreferred,
    encode: encodePreferred,
    samples: () => [encodePreferred({ guid: GUID, fileTime: 0x01d1c8cf8c7a00c0n })],
  }),
  decoder('CryptoAPI container file', {
    decode: (file) => decodeCapiContainerFile(file),
    encode: encodeCapiContainerFile,
    samples: () => [
      encodeCapiContainerFile(CAPI_FILE),
      encodeCapiContainerFile({ ...CAPI_FILE, exchange: SLOT, signature: SLOT }),
    ],
  }),
  decoder('CryptoAPI public key', {
    decode: decodeCapiRsaPublicKey,
    encode: encodeCapiRsaPublicKey,
    samples: () => [encodeCapiRsaPublicKey(PUBLIC)],
  }),
  decoder('CryptoAPI private key', {
    decode: decodeCapiRsaPrivateKey,
    encode: encodeCapiRsaPrivateKey,
    samples: () => [
      encodeCapiRsaPrivateKey({
        ...PUBLIC,
        prime1: bytes(36),
        prime2: bytes(36),
        exponent1: bytes(36),
        exponent2: bytes(36),
        coefficient: bytes(36),
        privateExponent: bytes(72),
        filler: new Uint8Array(10),
      }),
    ],
  }),
  decoder('CNG properties', {
    decode: decodeCngProperties,
    encode: encodeCngProperties,
    samples: () => [encodeCngProperties(PROPERTIES)],
  }),
  decoder('CNG key file', {
    decode: (file) => decodeCngContainerFile(file),
    encode: encodeCngContainerFile,
    samples: () => [CNG_FILE],
  }),
  decoder('roamed CNG key', {
    decode: decodeRoamedCngKey,
    encode: encodeRoamedCngKey,
    samples: () => [
      encodeRoamedCngKey({
        reserved: [new Uint8Array(4), new Uint8Array(8), new Uint8Array(40)],
        name: 'key',
        keyFile: CNG_FILE.subarray(0, 60),
        masterKeyGuid: GUID,
        masterKeyFile: MASTER_KEY_FILES[0]!,
      }),
    ],
  }),
  decoder('PCPKSP key file', {
    decode: decodePcpKeyFile,
    encode: encodePcpKeyFile,
    samples: () => [encodePcpKeyFile({ content: bytes(20) })],
  }),
];
