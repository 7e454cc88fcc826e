/** The protocol between an agent and its clients: what crosses the socket, and nothing of what either side does with it. */
export {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeFailure,
  encodeRequest,
  readResult,
  type Answer,
  type AnyRequest,
} from './envelopes.ts';
export { FrameReader } from './frames.ts';
export { PROTOCOL_LIMITS } from './limits.ts';
export {
  OPERATIONS,
  PROTOCOL_NAME,
  PROTOCOL_VERSIONS,
  type AgentStatus,
  type AnswerOf,
  type ListedKey,
  type OpenedKey,
  type OperationName,
  type RequestOf,
} from './messages.ts';
export { protocolError } from './protocol-error.ts';
export { fromWireError, toWireError } from './wire-error.ts';
