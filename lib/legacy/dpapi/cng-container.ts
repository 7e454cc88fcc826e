/** Opens key files of CNG's software storage: the private key as a CNG blob, and the properties. */
import { BlobReader } from '../../bytes/blob-reader.ts';
import { copyBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import type { SecretBytes } from '../../keys/secret-bytes.ts';
import { decodeCngContainerFile } from '../../windows-files/cng-container-file.ts';
import {
  CNG_PUBLIC_KEY_PROPERTY,
  decodeCngProperties,
  type CngProperty,
} from '../../windows-files/cng-property.ts';
import { MAX_ROUNDS } from '../../windows-files/master-key-section.ts';
import type { OpenBlob, OpenContainerOptions } from './open-blob.ts';
import { strongPasswordOfPin } from './windows-hello.ts';

/** A key of CNG's software storage, open. Disposing of it wipes the private key. */
export interface OpenedCngContainer extends Disposable {
  readonly format: 'cng';
  readonly name: string;
  /** The file's type field: 1 RSA, 2 AES, 4 ECDSA P-256 where seen. */
  readonly type: number;
  /** CNG blob of the private key (RSAPRIVATEBLOB, ECCPRIVATEBLOB ...), or of a symmetric key; absent where the file has none. */
  readonly privateBlob?: SecretBytes;
  /** CNG blob of the public key, where the properties have one. */
  readonly publicBlob?: Uint8Array;
  /** `Export Policy`: NCRYPT_ALLOW_EXPORT_FLAG 1, NCRYPT_ALLOW_PLAINTEXT_EXPORT_FLAG 2, archiving 4 and 8; absent where it is not said. */
  readonly exportPolicy?: number;
  /** Public and private ones. Not secret. */
  readonly properties: readonly CngProperty[];
}

export async function openCngContainerFile(
  bytes: Uint8Array,
  open: OpenBlob,
  options: OpenContainerOptions,
): Promise<OpenedCngContainer> {
  const file = decodeCngContainerFile(bytes);
  const privateProperties = await openProperties(file.privateProperties, open);
  const properties = [...file.publicProperties, ...privateProperties];
  const privateBlob = await openPrivateKey(file.privateKey, properties, { open, ...options });
  const publicBlob = file.publicProperties.find(
    ({ type, name }) => type === CNG_PUBLIC_KEY_PROPERTY && name === '',
  )?.value;
  const exportPolicy = numberOf(properties, 'Export Policy');
  return {
    format: 'cng',
    name: file.name,
    type: file.type,
    ...(privateBlob && { privateBlob }),
    ...(publicBlob && { publicBlob: copyBytes(publicBlob) }),
    ...(exportPolicy !== undefined && { exportPolicy }),
    properties,
    [Symbol.dispose]: () => privateBlob?.dispose(),
  };
}

async function openProperties(blob: Uint8Array, open: OpenBlob): Promise<CngProperty[]> {
  if (blob.length === 0) return [];
  using plaintext = await open(blob, { entropy: PRIVATE_PROPERTIES_ENTROPY });
  // Views of a secret that is wiped here: copied, since properties are not secret.
  return decodeCngProperties(copyBytes(plaintext.bytes));
}

async function openPrivateKey(
  blob: Uint8Array,
  properties: readonly CngProperty[],
  { open, strongPassword, pin }: OpenContainerOptions & { readonly open: OpenBlob },
): Promise<SecretBytes | undefined> {
  if (blob.length === 0) return undefined;
  const entropy = PRIVATE_KEY_ENTROPY;
  if (pin === undefined) return open(blob, { entropy, strongPassword });
  const salt = properties.find(({ name }) => name === 'NgcSoftwareKeyPbkdf2Salt')?.value;
  const rounds = numberOf(properties, 'NgcSoftwareKeyPbkdf2Round');
  if (salt === undefined || rounds === undefined || rounds < 1 || rounds > MAX_ROUNDS)
    throw new KeyStoreError('PARAMETER_INVALID', 'pin: this key has none');
  using password = await strongPasswordOfPin(pin, { salt, rounds });
  // Awaited, so that the password is not wiped before it was used.
  return await open(blob, { entropy, strongPassword: password.bytes });
}

function numberOf(properties: readonly CngProperty[], wanted: string): number | undefined {
  const value = properties.find(({ name }) => name === wanted)?.value;
  return value?.length === 4 ? new BlobReader(value, wanted).u32le(wanted) : undefined;
}

/** ASCII and a null; the same on every machine. Source: mimikatz KIWI_DPAPI_ENTROPY_CNG_KEY_PROPERTIES. */
export const PRIVATE_PROPERTIES_ENTROPY: Uint8Array = new TextEncoder().encode(
  '6jnkd5J3ZdQDtrsu\0',
);
/** ASCII and a null; the same on every machine. Source: mimikatz KIWI_DPAPI_ENTROPY_CNG_KEY_BLOB. */
export const PRIVATE_KEY_ENTROPY: Uint8Array = new TextEncoder().encode('xT5rZW5qVVbrvpuA\0');
