/** What PKCS #11 does with objects: find, read, make, change, destroy. */
import { KeyStoreError } from '../lib/errors.ts';
import type { Pkcs11Functions } from './pkcs11-functions.ts';
import {
  attributeRoom,
  block,
  encodeTemplate,
  readHandle,
  readLengths,
  readUlong,
  ulongBlock,
  type Attribute,
} from './pkcs11-layout.ts';
import type { SessionHandle } from './pkcs11-slots.ts';
import { CKR, hasCkr } from './pkcs11-status.ts';

/** CK_OBJECT_HANDLE: good in every session of this process with the token. */
export type ObjectHandle = bigint;

export function declareObjects({ layout, addressOf, call }: Pkcs11Functions) {
  return {
    /** C_FindObjects to its end. */
    async findObjects(
      session: SessionHandle,
      attributes: readonly Attribute[],
    ): Promise<ObjectHandle[]> {
      const template = encodeTemplate(layout, addressOf, attributes);
      await call('C_FindObjectsInit', session, template, attributes.length);
      try {
        const found: ObjectHandle[] = [];
        const list = block(FIND_AT_ONCE * layout.ulong);
        const count = ulongBlock(layout);
        for (;;) {
          await call('C_FindObjects', session, list, FIND_AT_ONCE, count);
          const more = readUlong(layout, count);
          if (more === 0) return found;
          requireBounded(more, found.length);
          for (let index = 0; index < more; index++)
            found.push(readHandle(layout, list, index * layout.ulong));
        }
      } finally {
        await call('C_FindObjectsFinal', session);
      }
    },

    /**
     * C_GetAttributeValue, for the lengths and then for the values.
     *
     * @returns Fresh arrays, in the order of `types`; undefined for what the object does not have, or keeps to itself.
     */
    async attributes(
      session: SessionHandle,
      object: ObjectHandle,
      types: readonly number[],
    ): Promise<(Uint8Array | undefined)[]> {
      const read = (bytes: Uint8Array): Promise<void> =>
        call('C_GetAttributeValue', session, object, bytes, types.length).catch(
          (error: unknown) => {
            if (!hasCkr(error, ...PARTLY_READ)) throw error;
          },
        );
      const asked = attributeRoom(
        layout,
        addressOf,
        types,
        types.map(() => 0),
      );
      await read(asked.bytes);
      const lengths = readLengths(layout, asked.bytes, types.length);
      const readable = types.filter((_, index) => lengths[index]! < MOST_VALUE);
      const room = attributeRoom(
        layout,
        addressOf,
        readable,
        lengths.filter((length) => length < MOST_VALUE),
      );
      if (readable.length > 0)
        await call('C_GetAttributeValue', session, object, room.bytes, readable.length);
      const values = room.read();
      room.bytes.fill(0);
      return types.map((type) => values[readable.indexOf(type)]);
    },

    /** C_CreateObject. */
    async createObject(
      session: SessionHandle,
      attributes: readonly Attribute[],
    ): Promise<ObjectHandle> {
      const object = ulongBlock(layout);
      const template = encodeTemplate(layout, addressOf, attributes);
      await call('C_CreateObject', session, template, attributes.length, object);
      return readHandle(layout, object);
    },

    /** C_SetAttributeValue. */
    async setAttributes(
      session: SessionHandle,
      object: ObjectHandle,
      attributes: readonly Attribute[],
    ): Promise<void> {
      const template = encodeTemplate(layout, addressOf, attributes);
      await call('C_SetAttributeValue', session, object, template, attributes.length);
    },

    /** C_DestroyObject. */
    destroyObject: (session: SessionHandle, object: ObjectHandle): Promise<void> =>
      call('C_DestroyObject', session, object),
  };
}

/** Else it would be read behind what was asked for, or without end. */
function requireBounded(more: number, found: number): void {
  if (more <= FIND_AT_ONCE && found <= MOST_FOUND) return;
  throw new KeyStoreError(
    'PROVIDER_UNAVAILABLE',
    `the PKCS #11 module finds ${more} objects where it was asked for ${FIND_AT_ONCE}, after ${found}`,
  );
}

/** What C_GetAttributeValue returns when it could tell a part of what was asked. */
const PARTLY_READ = [CKR.ATTRIBUTE_SENSITIVE, CKR.ATTRIBUTE_TYPE_INVALID, CKR.BUFFER_TOO_SMALL];
const FIND_AT_ONCE = 64;
/** More than any token holds. */
const MOST_FOUND = 1 << 20;
/** Bytes of an attribute. What a data object of keycask's holds is shorter. */
const MOST_VALUE = 64 << 20;
