/** IsolatedPendingKey: a handle of a key that an agent has not finalized yet. It ends with its agent. */
import type { OperationName, RequestOf, AnswerOf } from '../../agent-protocol/index.ts';
import type {
  FinalizeOptions,
  KeyProperties,
  KeyPropertyName,
  PendingKey,
  PersistedKey,
} from '../../contracts/provider.ts';
import { KeyStoreError } from '../../errors.ts';
import { AGENT_CHANGED, type AgentChannel } from './agent-channel.ts';
import { IsolatedKey, takeOpenedKey, type AgentHandle } from './isolated-key.ts';
import { toWireText, toWireValue } from './wire-value.ts';

export class IsolatedPendingKey implements PendingKey {
  readonly #channel: AgentChannel;
  readonly #at: AgentHandle;
  readonly #silent: boolean;

  constructor(channel: AgentChannel, at: AgentHandle, silent: boolean) {
    this.#channel = channel;
    this.#at = at;
    this.#silent = silent;
  }

  async setProperty<P extends KeyPropertyName>(
    property: P,
    value: KeyProperties[P],
  ): Promise<void> {
    this.#channel.requireOpen();
    const { handle } = this.#at;
    const wanted = { handle, property: toWireText(property), value: toWireValue(value) };
    await this.#ask('setPending', wanted, () => undefined);
  }

  async finalize(options: FinalizeOptions = {}): Promise<PersistedKey> {
    this.#channel.requireOpen();
    const wanted = {
      handle: this.#at.handle,
      writeToLegacyStore: options.writeToLegacyStore === true,
    };
    const facts = await this.#ask('finalize', wanted, (answer) =>
      takeOpenedKey(this.#channel, answer),
    );
    return new IsolatedKey(this.#channel, facts, this.#silent);
  }

  /** @throws KeyStoreError AGENT_KEY_GONE */
  async #ask<Name extends OperationName, Result>(
    op: Name,
    given: RequestOf<Name>,
    take: (answer: AnswerOf<Name>) => Result,
  ): Promise<Result> {
    const { epoch } = this.#at;
    const result = await this.#channel.request({ op, arguments: given, take, epoch });
    if (result === AGENT_CHANGED) throw new KeyStoreError('AGENT_KEY_GONE');
    return result;
  }
}
