/** What CNG's functions take by pointer to a structure: paddings and lists of buffers. */
import type { as } from 'koffi';
import {
  BCRYPT_PAD_OAEP,
  BCRYPT_PAD_PKCS1,
  BCRYPT_PAD_PSS,
  BCRYPTBUFFER_VERSION,
} from './bcrypt-constants.ts';
import type { Koffi } from './koffi.ts';
import * as structs from './structs.ts';

/** Of RSA encryption: BCRYPT_PAD_PKCS1 or BCRYPT_PAD_OAEP, without a label. */
export type EncryptionPadding =
  | { readonly type: 'pkcs1' }
  | { readonly type: 'oaep'; readonly hash: 'SHA1' | 'SHA256' | 'SHA384' | 'SHA512' };

/** Hashes that a signature may name. */
type SignatureHash = 'SHA1' | 'SHA256' | 'SHA384' | 'SHA512';

/** Of RSA signatures; ECDSA has none. The salt in bytes. */
export type SignaturePadding =
  | { readonly type: 'pkcs1'; readonly hash: SignatureHash }
  | { readonly type: 'pss'; readonly hash: SignatureHash; readonly saltLength: number };

/** A structure that koffi writes when the function is called. */
type StructPointer = ReturnType<typeof as>;

/** pPaddingInfo, and the flag that says which structure it is. */
export interface PaddingParameter {
  readonly info: StructPointer | null;
  readonly flag: number;
}

/** One buffer of a list: its type, its bytes. */
export type TypedBuffer = readonly [type: number, bytes: Uint8Array];

export function declareCngParameters(koffi: Koffi) {
  const pointerTo = (members: Record<string, string>) => koffi.pointer(koffi.struct(members));
  const pkcs1 = pointerTo(structs.BCRYPT_PKCS1_PADDING_INFO);
  const pss = pointerTo(structs.BCRYPT_PSS_PADDING_INFO);
  const oaep = pointerTo(structs.BCRYPT_OAEP_PADDING_INFO);
  const bufferList = koffi.pointer(
    koffi.struct({ ...structs.BCryptBufferDesc, pBuffers: pointerTo(structs.BCryptBuffer) }),
  );

  return {
    encryptionPadding(padding: EncryptionPadding): PaddingParameter {
      if (padding.type === 'pkcs1') return { info: null, flag: BCRYPT_PAD_PKCS1 };
      const info = { pszAlgId: padding.hash, pbLabel: null, cbLabel: 0 };
      return { info: koffi.as(info, oaep), flag: BCRYPT_PAD_OAEP };
    },

    signaturePadding(padding: SignaturePadding | undefined): PaddingParameter {
      if (padding === undefined) return { info: null, flag: 0 };
      const pszAlgId = padding.hash;
      return padding.type === 'pkcs1'
        ? { info: koffi.as({ pszAlgId }, pkcs1), flag: BCRYPT_PAD_PKCS1 }
        : { info: koffi.as({ pszAlgId, cbSalt: padding.saltLength }, pss), flag: BCRYPT_PAD_PSS };
    },

    /** BCryptBufferDesc. The bytes are not copied; the structure keeps them alive. */
    bufferList(buffers: readonly TypedBuffer[]): StructPointer {
      const pBuffers = buffers.map(([BufferType, bytes]) => ({
        cbBuffer: bytes.length,
        BufferType,
        pvBuffer: bytes,
      }));
      const list = { ulVersion: BCRYPTBUFFER_VERSION, cBuffers: buffers.length, pBuffers };
      return koffi.as(list, bufferList);
    },
  };
}

/** A string as CNG has it inside a buffer: UTF-16LE with a terminating null. */
export function wideString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`, 'utf16le');
}
