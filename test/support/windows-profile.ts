/** Profiles of Windows that never were on one: master keys, CREDHIST, containers, sealed as Windows seals them. For tests; keycask offers no writer. */
import {
  constants,
  createPublicKey,
  publicEncrypt,
  randomBytes,
  randomUUID,
  type KeyObject,
} from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ALG_ID } from '../../lib/blobs/alg-id.ts';
import { decodePrivateKeyBlob } from '../../lib/blobs/private-key-blob.ts';
import { BlobWriter } from '../../lib/bytes/blob-writer.ts';
import { concatBytes, plainBytes, reverseBytes } from '../../lib/bytes/octets.ts';
import { encodeUtf16 } from '../../lib/bytes/utf16.ts';
import { rsaPrivateKeyToBlob } from '../../lib/keys/rsa-key-blob.ts';
import { EXPORT_FLAG_ENTROPY } from '../../lib/legacy/dpapi/capi-container.ts';
import {
  PRIVATE_KEY_ENTROPY,
  PRIVATE_PROPERTIES_ENTROPY,
} from '../../lib/legacy/dpapi/cng-container.ts';
import {
  capiContainerFileName,
  cngContainerFileName,
} from '../../lib/legacy/dpapi/container-file-name.ts';
import { rc4 } from '../../lib/legacy/dpapi/domain-key.ts';
import {
  dpapiCipher,
  dpapiHash,
  encryptCbc,
  hash,
  hmac,
} from '../../lib/legacy/dpapi/dpapi-algorithms.ts';
import {
  cipherKeyOf,
  sessionKey,
  sha1OfMasterKey,
  signOf,
} from '../../lib/legacy/dpapi/dpapi-blob.ts';
import { encryptSection, macOf } from '../../lib/legacy/dpapi/open-section.ts';
import {
  userPreKeys,
  type UserPreKeyForm,
  type UserSecret,
} from '../../lib/legacy/dpapi/pre-key.ts';
import {
  encodeCapiContainerFile,
  type CapiContainerSlot,
} from '../../lib/windows-files/capi-container-file.ts';
import {
  encodeCapiRsaPrivateKey,
  encodeCapiRsaPublicKey,
} from '../../lib/windows-files/capi-key.ts';
import { encodeCngContainerFile } from '../../lib/windows-files/cng-container-file.ts';
import {
  CNG_PUBLIC_KEY_PROPERTY,
  encodeCngProperties,
} from '../../lib/windows-files/cng-property.ts';
import { encodeCredHist, type CredHistEntry } from '../../lib/windows-files/cred-hist.ts';
import type {
  ClientWrappedSecret,
  ServerWrappedSecret,
} from '../../lib/windows-files/domain-key-section.ts';
import { encodeDpapiBlob, type DpapiBlob } from '../../lib/windows-files/dpapi-blob.ts';
import {
  encodeMasterKeyFile,
  type MasterKeyFile,
} from '../../lib/windows-files/master-key-file.ts';
import type { MasterKeySection } from '../../lib/windows-files/master-key-section.ts';
import { encodePreferred } from '../../lib/windows-files/preferred.ts';
import { encodeSid } from '../../lib/windows-files/sid.ts';
import {
  encodeServerWrapPayload,
  encodeWrappedMasterKey,
} from '../../lib/windows-files/wrapped-master-key.ts';

/** Which Windows the algorithms are of. */
export type Era = 'xp' | 'windows-10';

/** A password as DPAPI takes it. */
export const utf16 = encodeUtf16;

const ERAS = {
  xp: {
    section: { hashAlgId: ALG_ID.CALG_HMAC, cryptAlgId: ALG_ID.CALG_3DES },
    blob: {
      hashAlgId: ALG_ID.CALG_SHA1,
      hashBits: 160,
      cryptAlgId: ALG_ID.CALG_3DES,
      cryptBits: 168,
    },
    saltLength: 16,
    form: 'xp',
  },
  'windows-10': {
    section: { hashAlgId: ALG_ID.CALG_SHA_512, cryptAlgId: ALG_ID.CALG_AES_256 },
    blob: {
      hashAlgId: ALG_ID.CALG_SHA_512,
      hashBits: 512,
      cryptAlgId: ALG_ID.CALG_AES_256,
      cryptBits: 256,
    },
    saltLength: 32,
    form: 'plain',
  },
} as const;

/** Few, so that tests are fast. */
const ROUNDS = 10;

/** The pre-key of one form of a user's secret. */
export async function preKeyFor(
  secret: UserSecret,
  sid: string,
  form: UserPreKeyForm,
): Promise<Uint8Array> {
  for await (const preKey of userPreKeys(secret, sid)) {
    const key = Uint8Array.from(preKey.key.bytes);
    preKey[Symbol.dispose]();
    if (preKey.form === form) return key;
  }
  throw new TypeError(`no ${form} of this secret`);
}

/** A master key section, or a backup section, around a key. */
export async function sealSection(
  key: Uint8Array,
  preKey: Uint8Array,
  era: Era = 'windows-10',
): Promise<MasterKeySection> {
  const parameters = { ...ERAS[era].section, salt: plainBytes(randomBytes(16)), rounds: ROUNDS };
  const hmacSalt = plainBytes(randomBytes(16));
  const mac = macOf(dpapiHash(parameters.hashAlgId), { preKey, hmacSalt, key });
  const { blockLength } = dpapiCipher(parameters.cryptAlgId);
  const length = hmacSalt.length + mac.length + key.length;
  const filler = new Uint8Array((blockLength - (length % blockLength)) % blockLength);
  const ciphertext = await encryptSection(
    parameters,
    preKey,
    concatBytes(hmacSalt, mac, filler, key),
  );
  return { version: 2, ...parameters, ciphertext };
}

/** A master key file of these sections. */
export function masterKeyFile(
  parts: Pick<MasterKeyFile, 'guid'> & Partial<MasterKeyFile>,
): Uint8Array {
  return encodeMasterKeyFile({ reserved: [0, 0], reserved2: 0, policy: 0, flags: 5, ...parts });
}

/** How to seal a DPAPI blob. */
export interface SealOptions {
  readonly guid: string;
  readonly masterKey: Uint8Array;
  readonly era?: Era;
  /** Instead of the era's algorithms. */
  readonly algorithms?: Partial<
    Pick<DpapiBlob, 'cryptAlgId' | 'cryptBits' | 'hashAlgId' | 'hashBits'>
  >;
  readonly form?: 'plain' | 'xp';
  readonly entropy?: Uint8Array;
  readonly strongPassword?: Uint8Array;
  readonly description?: string;
}

/** What CryptProtectData would make. */
export function sealDpapiBlob(plaintext: Uint8Array, options: SealOptions): Uint8Array {
  const era = ERAS[options.era ?? 'windows-10'];
  const form = options.form ?? era.form;
  const salts = {
    salt: plainBytes(randomBytes(era.saltLength)),
    hmac: plainBytes(randomBytes(era.saltLength)),
  };
  const algorithms = { ...era.blob, ...options.algorithms };
  using key = sha1OfMasterKey(options.masterKey);
  const h = dpapiHash(algorithms.hashAlgId);
  const keys = { ...options, hash: h, key: key.bytes };
  const session = sessionKey(form, { ...salts, hashAlgId: algorithms.hashAlgId }, keys);
  const cipher = dpapiCipher(
    algorithms.cryptAlgId === ALG_ID.CALG_AES ? ALG_ID.CALG_AES_256 : algorithms.cryptAlgId,
  );
  const padding = cipher.blockLength - (plaintext.length % cipher.blockLength);
  const padded = concatBytes(plaintext, new Uint8Array(padding).fill(padding));
  const blob: DpapiBlob = {
    masterKeyVersion: 1,
    masterKeyGuid: options.guid,
    flags: 0,
    description: options.description ?? '',
    ...algorithms,
    ...salts,
    strong: new Uint8Array(),
    ciphertext: encryptCbc(cipher, { key: cipherKeyOf(session, h, cipher.keyLength) }, padded),
    sign: new Uint8Array(),
  };
  return encodeDpapiBlob({ ...blob, sign: signOf(form, blob, keys) });
}

/** A slot of a CryptoAPI container for an RSA key. */
export function rsaSlot(
  privateKey: KeyObject,
  seal: Omit<SealOptions, 'entropy'>,
  options: { readonly exportable?: boolean; readonly algId?: 0xa400 | 0x2400 } = {},
): CapiContainerSlot {
  const pkcs8 = plainBytes(privateKey.export({ format: 'der', type: 'pkcs8' }));
  using blob = rsaPrivateKeyToBlob(pkcs8, options.algId ?? ALG_ID.CALG_RSA_KEYX);
  using key = decodePrivateKeyBlob(blob.bytes);
  const bytes = key.modulus.length;
  const wide = (number: Uint8Array, length: number): Uint8Array =>
    concatBytes(new Uint8Array(length - number.length), number);
  const half = (bytes + 8) / 2;
  const head = {
    modulusBits: key.modulusBits,
    dataLength: bytes - 1,
    exponent: key.exponent,
    modulus: wide(key.modulus, bytes + 8),
  };
  const plaintext = encodeCapiRsaPrivateKey({
    ...head,
    prime1: wide(key.prime1, half),
    prime2: wide(key.prime2, half),
    exponent1: wide(key.exponent1, half),
    exponent2: wide(key.exponent2, half),
    coefficient: wide(key.coefficient, half),
    privateExponent: wide(key.privateExponent!, bytes + 8),
    filler: new Uint8Array(140),
  });
  return {
    publicKey: encodeCapiRsaPublicKey(head),
    ...sealedParts(plaintext, seal, options.exportable ?? true),
  };
}

/** A slot of a CryptoAPI container for a DSS key: the public part is a DSS4 blob without its x. */
export function dssSlot(
  publicPart: Uint8Array,
  x: Uint8Array,
  seal: Omit<SealOptions, 'entropy'>,
): CapiContainerSlot {
  return { publicKey: publicPart, ...sealedParts(x, seal, true) };
}

function sealedParts(
  plaintext: Uint8Array,
  seal: Omit<SealOptions, 'entropy'>,
  exportable: boolean,
) {
  const flag = new BlobWriter(4).u32le(exportable ? 1 : 0).finish();
  // The flag is never under a strong password.
  const { strongPassword: _, ...plain } = seal;
  return {
    privateKey: sealDpapiBlob(plaintext, { ...seal, description: 'CryptoAPI Private Key' }),
    exportFlag: sealDpapiBlob(flag, {
      ...plain,
      description: 'Export Flag',
      entropy: EXPORT_FLAG_ENTROPY,
    }),
  };
}

/** A container's file of CryptoAPI. */
export function capiContainerFile(
  name: string,
  slots: { exchange?: CapiContainerSlot; signature?: CapiContainerSlot },
): Uint8Array {
  return encodeCapiContainerFile({ reserved: 0, name, hash: new Uint8Array(20), ...slots });
}

/** What a key of CNG is made of. */
export interface CngKeyParts {
  readonly name: string;
  readonly type: number;
  readonly publicBlob: Uint8Array;
  readonly privateBlob: Uint8Array;
  readonly exportPolicy?: number;
  /** Private properties beside the export policy. */
  readonly properties?: readonly { readonly name: string; readonly value: Uint8Array }[];
}

/** A key's file of CNG. */
export function cngContainerFile(key: CngKeyParts, seal: Omit<SealOptions, 'entropy'>): Uint8Array {
  const { strongPassword: _, ...plain } = seal;
  const exportPolicy = new BlobWriter(4).u32le(key.exportPolicy ?? 3).finish();
  const properties = [{ name: 'Export Policy', value: exportPolicy }, ...(key.properties ?? [])];
  const list = encodeCngProperties(
    properties.map((property) => ({ type: 3, reserved: 0, ...property })),
  );
  return encodeCngContainerFile({
    reserved: 0,
    name: key.name,
    type: key.type,
    parts: 3,
    reserved2: new Uint8Array(16),
    publicProperties: [
      { type: 0, reserved: 0, name: 'Modified', value: new Uint8Array(8) },
      { type: CNG_PUBLIC_KEY_PROPERTY, reserved: 0, name: '', value: key.publicBlob },
    ],
    privateProperties: sealDpapiBlob(list, {
      ...plain,
      description: 'Private Key Properties',
      entropy: PRIVATE_PROPERTIES_ENTROPY,
    }),
    privateKey: sealDpapiBlob(key.privateBlob, {
      ...seal,
      description: 'Private Key',
      entropy: PRIVATE_KEY_ENTROPY,
    }),
  });
}

/** CREDHIST of a user: `former`, newest first, under `current`. */
export async function credHistFile(
  sid: string,
  current: string,
  former: readonly string[],
  era: Era = 'windows-10',
): Promise<Uint8Array> {
  const entries: CredHistEntry[] = [];
  let newer = current;
  for (const password of former) {
    const preKey = await preKeyFor({ password: utf16(newer) }, sid, 'sha1');
    const parameters = { ...ERAS[era].section, salt: plainBytes(randomBytes(16)), rounds: ROUNDS };
    const { blockLength } = dpapiCipher(parameters.cryptAlgId);
    const secret = new Uint8Array(Math.ceil(36 / blockLength) * blockLength);
    secret.set(hash('sha1', utf16(password)));
    secret.set(await ntHash(password), 20);
    const ciphertext = await encryptSection(parameters, preKey, secret);
    const lengths = { sha1Length: 20, ntHashLength: secret.length - 20 };
    entries.unshift({
      type: 1,
      ...parameters,
      ...lengths,
      sid,
      ciphertext,
      version: 1,
      guid: randomUUID(),
    });
    newer = password;
  }
  return encodeCredHist({ version: 1, guid: randomUUID(), entries });
}

/** MD4 of a password. */
export async function ntHash(password: string): Promise<Uint8Array> {
  const { capiHash } = await import('../../lib/legacy/hash.ts');
  return capiHash(ALG_ID.CALG_MD4, utf16(password));
}

/** A domain key section of version 2 or 3 for the public half of a domain's key. */
export function wrapForDomain(
  masterKey: Uint8Array,
  domainKey: KeyObject,
  options: { readonly version: 2 | 3; readonly backupKeyGuid: string; readonly oaepHash?: string },
): ClientWrappedSecret {
  const { version, backupKeyGuid, oaepHash = 'sha1' } = options;
  const payloadKey = plainBytes(randomBytes(version === 2 ? 32 : 48));
  const secret = encodeWrappedMasterKey({ version, masterKey, payloadKey });
  const key = createPublicKey(domainKey);
  const padding = version === 2 ? constants.RSA_PKCS1_PADDING : constants.RSA_PKCS1_OAEP_PADDING;
  const ciphertext = publicEncrypt({ key, padding, ...(version === 3 && { oaepHash }) }, secret);
  return {
    version,
    backupKeyGuid,
    encryptedSecret: reverseBytes(ciphertext),
    accessCheck: new Uint8Array(88),
  };
}

/** A domain key section of version 1, by the symmetric key of a domain (256 bytes). */
export async function wrapByServer(
  masterKey: Uint8Array,
  domainKey: Uint8Array,
  sid: string,
): Promise<ServerWrappedSecret> {
  const [r2, r3] = [plainBytes(randomBytes(68)), plainBytes(randomBytes(32))];
  const mac = hmac('sha1', hmac('sha1', domainKey, r3), encodeSid(sid), masterKey);
  const payload = encodeServerWrapPayload({ r3, mac, sid, secret: masterKey });
  using encrypted = await rc4(hmac('sha1', domainKey, r2), payload);
  return {
    version: 1,
    backupKeyGuid: randomUUID(),
    secretLength: masterKey.length,
    r2,
    encryptedPayload: Uint8Array.from(encrypted.bytes),
  };
}

/** What a made profile is of. */
export interface MadeProfileOptions {
  readonly sid: string;
  readonly password: string;
  /** Passwords before it, newest first: CREDHIST leads to them. */
  readonly formerPasswords?: readonly string[];
  /** Which of all passwords the master key is under. Default: the current one. */
  readonly masterKeyPassword?: string;
  readonly form?: UserPreKeyForm;
  readonly era?: Era;
  /** More sections of the master key file. */
  readonly sections?: (masterKey: Uint8Array) => Promise<Partial<MasterKeyFile>>;
  readonly capi?: readonly {
    readonly name: string;
    readonly exchange?: KeyObject;
    readonly signature?: KeyObject;
    readonly exportable?: boolean;
  }[];
  readonly cng?: readonly CngKeyParts[];
}

/** A profile on disk: AppData\Roaming\Microsoft\{Protect,Crypto}. */
export interface MadeProfile {
  readonly folder: string;
  readonly guid: string;
  readonly masterKey: Uint8Array;
  /** Of the containers, in the order of the options: first CryptoAPI's, then CNG's. */
  readonly containers: readonly string[];
}

/** Makes a whole profile in a folder: password, master key, containers. */
export async function makeWindowsProfile(
  folder: string,
  options: MadeProfileOptions,
): Promise<MadeProfile> {
  const { sid, password, era = 'windows-10', form = 'sha1', formerPasswords = [] } = options;
  const microsoft = path.join(folder, 'AppData', 'Roaming', 'Microsoft');
  const guid = randomUUID();
  const masterKey = plainBytes(randomBytes(64));
  const preKey = await preKeyFor(
    { password: utf16(options.masterKeyPassword ?? password) },
    sid,
    form,
  );
  const section = await sealSection(masterKey, preKey, era);
  const protect = path.join(microsoft, 'Protect');
  const more = (await options.sections?.(masterKey)) ?? {};
  await write(path.join(protect, sid, guid), masterKeyFile({ guid, masterKey: section, ...more }));
  await write(path.join(protect, sid, 'Preferred'), encodePreferred({ guid, fileTime: 0n }));
  await write(
    path.join(protect, 'CREDHIST'),
    await credHistFile(sid, password, formerPasswords, era),
  );
  const seal = { guid, masterKey, era };
  const containers: string[] = [];
  for (const { name, exchange, signature, exportable = true } of options.capi ?? []) {
    const at = path.join(
      microsoft,
      'Crypto',
      'RSA',
      sid,
      capiContainerFileName(name, MACHINE_GUID),
    );
    const slots = {
      ...(exchange && { exchange: rsaSlot(exchange, seal, { exportable }) }),
      ...(signature && { signature: rsaSlot(signature, seal, { exportable, algId: 0x2400 }) }),
    };
    await write(at, capiContainerFile(name, slots));
    containers.push(at);
  }
  for (const key of options.cng ?? []) {
    const at = path.join(microsoft, 'Crypto', 'Keys', cngContainerFileName(key.name, MACHINE_GUID));
    await write(at, cngContainerFile(key, seal));
    containers.push(at);
  }
  return { folder, guid, masterKey, containers };
}

async function write(at: string, bytes: Uint8Array): Promise<void> {
  await mkdir(path.dirname(at), { recursive: true });
  await writeFile(at, bytes);
}

const MACHINE_GUID = '4f8e7ec6-a506-4d31-9d5a-1e4cbed4997b';
