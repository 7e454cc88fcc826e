/** The one failure of this room: what came through the socket is no message of the protocol. */
import { KeyStoreError } from '../errors.ts';

/** @param problem - What is wrong, with names and sizes of fields only; never their contents. */
export function protocolError(problem: string): KeyStoreError {
  return new KeyStoreError('AGENT_PROTOCOL', `agent protocol: ${problem}`);
}
