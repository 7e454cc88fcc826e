/** Requests and answers as they travel: which one it is, and what the operation adds. */
import type { KeyStoreError } from '../errors.ts';
import { decodeBody, withEncoded, type Fields } from './codec.ts';
import { integer, map, type Field } from './fields.ts';
import { encodeFrame } from './frames.ts';
import { OPERATIONS, type AnswerOf, type OperationName, type RequestOf } from './messages.ts';
import { protocolError } from './protocol-error.ts';
import { fromWireError, toWireError, wireError } from './wire-error.ts';

/** A request of any operation, its arguments checked. */
export type AnyRequest = { [Name in OperationName]: OneRequest<Name> }[OperationName];

interface OneRequest<Name extends OperationName> {
  /** Ascending in a session; the answer has the same. 0 is hello. */
  readonly id: number;
  readonly op: Name;
  readonly arguments: RequestOf<Name>;
  /** The client needs no answer below this id any more: the agent forgets them. */
  readonly settled: number;
}

/** An answer whose result is still to be read by {@link readResult}. */
export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: KeyStoreError;
}

/** @returns A frame in memory of its own: who sends a secret wipes it once it is sent. */
export function encodeRequest<Name extends OperationName>(request: {
  readonly id: number;
  readonly op: Name;
  readonly arguments: RequestOf<Name>;
  readonly settled?: number;
}): Uint8Array {
  return withEncoded({ ...request }, encodeFrame);
}

/** @throws KeyStoreError AGENT_PROTOCOL. */
export function decodeRequest(body: Uint8Array): AnyRequest {
  const fields = decodeBody(body);
  const { id, op, arguments: given, settled } = fields;
  refuseOthers(fields, REQUEST_FIELDS);
  const name = String(op).slice(0, 32);
  const read = Object.hasOwn(READERS, name) ? READERS[name as OperationName] : undefined;
  if (typeof op !== 'string' || !read) throw protocolError(`no operation ${JSON.stringify(name)}`);
  return {
    id: requestId(id, 'id'),
    op,
    arguments: read.request(given, op),
    settled: settled === undefined ? 0 : requestId(settled, 'settled'),
  } as AnyRequest;
}

export function encodeAnswer<Name extends OperationName>(
  id: number,
  result: AnswerOf<Name>,
): Uint8Array {
  return withEncoded({ id, result }, encodeFrame);
}

export function encodeFailure(id: number, error: unknown): Uint8Array {
  return withEncoded({ id, error: toWireError(error) }, encodeFrame);
}

/** @throws KeyStoreError AGENT_PROTOCOL. */
export function decodeAnswer(body: Uint8Array): Answer {
  const fields = decodeBody(body);
  const { id, result, error } = fields;
  refuseOthers(fields, ANSWER_FIELDS);
  if ((result === undefined) === (error === undefined))
    throw protocolError('an answer has a result or an error');
  return error === undefined
    ? { id: requestId(id, 'id'), result }
    : { id: requestId(id, 'id'), error: fromWireError(wireError(error, 'error')) };
}

/** The result of an answer to `op`. @throws KeyStoreError AGENT_PROTOCOL. */
export function readResult<Name extends OperationName>(op: Name, result: unknown): AnswerOf<Name> {
  return READERS[op].answer(result, op) as AnswerOf<Name>;
}

function refuseOthers(fields: Fields, known: readonly string[]): void {
  for (const name in fields)
    if (!known.includes(name))
      throw protocolError(`a message has no field ${JSON.stringify(name.slice(0, 32))}`);
}

const REQUEST_FIELDS = ['id', 'op', 'arguments', 'settled'];
const ANSWER_FIELDS = ['id', 'result', 'error'];
const requestId = integer(Number.MAX_SAFE_INTEGER);

const READERS = Object.fromEntries(
  Object.entries(OPERATIONS).map(([name, { request, answer }]) => [
    name,
    { request: map(request), answer: map(answer) },
  ]),
) as unknown as Readonly<
  Record<OperationName, { readonly request: Field<unknown>; readonly answer: Field<unknown> }>
>;
