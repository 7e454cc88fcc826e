/**
 * What is inside a domain key section: the master key, the key of the access check, and the access check. Source: [MS-BKRP] sections 2.2.2.1
 * to 2.2.2.4 and 2.2.4.1.
 *
 *  EncryptedSecret, versions 2 and 3:
 *    0    4 cbSecret        64
 *    4    4 cbPayloadKey    0x20, or 0x30 in version 3
 *    8    8                 version 3 only: CALG_AES_256, CALG_SHA_512
 *     +   n Secret          the master key
 *     +   m PayloadKey      3DES key (24) and IV (8), or AES-256 key (32) and IV (16)
 *
 *  AccessCheck:
 *    0    4                 1
 *    4    4 cbNonce         32
 *    8    n Nonce
 *     +     SID
 *     +     Pad             to a multiple of the cipher's block
 *     +     Hash            SHA-1 of all before, SHA-512 in version 3
 *
 *  Rc4EncryptedPayload, version 1: R3 (32), MAC (20), SID, Secret
 */
import { BlobReader } from '../bytes/blob-reader.ts';
import { BlobWriter } from '../bytes/blob-writer.ts';
import { encodeSid, readSid } from './sid.ts';
import { showWithout } from './show-without.ts';

/** A master key, taken out from under a domain's RSA key. */
export interface WrappedMasterKey {
  readonly version: 2 | 3;
  /** Secret. */
  readonly masterKey: Uint8Array;
  /** Key and IV of the access check. Secret. */
  readonly payloadKey: Uint8Array;
}

/** Who may have a domain controller open the section. */
export interface AccessCheck {
  /** Which section it is of: decides the hash. */
  readonly version: 2 | 3;
  /** The key of the file's backup section. Secret. */
  readonly nonce: Uint8Array;
  /** As text. */
  readonly sid: string;
  readonly pad: Uint8Array;
  /** SHA-1 or SHA-512 of all before it. */
  readonly hash: Uint8Array;
}

/** A master key, taken out from under a domain's symmetric key. */
export interface ServerWrapPayload {
  /** 32 bytes: what the key of the MAC is derived from. */
  readonly r3: Uint8Array;
  /** HMAC-SHA-1 of SID and secret. */
  readonly mac: Uint8Array;
  /** As text. */
  readonly sid: string;
  /** The master key. Secret. */
  readonly secret: Uint8Array;
}

/** Reads what RSA gave. Byte strings are views of `bytes`, which the caller wipes. @throws BlobFormatError BLOB_MALFORMED. */
export function decodeWrappedMasterKey(bytes: Uint8Array, version: 2 | 3): WrappedMasterKey {
  const r = new BlobReader(bytes, 'EncryptedSecret');
  const length = r.u32le('cbSecret');
  r.expectU32le('cbPayloadKey', PAYLOAD_KEY_LENGTH[version]);
  if (version === 3) for (const algId of VERSION_3_ALG_IDS) r.expectU32le('ALG_ID', algId);
  const masterKey = r.bytes('Secret', length);
  const payloadKey = r.bytes('PayloadKey', PAYLOAD_KEY_LENGTH[version]);
  r.end();
  return showWithout({ version, masterKey, payloadKey }, ['masterKey', 'payloadKey']);
}

/** The way back of {@link decodeWrappedMasterKey}. */
export function encodeWrappedMasterKey(secret: WrappedMasterKey): Uint8Array {
  const { version, masterKey, payloadKey } = secret;
  const extra = version === 3 ? VERSION_3_ALG_IDS : [];
  const w = new BlobWriter(8 + 4 * extra.length + masterKey.length + payloadKey.length)
    .u32le(masterKey.length)
    .u32le(payloadKey.length);
  for (const algId of extra) w.u32le(algId);
  return w.bytes(masterKey).bytes(payloadKey).finish();
}

/** Reads a decrypted access check. Byte strings are views of `bytes`, which the caller wipes. @throws BlobFormatError BLOB_MALFORMED. */
export function decodeAccessCheck(bytes: Uint8Array, version: 2 | 3): AccessCheck {
  const r = new BlobReader(bytes, 'AccessCheck');
  r.expectU32le('version', 1);
  const nonce = r.bytes('Nonce', r.u32le('cbNonce'));
  const sid = readSid(r, 'SID');
  const pad = r.bytes('Pad', Math.max(0, r.left - HASH_LENGTH[version]));
  const hash = r.bytes('Hash', HASH_LENGTH[version]);
  r.end();
  return showWithout({ version, nonce, sid, pad, hash }, ['nonce']);
}

/** The way back of {@link decodeAccessCheck}. */
export function encodeAccessCheck(check: AccessCheck): Uint8Array {
  const sid = encodeSid(check.sid);
  const { nonce, pad, hash } = check;
  return new BlobWriter(8 + nonce.length + sid.length + pad.length + hash.length)
    .u32le(1)
    .u32le(nonce.length)
    .bytes(nonce)
    .bytes(sid)
    .bytes(pad)
    .bytes(hash)
    .finish();
}

/** Reads a decrypted payload of version 1. Byte strings are views of `bytes`, which the caller wipes. @throws BlobFormatError BLOB_MALFORMED. */
export function decodeServerWrapPayload(bytes: Uint8Array): ServerWrapPayload {
  const r = new BlobReader(bytes, 'Rc4EncryptedPayload');
  const r3 = r.bytes('R3', R3_LENGTH);
  const mac = r.bytes('MAC', MAC_LENGTH);
  const sid = readSid(r, 'SID');
  const secret = r.rest('Secret');
  return showWithout({ r3, mac, sid, secret }, ['secret']);
}

/** The way back of {@link decodeServerWrapPayload}. */
export function encodeServerWrapPayload(payload: ServerWrapPayload): Uint8Array {
  const sid = encodeSid(payload.sid);
  return new BlobWriter(R3_LENGTH + MAC_LENGTH + sid.length + payload.secret.length)
    .bytes(payload.r3)
    .bytes(payload.mac)
    .bytes(sid)
    .bytes(payload.secret)
    .finish();
}

const PAYLOAD_KEY_LENGTH = { 2: 0x20, 3: 0x30 } as const;
const HASH_LENGTH = { 2: 20, 3: 64 } as const;
/** CALG_AES_256, CALG_SHA_512 */
const VERSION_3_ALG_IDS = [0x6610, 0x800e] as const;
const R3_LENGTH = 32;
const MAC_LENGTH = 20;
