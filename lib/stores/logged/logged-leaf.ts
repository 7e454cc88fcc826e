/**
 * A leaf of the log over records: a change, the home that made it, what holds after it, and the signature over all three.
 *
 *   LoggedLeaf ::= signed (../manifest/signed-entry.ts) SEQUENCE {
 *     version INTEGER (2), storeId OCTET STRING (16), homeId OCTET STRING (16), signerKeyId OCTET STRING (20),
 *     change CHOICE (../manifest/manifest-change.ts), state OCTET STRING (32) }
 *
 * It is an entry of the manifest (version 1) without `index` and `prev`, which the log's tree says, and with the root of the map.
 */
import { DerReader } from '../../bytes/der-reader.ts';
import { TAG } from '../../bytes/der-tags.ts';
import { integer, octetString, sequence } from '../../bytes/der-writer.ts';
import type { SigningIdentity } from '../../messages/sign-message.ts';
import { decodeChange, encodeChange, type ManifestChange } from '../manifest/manifest-change.ts';
import {
  decodeSignedEntry,
  readBack,
  signEntry,
  type SignedEntry,
} from '../manifest/signed-entry.ts';

/** What is signed. */
export interface LoggedLeafContent {
  /** 16 bytes. */
  readonly storeId: Uint8Array;
  /** 16 bytes: which home made the change. */
  readonly homeId: Uint8Array;
  /** 20 bytes. */
  readonly signerKeyId: Uint8Array;
  readonly change: ManifestChange;
  /** Root of the map after the change, 32 bytes. */
  readonly state: Uint8Array;
}

/** A leaf as it was read. Its signature is still to be checked (`isSignedBy`). */
export interface LoggedLeaf extends LoggedLeafContent, SignedEntry {}

const VERSION = integer(2);
const SIXTEEN = { min: 16, max: 16 };
const TWENTY = { min: 20, max: 20 };
const DIGEST = { min: 32, max: 32 };

/**
 * Signs a leaf.
 *
 * @throws KeyStoreError PARAMETER_INVALID where a field is out of its bounds, INTERNAL where the key made a signature that does not verify; what `identity.sign` throws.
 */
export async function signLoggedLeaf(
  identity: SigningIdentity,
  fields: Omit<LoggedLeafContent, 'signerKeyId'>,
  signingTime: Date,
): Promise<LoggedLeaf> {
  const content = encodeContent({ ...fields, signerKeyId: identity.keyId });
  return readBack(await signEntry(identity, content, signingTime), decodeLoggedLeaf, identity);
}

/** @throws BlobFormatError BLOB_MALFORMED, BLOB_VERSION_UNSUPPORTED */
export function decodeLoggedLeaf(der: Uint8Array): LoggedLeaf {
  const entry = decodeSignedEntry(der, 'LoggedLeaf');
  return { ...decodeContent(entry.content), ...entry };
}

function encodeContent({ storeId, homeId, signerKeyId, change, state }: LoggedLeafContent) {
  return sequence(
    VERSION,
    octetString(storeId),
    octetString(homeId),
    octetString(signerKeyId),
    encodeChange(change),
    octetString(state),
  );
}

function decodeContent(der: Uint8Array): LoggedLeafContent {
  const r = new DerReader(der, 'LoggedLeaf').enter(TAG.SEQUENCE, 'content');
  r.expect(VERSION, 'version', 'BLOB_VERSION_UNSUPPORTED');
  const storeId = r.octets('storeId', SIXTEEN);
  const homeId = r.octets('homeId', SIXTEEN);
  const signerKeyId = r.octets('signerKeyId', TWENTY);
  const change = decodeChange(r);
  const state = r.octets('state', DIGEST);
  r.end();
  return { storeId, homeId, signerKeyId, change, state };
}
