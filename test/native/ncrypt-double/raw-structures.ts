/** The structures that ncrypt.h's functions take by pointer, as koffi makes them. */
import koffi from 'koffi';

/** A structure that koffi writes when the function is called. */
type Structure = ReturnType<typeof koffi.as>;
export type Pointer = Uint8Array | bigint | Structure | null;

/** pPaddingInfo and dwFlags; no flag says ECDSA. */
export interface Padding {
  readonly info?: Pointer;
  readonly flags: number;
}

export const NO_PADDING: Padding = { flags: 1 };
export const PKCS1_ENCRYPTION: Padding = { flags: 2 };
export const ECDSA: Padding = { flags: 0 };

export function oaep(hash: string, label?: Uint8Array): Padding {
  const info = { pszAlgId: hash, pbLabel: label ?? null, cbLabel: label?.length ?? 0 };
  return { info: koffi.as(info, koffi.pointer(structures().oaep)), flags: 4 };
}

export function pkcs1(hash: string): Padding {
  const { pss } = structures();
  return { info: koffi.as({ pszAlgId: hash, cbSalt: 0 }, koffi.pointer(pss)), flags: 2 };
}

export function pss(hash: string, salt: number): Padding {
  const info = { pszAlgId: hash, cbSalt: salt };
  return { info: koffi.as(info, koffi.pointer(structures().pss)), flags: 8 };
}

export function wide(text: string): Uint8Array {
  return Buffer.from(`${text}\0`, 'utf16le');
}

/** BCryptBufferDesc */
export function bufferList(
  ...buffers: ReadonlyArray<readonly [type: number, bytes: Uint8Array]>
): Structure {
  const pBuffers = buffers.map(([type, bytes]) => ({
    cbBuffer: bytes.length,
    BufferType: type,
    pvBuffer: bytes,
  }));
  const list = { ulVersion: 0, cBuffers: buffers.length, pBuffers };
  return koffi.as(list, koffi.pointer(structures().list));
}

/** NCryptKeyName */
export interface KeyName {
  readonly name: string;
  readonly algorithm: string;
  readonly spec: number;
  readonly flags: number;
}

export function decodeKeyName(pointer: bigint | null): KeyName {
  return koffi.decode(pointer, keyName()) as KeyName;
}

const structures = once(() => {
  const buffer = koffi.struct({ cbBuffer: 'uint32_t', BufferType: 'uint32_t', pvBuffer: 'void *' });
  return {
    oaep: koffi.struct({ pszAlgId: 'str16', pbLabel: 'void *', cbLabel: 'uint32_t' }),
    pss: koffi.struct({ pszAlgId: 'str16', cbSalt: 'uint32_t' }),
    list: koffi.struct({
      ulVersion: 'uint32_t',
      cBuffers: 'uint32_t',
      pBuffers: koffi.pointer(buffer),
    }),
  };
});
const keyName = once(() =>
  koffi.struct({ name: 'str16', algorithm: 'str16', spec: 'uint32_t', flags: 'uint32_t' }),
);

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
