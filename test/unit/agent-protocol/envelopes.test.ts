/** Requests, answers and errors as they cross the socket. */
import { encode } from '@msgpack/msgpack';
import { describe, expect, it } from 'vitest';
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeFailure,
  encodeRequest,
  fromWireError,
  OPERATIONS,
  readResult,
  toWireError,
} from '../../../lib/agent-protocol/index.ts';
import { ERROR_CODES, type KeyStoreErrorCode } from '../../../lib/error-codes.ts';
import { BlobFormatError, KeyStoreError } from '../../../lib/errors.ts';
import { codeOf } from '../../support/errors.ts';

const bodyOf = (frame: Uint8Array) => frame.subarray(4);
const REQUEST = {
  id: 7,
  op: 'unwrap',
  arguments: { handle: 1, record: new Uint8Array(9), recipient: 0 },
} as const;

function refused(message: unknown): string | undefined {
  return codeOf(() => decodeRequest(encode(message)));
}

describe('a request', () => {
  it('comes out as it went in', () => {
    expect(decodeRequest(bodyOf(encodeRequest(REQUEST)))).toEqual({ ...REQUEST, settled: 0 });
  });

  it('is refused with an operation that there is not, also one that every object has', () => {
    for (const op of ['', 'unwrapAll', 'constructor', '__proto__', 'toString', 5, null])
      expect(refused({ ...REQUEST, op })).toBe('AGENT_PROTOCOL');
  });

  it('is refused with a field that there is not', () => {
    expect(refused({ ...REQUEST, more: 1 })).toBe('AGENT_PROTOCOL');
    expect(refused({ ...REQUEST, arguments: { ...REQUEST.arguments, more: 1 } })).toBe(
      'AGENT_PROTOCOL',
    );
  });

  it('is refused without each of its fields, and with each of another kind', () => {
    const strange: readonly unknown[] = [
      undefined,
      null,
      true,
      'text',
      -1,
      1.5,
      [],
      {},
      new Uint8Array(70_000).fill(1),
    ];
    for (const field of ['id', 'op', 'arguments'])
      for (const value of strange)
        expect(refused({ ...REQUEST, [field]: value })).toBe('AGENT_PROTOCOL');
    for (const field of ['handle', 'recipient'])
      for (const value of strange)
        expect(refused({ ...REQUEST, arguments: { ...REQUEST.arguments, [field]: value } })).toBe(
          'AGENT_PROTOCOL',
        );
    for (const record of strange.slice(0, -1))
      expect(refused({ ...REQUEST, arguments: { ...REQUEST.arguments, record } })).toBe(
        'AGENT_PROTOCOL',
      );
  });

  it('of each operation is refused with no arguments where it has some that are needed', () => {
    for (const op of Object.keys(OPERATIONS)) {
      const needs = ['status', 'list', 'goodbye', 'lock'].includes(op) ? 'none' : 'AGENT_PROTOCOL';
      expect([op, refused({ id: 1, op, arguments: {} })]).toEqual([op, needs]);
    }
  });
});

describe('an answer', () => {
  it('comes out as it went in', () => {
    const { id, result } = decodeAnswer(
      bodyOf(encodeAnswer<'unwrap'>(7, { key: Uint8Array.of(1) })),
    );
    expect([id, readResult('unwrap', result)]).toEqual([7, { key: Uint8Array.of(1) }]);
  });

  it('is refused with both a result and an error, with neither, and of another operation', () => {
    for (const answer of [
      { id: 1 },
      { id: 1, result: {}, error: toWireError(new KeyStoreError('INTERNAL')) },
      { id: 1, result: {}, more: 1 },
    ])
      expect(codeOf(() => decodeAnswer(encode(answer)))).toBe('AGENT_PROTOCOL');
    expect(codeOf(() => readResult('unwrap', { signature: new Uint8Array(1) }))).toBe(
      'AGENT_PROTOCOL',
    );
  });
});

describe('an error', () => {
  const there = (error: unknown) => decodeAnswer(bodyOf(encodeFailure(1, error))).error!;

  it.each(Object.keys(ERROR_CODES) as KeyStoreErrorCode[])(
    '%s crosses with code, NTE number, message and hint',
    (code) => {
      const error = new KeyStoreError(code, 'what happened', { hint: 'what to do' });
      expect(there(error).toJSON()).toEqual(error.toJSON());
      expect(there(new KeyStoreError(code)).toJSON()).toEqual(new KeyStoreError(code).toJSON());
    },
  );

  it('crosses with what the system said', () => {
    const native = { api: 'open', family: 'errno', value: -13, name: 'EACCES' } as const;
    expect(there(new KeyStoreError('IO_FAILED', 'no', { native })).toJSON()).toMatchObject({
      native,
    });
  });

  it('of a format crosses with the place of what was wrong', () => {
    const error = new BlobFormatError(
      { format: 'SIMPLEBLOB', field: 'bType', offset: 3, problem: 'want 1, got 2' },
      'BLOB_VERSION_UNSUPPORTED',
    );
    expect(there(error)).toBeInstanceOf(BlobFormatError);
    expect(there(error).toJSON()).toEqual(error.toJSON());
  });

  it('that is none of keycask crosses as INTERNAL, without its text', () => {
    const error = there(new TypeError('secret things'));
    expect(error.code).toBe('INTERNAL');
    expect(JSON.stringify(error)).not.toContain('secret things');
  });

  it('with a message longer than a text of the protocol is cut', () => {
    expect(there(new KeyStoreError('IO_FAILED', 'x'.repeat(10_000))).message).toHaveLength(4096);
    expect(fromWireError(toWireError(new KeyStoreError('USAGE')))).toMatchObject({ code: 'USAGE' });
  });
});
