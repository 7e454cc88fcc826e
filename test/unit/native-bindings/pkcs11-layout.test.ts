/** The structures of PKCS #11, byte for byte: of Linux and macOS, and of Windows, where they are packed. */
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../lib/bytes/octets.ts';
import { readMechanismInfo, readTokenInfo } from '../../../native-bindings/pkcs11-info.ts';
import {
  attributeRoom,
  encodeMechanism,
  encodeTemplate,
  layoutOf,
  readHandle,
  readLengths,
  readUlong,
  ulongBlock,
} from '../../../native-bindings/pkcs11-layout.ts';
import { ckrError, CKR, hasCkr } from '../../../native-bindings/pkcs11-status.ts';

/** As if every block began there. */
const addressOf = (): bigint => 0x1000n;
const linux = layoutOf('linux');
const windows = layoutOf('win32');

describe('CK_ATTRIBUTE', () => {
  it('is a number, an address and a length of 8 bytes each', () => {
    const template = encodeTemplate(linux, addressOf, [
      [0x102, Uint8Array.of(1, 2, 3)],
      [0x1, true],
    ]);
    expect(toHex(template)).toBe(
      [
        '0201000000000000 3010000000000000 0300000000000000',
        '0100000000000000 3810000000000000 0100000000000000',
        '0102030000000000 0100000000000000',
      ]
        .join('')
        .replaceAll(' ', ''),
    );
  });

  it('has numbers of 4 bytes and no gaps on Windows', () => {
    const template = encodeTemplate(windows, addressOf, [[0x121, 2048]]);
    expect(toHex(template)).toBe('210100001010000000000000040000000008000000000000');
  });

  it('tells what an object has not by a length of all ones', () => {
    for (const layout of [linux, windows]) {
      const room = attributeRoom(layout, addressOf, [1, 2], [4, 4]);
      const at = layout.triple.size + layout.triple.length;
      room.bytes.fill(0xff, at, at + layout.ulong);
      expect(readLengths(layout, room.bytes, 2)).toEqual([4, Infinity]);
      expect(room.read()).toEqual([new Uint8Array(4), undefined]);
    }
  });
});

describe('CK_MECHANISM', () => {
  it('points at its parameter, which points at its data', () => {
    const parameter = [1, { lengthAndPointer: undefined }, { lengthAndPointer: Uint8Array.of(9) }];
    const bytes = encodeMechanism(linux, addressOf, { type: 0x1050, parameter });
    expect(toHex(bytes)).toBe(
      [
        '5010000000000000 1810000000000000 2800000000000000',
        '0100000000000000 0000000000000000 0000000000000000',
        '0100000000000000 4010000000000000',
        '0900000000000000',
      ]
        .join('')
        .replaceAll(' ', ''),
    );
  });

  it('is packed on Windows, with its parameter', () => {
    const parameter = [0x250, 2, 1, { pointerAndLength: undefined }];
    const bytes = encodeMechanism(windows, addressOf, { type: 9, parameter });
    expect(toHex(bytes.subarray(0, 40))).toBe(
      '09000000101000000000000018000000500200000200000001000000000000000000000000000000',
    );
  });

  it('without a parameter has none', () => {
    expect(toHex(encodeMechanism(linux, addressOf, { type: 3 }))).toBe(`03${'00'.repeat(23)}`);
  });
});

describe('numbers and texts', () => {
  it('are read as they are written, handles to their last bit', () => {
    expect(readUlong(linux, ulongBlock(linux, 2 ** 40))).toBe(2 ** 40);
    expect(readUlong(windows, ulongBlock(windows, 7))).toBe(7);
    expect(readHandle(linux, new Uint8Array(8).fill(0xfe))).toBe(0xfefe_fefe_fefe_fefen);
    expect(readHandle(windows, new Uint8Array(4).fill(0xfe))).toBe(0xfefe_fefen);
  });

  it('of a token are its label without the blanks, and its flags', () => {
    const slot = new Uint8Array(512);
    slot[96] = 5;
    const info = new Uint8Array(512).fill(0x20, 0, 96);
    info.set(Buffer.from('my token'), 0);
    info.set(Buffer.from('0001'), 80);
    info[96] = 0x0d;
    info[97] = 0x04;
    info[96 + 24] = 3;
    expect(readTokenInfo(linux, slot, info)).toEqual({
      slotFlags: 5,
      label: 'my token',
      manufacturer: '',
      model: '',
      serial: '0001',
      flags: 0x40d,
      maxSessions: 3,
    });
    const mechanism = new Uint8Array(512);
    mechanism.set([1, 0, 0, 0, 2, 0, 0, 0, 3], 0);
    expect(readMechanismInfo(windows, mechanism)).toEqual({
      minKeySize: 1,
      maxKeySize: 2,
      flags: 3,
    });
  });
});

describe('CK_RV', () => {
  it('becomes an error with a code, its name and its number', () => {
    const error = ckrError('C_Login', CKR.PIN_INCORRECT);
    expect(error.code).toBe('PASSWORD_WRONG');
    expect(error.native).toEqual({
      api: 'C_Login',
      family: 'ckr',
      value: 0xa0,
      name: 'CKR_PIN_INCORRECT',
    });
    expect(hasCkr(error, CKR.PIN_LOCKED, CKR.PIN_INCORRECT)).toBe(true);
    expect(hasCkr(error, CKR.PIN_LOCKED)).toBe(false);
    expect(ckrError('C_Login', CKR.PIN_LOCKED).code).toBe('PIN_LOCKED');
    expect(ckrError('C_Sign', 0x8000_0001)).toMatchObject({
      code: 'IO_FAILED',
      message: 'C_Sign: 0x80000001',
    });
  });
});
