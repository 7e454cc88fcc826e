/** The calls for outputs whose length only the called function knows. */
import { describe, expect, test } from 'vitest';
import { nativeError } from '../../../native-bindings/check-win32.ts';
import { readSized, takeExactly, type SizedCall } from '../../../native-bindings/sized-output.ts';
import { WINDOWS_STATUS } from '../../../native-bindings/windows-status.ts';
import { codeOf } from '../../support/errors.ts';

/** A function of Windows that has these outputs: each call for the bytes gives the next one. */
function functionOf(outputs: readonly Uint8Array[], promised?: number) {
  const buffers: Uint8Array[] = [];
  let next = 0;
  const call: SizedCall = (buffer, length) => {
    const output = outputs[Math.min(next, outputs.length - 1)]!;
    if (buffer === null) {
      length[0] = promised ?? output.length;
      return;
    }
    next += 1;
    buffers.push(buffer);
    const wanted = outputs[Math.min(next, outputs.length - 1)]!;
    buffer.set(wanted.subarray(0, buffer.length));
    length[0] = wanted.length;
    if (wanted.length > buffer.length)
      throw nativeError('NCryptGetProperty', 'hresult', WINDOWS_STATUS.NTE_BUFFER_TOO_SMALL);
  };
  return { call, buffers };
}

const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(7);

describe('readSized', () => {
  test('gives exactly the bytes, in the array that was filled', () => {
    const { call, buffers } = functionOf([bytes(5)]);
    expect(readSized(call)).toEqual(bytes(5));
    expect(readSized(call)).toBe(buffers[1]);
  });

  test('wipes the array that was longer than the bytes', () => {
    const { call, buffers } = functionOf([bytes(5)], 9);
    const output = readSized(call);
    expect(output).toEqual(bytes(5));
    expect(output.buffer.byteLength).toBe(5);
    expect(buffers).toEqual([new Uint8Array(9)]);
  });

  test('asks again where the bytes became more meanwhile, and wipes what it had', () => {
    const { call, buffers } = functionOf([bytes(5), bytes(8), bytes(8)]);
    expect(readSized(call)).toEqual(bytes(8));
    expect(buffers[0]).toEqual(new Uint8Array(5));
  });

  test('gives up where they become more each time', () => {
    const { call, buffers } = functionOf([5, 6, 7, 8, 9, 10].map(bytes));
    expect(codeOf(() => readSized(call))).toBe('IO_FAILED');
    expect(buffers.map((buffer) => buffer.length)).toEqual([5, 6, 7]);
    for (const buffer of buffers) expect(buffer).toEqual(new Uint8Array(buffer.length));
  });

  test('asks for no bytes where there are none', () => {
    const { call, buffers } = functionOf([bytes(0)]);
    expect(readSized(call)).toEqual(new Uint8Array(0));
    expect(buffers).toEqual([]);
  });

  test('passes another failure on at once, and wipes', () => {
    const buffers: Uint8Array[] = [];
    const call: SizedCall = (buffer, length) => {
      length[0] = 4;
      if (buffer === null) return;
      buffers.push(buffer.fill(7));
      throw nativeError('CryptExportKey', 'win32', WINDOWS_STATUS.NTE_BAD_KEY_STATE);
    };
    expect(codeOf(() => readSized(call))).toBe('EXPORT_FORBIDDEN');
    expect(buffers).toEqual([new Uint8Array(4)]);
  });
});

test('takeExactly copies the beginning and wipes the rest of the way', () => {
  const buffer = bytes(9);
  expect(takeExactly(buffer, 3)).toEqual(bytes(3));
  expect(buffer).toEqual(new Uint8Array(9));
  const whole = bytes(4);
  expect(takeExactly(whole, 4)).toBe(whole);
});
