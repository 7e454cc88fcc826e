/** IsolatedKey: a handle of a private key that is in an agent. */
import type { OpenedKey, OperationName, RequestOf, AnswerOf } from '../../agent-protocol/index.ts';
import { copyBytes, equalBytes } from '../../bytes/octets.ts';
import type {
  KeyProperties,
  KeyPropertyName,
  KeyScope,
  LegacyKeySpec,
  PersistedKey,
  PrivateKeyFormat,
  SessionKeyBlob,
} from '../../contracts/provider.ts';
import { ToBeSigned } from '../../contracts/to-be-signed.ts';
import { VerifiedKeyRecord } from '../../contracts/verified-record.ts';
import { KeyStoreError } from '../../errors.ts';
import type { KeyAlgorithm } from '../../keys/key-algorithms.ts';
import { SecretBytes } from '../../keys/secret-bytes.ts';
import { LIMITS } from '../rules/limits.ts';
import { AGENT_CHANGED, type AgentChannel } from './agent-channel.ts';
import { toWireText, toWireValue } from './wire-value.ts';

/** A handle, and the epoch of the channel that it is of. */
export interface AgentHandle {
  readonly epoch: number;
  readonly handle: number;
}

/** What opening and finalizing a key answer, copied out of the answer. */
export interface OpenedKeyFacts extends AgentHandle, Omit<OpenedKey, 'handle' | 'publicKey'> {
  readonly publicKey: Uint8Array;
}

/** An agent that ends again and again is not waited for for ever. */
const ATTEMPTS = 4;

export class IsolatedKey implements PersistedKey {
  readonly name: string | null;
  readonly algorithm: KeyAlgorithm;
  readonly legacyKeySpec: LegacyKeySpec;
  readonly scope: KeyScope;
  readonly publicKey: Uint8Array;
  readonly #channel: AgentChannel;
  readonly #silent: boolean;
  #at: AgentHandle;
  #reopening: Promise<void> | undefined;
  #isFree = false;

  constructor(channel: AgentChannel, facts: OpenedKeyFacts, silent: boolean) {
    this.name = facts.name;
    this.algorithm = facts.algorithm;
    this.legacyKeySpec = facts.spec;
    this.scope = facts.scope;
    this.publicKey = facts.publicKey;
    this.#channel = channel;
    this.#silent = silent;
    this.#at = facts;
  }

  async unwrap(record: VerifiedKeyRecord, recipient: number): Promise<SecretBytes> {
    this.#requireOpen();
    if (!VerifiedKeyRecord.is(record)) throw invalid('only a verified record can be unwrapped');
    // There is such a recipient, for a private key, of a signer that is pinned.
    record.wrappedKey(recipient);
    return this.#ask('unwrap', { record: record.parts.bytes, recipient }, ({ key }) =>
      SecretBytes.copy(key),
    );
  }

  async sign(message: ToBeSigned): Promise<Uint8Array> {
    this.#requireOpen();
    if (!ToBeSigned.is(message)) throw invalid("only keycask's own messages can be signed");
    const { kind, scheme, bytes } = message;
    if (bytes.length > LIMITS.message)
      throw invalid(`a message to be signed has at most ${LIMITS.message} bytes`);
    return this.#ask('sign', { kind, scheme, message: bytes }, ({ signature }) =>
      copyBytes(signature),
    );
  }

  async createSessionKeyBlob(lengthInBits: 128 | 192 | 256): Promise<SessionKeyBlob> {
    this.#requireOpen();
    if (!SESSION_KEY_BITS.includes(lengthInBits))
      throw invalid(`an AES session key has ${SESSION_KEY_BITS.join(', ')} bits`);
    return this.#ask('createSessionKeyBlob', { lengthInBits }, ({ simpleBlob, sessionKey }) => ({
      simpleBlob: copyBytes(simpleBlob),
      sessionKey: SecretBytes.copy(sessionKey),
    }));
  }

  async getProperty<P extends KeyPropertyName>(property: P): Promise<KeyProperties[P]> {
    this.#requireOpen();
    return this.#ask('getProperty', { property: toWireText(property) }, ({ value }) => {
      if (value instanceof Uint8Array) return copyBytes(value) as KeyProperties[P];
      if (property === 'modified') return new Date(value as number) as KeyProperties[P];
      return value as KeyProperties[P];
    });
  }

  async setProperty<P extends KeyPropertyName>(
    property: P,
    value: KeyProperties[P],
  ): Promise<void> {
    this.#requireOpen();
    const wanted = { property: toWireText(property), value: toWireValue(value) };
    await this.#ask('setProperty', wanted, nothing);
  }

  async exportKey(format: PrivateKeyFormat): Promise<SecretBytes> {
    this.#requireOpen();
    if (format !== 'pkcs8' && format !== 'PRIVATEKEYBLOB')
      throw invalid('the format of an export is pkcs8 or PRIVATEKEYBLOB');
    return this.#ask('export', { format }, ({ privateKey }) => SecretBytes.copy(privateKey));
  }

  /**
   * Opens an unsigned SIMPLEBLOB, where the agent allows it for this key.
   *
   * @returns The session key; of a blob that this key does not open, a pseudo-random one, which opens nothing. The caller owns it.
   * @throws KeyStoreError AGENT_ACCESS_DENIED, AGENT_BUSY, BLOB_MALFORMED.
   */
  async unwrapLegacyBlob(blob: Uint8Array): Promise<SecretBytes> {
    this.#requireOpen();
    return this.#ask('unwrapLegacyBlob', { blob }, ({ key }) => SecretBytes.copy(key));
  }

  async delete(): Promise<void> {
    this.#requireOpen();
    await this.#ask('delete', {}, nothing);
    this.#isFree = true;
  }

  async close(): Promise<void> {
    if (this.#isFree || this.#channel.isClosed) return;
    this.#isFree = true;
    const { epoch, handle } = this.#at;
    try {
      const close = { op: 'close', arguments: { handle }, take: nothing, epoch } as const;
      await this.#channel.request(close);
    } catch (error) {
      // With an agent that has ended its handles have ended too.
      if (!KeyStoreError.is(error)) throw error;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #requireOpen(): void {
    this.#channel.requireOpen();
    if (this.#isFree) throw new KeyStoreError('HANDLE_INVALID');
  }

  /** Asks by the handle; where its agent has ended, by a new one of the same key. */
  async #ask<Name extends OperationName, Result>(
    op: Name,
    given: Omit<RequestOf<Name>, 'handle'>,
    take: (answer: AnswerOf<Name>) => Result,
  ): Promise<Result> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (this.#at.epoch !== this.#channel.epoch) await this.#reopen();
      const { epoch, handle } = this.#at;
      const result = await this.#channel.request<Name, Result>({
        op,
        arguments: { handle, ...given } as unknown as RequestOf<Name>,
        take,
        epoch,
      });
      if (result !== AGENT_CHANGED) return result;
    }
    throw new KeyStoreError('AGENT_UNAVAILABLE', 'the agent ends again and again');
  }

  #reopen(): Promise<void> {
    this.#reopening ??= this.#openAgain().finally(() => {
      this.#reopening = undefined;
    });
    return this.#reopening;
  }

  async #openAgain(): Promise<void> {
    const { name, legacyKeySpec: spec, scope } = this;
    if (name === null) throw new KeyStoreError('AGENT_KEY_GONE');
    const facts = await openInAgent(this.#channel, { name, spec, scope, silent: this.#silent });
    this.#at = facts;
    if (equalBytes(facts.publicKey, this.publicKey)) return;
    this.#isFree = true;
    throw new KeyStoreError('AGENT_KEY_GONE', 'another key has the name of this one now');
  }
}

/** Opens a key in the agent. */
export async function openInAgent(
  channel: AgentChannel,
  wanted: RequestOf<'open'>,
): Promise<OpenedKeyFacts> {
  const opened = await channel.request({
    op: 'open',
    arguments: wanted,
    take: (answer) => takeOpenedKey(channel, answer),
  });
  if (opened === AGENT_CHANGED) throw new KeyStoreError('AGENT_UNAVAILABLE');
  return opened;
}

export function takeOpenedKey(channel: AgentChannel, answer: OpenedKey): OpenedKeyFacts {
  return { ...answer, epoch: channel.epoch, publicKey: copyBytes(answer.publicKey) };
}

function nothing(): void {
  // Nothing in the answer is wanted.
}

function invalid(message: string): KeyStoreError {
  return new KeyStoreError('PARAMETER_INVALID', message);
}

const SESSION_KEY_BITS: readonly number[] = [128, 192, 256];
