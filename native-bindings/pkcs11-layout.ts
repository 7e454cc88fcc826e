/**
 * The structures of PKCS #11 in memory.
 *
 * CK_ULONG is C's unsigned long: 8 bytes on 64-bit Linux and macOS, where structures are aligned as C does it; 4 bytes on Windows,
 * where they are packed ("Platform- and compiler-dependent directives", PKCS #11 Base Specification section 2.1).
 *
 *   CK_ATTRIBUTE   { type, pValue, ulValueLen }                 CK_MECHANISM { mechanism, pParameter, ulParameterLen }
 *
 * What a call is given lies in one block, structures first and then what they point at, so that it is alive as long as the block is.
 */

/** What differs from system to system. */
export interface CkLayout {
  /** Bytes of CK_ULONG. */
  readonly ulong: 4 | 8;
  /** Bytes of a structure of a CK_ULONG, a pointer and a CK_ULONG, and where its members are. */
  readonly triple: { readonly size: number; readonly pointer: number; readonly length: number };
  /** Where the first pointer of CK_FUNCTION_LIST is, after CK_VERSION. */
  readonly firstFunction: number;
  /** Bytes of CK_C_INITIALIZE_ARGS, and where its flags are: four pointers, flags, a pointer. */
  readonly initializeArgs: { readonly size: number; readonly flags: number };
  /** Where libraryDescription of CK_INFO is: after CK_VERSION, 32 bytes and a CK_ULONG. */
  readonly libraryDescription: number;
}

const LP64: CkLayout = {
  ulong: 8,
  triple: { size: 24, pointer: 8, length: 16 },
  firstFunction: 8,
  initializeArgs: { size: 48, flags: 32 },
  libraryDescription: 48,
};

const WINDOWS: CkLayout = {
  ulong: 4,
  triple: { size: 16, pointer: 4, length: 12 },
  firstFunction: 2,
  initializeArgs: { size: 44, flags: 32 },
  libraryDescription: 38,
};

/** The layout of a 64-bit system. */
export function layoutOf(platform: NodeJS.Platform): CkLayout {
  return platform === 'win32' ? WINDOWS : LP64;
}

/** Tells the address of an array that does not move: koffi.address. */
export type AddressOf = (bytes: Uint8Array) => bigint;

/** The value of an attribute: CK_BBOOL, CK_ULONG, or bytes. */
type AttributeValue = boolean | number | Uint8Array;

/** An attribute and its value. */
export type Attribute = readonly [type: number, value: AttributeValue];

/** A mechanism and its parameter. */
export interface Mechanism {
  readonly type: number;
  readonly parameter?: MechanismParameter;
}

/** A parameter: CK_ULONGs, in their order, and byte strings by address, or by length and address. */
type MechanismParameter = readonly ParameterMember[];
type ParameterMember =
  | number
  | { readonly lengthAndPointer: Uint8Array | undefined }
  | { readonly pointerAndLength: Uint8Array | undefined };

/** An array in memory of its own, which no garbage collection moves; also a small one. */
export function block(length: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(length));
}

/** One CK_ULONG, for a call to read or write. */
export function ulongBlock(layout: CkLayout, value = 0): Uint8Array {
  const bytes = block(layout.ulong);
  writeUlong(layout, bytes, 0, value);
  return bytes;
}

// oxlint-disable-next-line max-params -- a number, and where it goes
export function writeUlong(layout: CkLayout, bytes: Uint8Array, at: number, value: number): void {
  const view = viewOf(bytes);
  if (layout.ulong === 8) view.setBigUint64(at, BigInt(value), true);
  else view.setUint32(at, value, true);
}

/** A handle or slot id: a module may use all of its bits. */
export function readHandle(layout: CkLayout, bytes: Uint8Array, at = 0): bigint {
  const view = viewOf(bytes);
  return layout.ulong === 8 ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true));
}

/** A CK_ULONG. CK_UNAVAILABLE_INFORMATION, all ones, is Infinity. */
export function readUlong(layout: CkLayout, bytes: Uint8Array, at = 0): number {
  const view = viewOf(bytes);
  const value = layout.ulong === 8 ? view.getBigUint64(at, true) : view.getUint32(at, true);
  const isUnavailable =
    layout.ulong === 8 ? value === 0xffff_ffff_ffff_ffffn : value === 0xffff_ffff;
  return isUnavailable ? Infinity : Number(value);
}

/** An array of CK_ATTRIBUTE with its values. Who has put a secret in wipes it. */
export function encodeTemplate(
  layout: CkLayout,
  addressOf: AddressOf,
  attributes: readonly Attribute[],
): Uint8Array {
  const values = attributes.map(([, value]) => encodeValue(layout, value));
  const heads = attributes.length * layout.triple.size;
  const bytes = block(heads + values.reduce((sum, value) => sum + padded(value.length), 0));
  const address = addressOf(bytes);
  let at = heads;
  for (const [index, [type]] of attributes.entries()) {
    const value = values[index]!;
    bytes.set(value, at);
    writeTriple(layout, bytes, index, {
      type,
      address: address + BigInt(at),
      length: value.length,
    });
    at += padded(value.length);
  }
  return bytes;
}

/** Room for values that a call writes: C_GetAttributeValue. */
export interface AttributeRoom {
  readonly bytes: Uint8Array;
  /** After the call: a copy of each value; undefined for one that the object does not have or show. */
  read(): (Uint8Array | undefined)[];
}

/** @param lengths - Bytes of room for each; 0 asks for the length only. */
// oxlint-disable-next-line max-params -- as encodeTemplate
export function attributeRoom(
  layout: CkLayout,
  addressOf: AddressOf,
  types: readonly number[],
  lengths: readonly number[],
): AttributeRoom {
  const heads = types.length * layout.triple.size;
  const bytes = block(heads + lengths.reduce((sum, length) => sum + padded(length), 0));
  const base = addressOf(bytes);
  const places: number[] = [];
  let at = heads;
  for (const [index, type] of types.entries()) {
    const length = lengths[index]!;
    const address = length === 0 ? 0n : base + BigInt(at);
    writeTriple(layout, bytes, index, { type, address, length });
    places.push(at);
    at += padded(length);
  }
  const read = (): (Uint8Array | undefined)[] =>
    places.map((place, index) => {
      const length = readLength(layout, bytes, index);
      return length <= lengths[index]! ? bytes.slice(place, place + length) : undefined;
    });
  return { bytes, read };
}

/** What C_GetAttributeValue said of the length of each value; Infinity where there is none to read. */
export function readLengths(layout: CkLayout, bytes: Uint8Array, count: number): number[] {
  return Array.from({ length: count }, (_, index) => readLength(layout, bytes, index));
}

/** CK_MECHANISM with its parameter. */
export function encodeMechanism(
  layout: CkLayout,
  addressOf: AddressOf,
  { type, parameter = [] }: Mechanism,
): Uint8Array {
  const head = layout.triple.size;
  const size = parameter.reduce<number>((sum, member) => sum + memberSize(layout, member), 0);
  const data = parameter.reduce<number>((sum, member) => sum + padded(dataOf(member).length), 0);
  const bytes = block(head + padded(size) + data);
  const base = addressOf(bytes);
  const address = size === 0 ? 0n : base + BigInt(head);
  writeTriple(layout, bytes, 0, { type, address, length: size });
  let at = head;
  let dataAt = head + padded(size);
  const view = viewOf(bytes);
  const putUlong = (value: number): void => {
    writeUlong(layout, bytes, at, value);
    at += layout.ulong;
  };
  const putPointer = (value: Uint8Array): void => {
    view.setBigUint64(at, value.length === 0 ? 0n : base + BigInt(dataAt), true);
    at += POINTER;
    bytes.set(value, dataAt);
    dataAt += padded(value.length);
  };
  for (const member of parameter) {
    const value = dataOf(member);
    if (typeof member === 'number') putUlong(member);
    else if ('lengthAndPointer' in member) {
      putUlong(value.length);
      putPointer(value);
    } else {
      putPointer(value);
      putUlong(value.length);
    }
  }
  return bytes;
}

interface Triple {
  readonly type: number;
  readonly address: bigint;
  readonly length: number;
}

// oxlint-disable-next-line max-params -- a structure, and which of an array it is
function writeTriple(
  layout: CkLayout,
  bytes: Uint8Array,
  index: number,
  { type, address, length }: Triple,
): void {
  const at = index * layout.triple.size;
  writeUlong(layout, bytes, at, type);
  viewOf(bytes).setBigUint64(at + layout.triple.pointer, address, true);
  writeUlong(layout, bytes, at + layout.triple.length, length);
}

function readLength(layout: CkLayout, bytes: Uint8Array, index: number): number {
  return readUlong(layout, bytes, index * layout.triple.size + layout.triple.length);
}

function encodeValue(layout: CkLayout, value: AttributeValue): Uint8Array {
  if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0);
  return typeof value === 'number' ? ulongBlock(layout, value) : value;
}

function memberSize(layout: CkLayout, member: ParameterMember): number {
  return typeof member === 'number' ? layout.ulong : layout.ulong + POINTER;
}

function dataOf(member: ParameterMember): Uint8Array {
  if (typeof member === 'number') return EMPTY;
  return (
    ('lengthAndPointer' in member ? member.lengthAndPointer : member.pointerAndLength) ?? EMPTY
  );
}

/** Values begin at addresses that a CK_ULONG may have. */
function padded(length: number): number {
  return (length + 7) & ~7;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bytes of a pointer; koffi's binaries for 32-bit systems are not supported here. */
const POINTER = 8;
const EMPTY = new Uint8Array(0);
