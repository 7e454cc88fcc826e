/** What PKCS #11 does with keys: make, decrypt, sign, unwrap, derive. */
import type { Pkcs11Functions } from './pkcs11-functions.ts';
import {
  block,
  encodeMechanism,
  encodeTemplate,
  readHandle,
  readUlong,
  ulongBlock,
  type Attribute,
  type Mechanism,
} from './pkcs11-layout.ts';
import type { ObjectHandle } from './pkcs11-objects.ts';
import type { SessionHandle } from './pkcs11-slots.ts';
import { takeExactly } from './sized-output.ts';

/** A key, and the session and mechanism that it is used with. */
export interface KeyUse {
  readonly session: SessionHandle;
  readonly key: ObjectHandle;
  readonly mechanism: Mechanism;
}

export function declareKeys({ layout, addressOf, call }: Pkcs11Functions) {
  return {
    /** C_GenerateKeyPair. */
    async generateKeyPair(
      session: SessionHandle,
      mechanism: Mechanism,
      templates: {
        readonly publicKey: readonly Attribute[];
        readonly privateKey: readonly Attribute[];
      },
    ): Promise<{ readonly publicKey: ObjectHandle; readonly privateKey: ObjectHandle }> {
      const [publicKey, privateKey] = [ulongBlock(layout), ulongBlock(layout)];
      const publicTemplate = encodeTemplate(layout, addressOf, templates.publicKey);
      const privateTemplate = encodeTemplate(layout, addressOf, templates.privateKey);
      await call(
        'C_GenerateKeyPair',
        session,
        encodeMechanism(layout, addressOf, mechanism),
        publicTemplate,
        templates.publicKey.length,
        privateTemplate,
        templates.privateKey.length,
        publicKey,
        privateKey,
      );
      return {
        publicKey: readHandle(layout, publicKey),
        privateKey: readHandle(layout, privateKey),
      };
    },

    /**
     * C_EncryptInit: does the token take a mechanism with this parameter? The session is left with an operation that was begun.
     */
    encryptInit: ({ session, key, mechanism }: KeyUse): Promise<void> =>
      call('C_EncryptInit', session, encodeMechanism(layout, addressOf, mechanism), key),

    /**
     * C_DecryptInit and C_Decrypt.
     *
     * @param data - Read in place until the promise settles.
     * @returns At most as long as `data`; a fresh array that the caller wipes.
     */
    async decrypt({ session, key, mechanism }: KeyUse, data: Uint8Array): Promise<Uint8Array> {
      await call('C_DecryptInit', session, encodeMechanism(layout, addressOf, mechanism), key);
      const output = block(data.length);
      const length = ulongBlock(layout, output.length);
      try {
        await call('C_Decrypt', session, data, data.length, output, length);
      } catch (error) {
        output.fill(0);
        throw error;
      }
      return takeExactly(output, readUlong(layout, length));
    },

    /** C_SignInit and C_Sign. @param data - As `decrypt`. @returns A fresh array. */
    async sign({ session, key, mechanism }: KeyUse, data: Uint8Array): Promise<Uint8Array> {
      await call('C_SignInit', session, encodeMechanism(layout, addressOf, mechanism), key);
      const output = block(MOST_SIGNATURE);
      const length = ulongBlock(layout, output.length);
      await call('C_Sign', session, data, data.length, output, length);
      return takeExactly(output, readUlong(layout, length));
    },

    /** C_UnwrapKey: the new key's handle. */
    async unwrapKey(
      { session, key, mechanism }: KeyUse,
      wrapped: Uint8Array,
      attributes: readonly Attribute[],
    ): Promise<ObjectHandle> {
      const object = ulongBlock(layout);
      const parameter = encodeMechanism(layout, addressOf, mechanism);
      const template = encodeTemplate(layout, addressOf, attributes);
      const { length } = attributes;
      const args = [session, parameter, key, wrapped, wrapped.length, template, length, object];
      await call('C_UnwrapKey', ...args);
      return readHandle(layout, object);
    },

    /** C_DeriveKey: the new key's handle. */
    async deriveKey(
      { session, key, mechanism }: KeyUse,
      attributes: readonly Attribute[],
    ): Promise<ObjectHandle> {
      const object = ulongBlock(layout);
      const parameter = encodeMechanism(layout, addressOf, mechanism);
      const template = encodeTemplate(layout, addressOf, attributes);
      await call('C_DeriveKey', session, parameter, key, template, attributes.length, object);
      return readHandle(layout, object);
    },
  };
}

/** Bytes of a signature by RSA-16384. */
const MOST_SIGNATURE = 2048;
