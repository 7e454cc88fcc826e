/** What the agent does for a request, once its peer is known: rights, rates, rules, the provider, the audit line. */
import { equalBytes } from '../bytes/octets.ts';
import type {
  AgentStatus,
  AnswerOf,
  AnyRequest,
  OpenedKey,
  OperationName,
  RequestOf,
} from '../agent-protocol/index.ts';
import type { PersistedKey } from '../contracts/provider.ts';
import { ToBeSigned } from '../contracts/to-be-signed.ts';
import { KeyStoreError } from '../errors.ts';
import { SecretBytes } from '../keys/secret-bytes.ts';
import { requireRight, type AccessList } from './access-list.ts';
import { postureInAgent, type AgentPlace } from './agent-posture.ts';
import type { Audit } from './audit.ts';
import type { Caller } from './caller.ts';
import { HandleTable } from './handle-table.ts';
import type { LegacyBlobs } from './legacy-blobs.ts';
import { listKeys } from './listings.ts';
import type { JudgeMessage } from './own-messages.ts';
import type { Peer } from './peer.ts';
import type { ProviderKeeper } from './provider-keeper.ts';
import { Pkcs1Failures, requireNoForgery, rememberSigning } from './pkcs1-rule.ts';
import type { RateLimit } from './rate-limit.ts';
import type { HeldKey, Session } from './sessions.ts';
import type { AgentTrust } from './trust.ts';

/** The agent as operations see it. */
export interface AgentParts {
  readonly keeper: ProviderKeeper;
  readonly trust: AgentTrust;
  readonly access: AccessList;
  readonly rate: RateLimit;
  readonly audit: Audit;
  readonly judge: JudgeMessage;
  readonly allowExport: boolean;
  readonly legacyBlobs: LegacyBlobs | undefined;
  readonly status: (peer: Peer) => AgentStatus;
  /** The agent from the point of view of a client. */
  readonly placeFor: (peer: Peer) => AgentPlace;
}

/** An answer's fields; `secret` is wiped when they are sent. */
export interface Outcome<Name extends OperationName = OperationName> {
  readonly result: AnswerOf<Name>;
  readonly secret?: SecretBytes;
}

type Handlers = {
  readonly [Name in OperationName as Exclude<Name, 'hello'>]: (
    request: RequestOf<Name>,
    caller: Caller,
  ) => Promise<Outcome<Name>> | Outcome<Name>;
};

export class Operations {
  readonly #parts: AgentParts;
  readonly #handles: HandleTable;
  readonly #failures = new Pkcs1Failures();

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.#handles = new HandleTable(parts);
  }

  /** @throws KeyStoreError what the provider throws, and AGENT_ACCESS_DENIED, AGENT_BUSY, AGENT_LOCKED, AGENT_KEY_GONE. */
  async perform(request: AnyRequest, caller: Caller): Promise<Outcome> {
    const { audit, keeper } = this.#parts;
    const handler = this.#handlers[request.op as keyof Handlers] as (
      request: unknown,
      caller: Caller,
    ) => Promise<Outcome> | Outcome;
    try {
      return await handler(request.arguments, caller);
    } catch (caught) {
      // Locked while it was at work: its handles were closed under it.
      const wasLocked = keeper.isLocked && hasCode(caught, 'HANDLE_INVALID');
      const error = wasLocked ? new KeyStoreError('AGENT_LOCKED') : caught;
      audit.refused(request.op, caller, error, this.#keyIn(request, caller));
      throw error;
    }
  }

  readonly #handlers: Handlers = {
    status: (_, { peer }) => ({ result: this.#parts.status(peer) }),

    list: async (request, caller) => {
      const { access, keeper } = this.#parts;
      this.#take(caller);
      return {
        result: await listKeys(request, caller.session, keeper.current.provider, (name) =>
          access.rightsOf(caller.peer.uid, name).has('list'),
        ),
      };
    },

    create: async ({ algorithm, name, spec, options }, caller) => {
      this.#requireCreate(name, options.overwrite === true, caller);
      const { provider } = this.#parts.keeper.current;
      const pending = await provider.createPersistedKey(algorithm, name, spec, defined(options));
      return { result: { handle: this.#handles.addPending(name, pending, caller) } };
    },

    import: async ({ privateKey, name, spec, options }, caller) => {
      using pkcs8 = SecretBytes.take(privateKey);
      this.#requireCreate(name, options.overwrite === true, caller);
      const { provider } = this.#parts.keeper.current;
      const pending = await provider.importKey(pkcs8, name, spec, defined(options));
      return { result: { handle: this.#handles.addPending(name, pending, caller) } };
    },

    setPending: async ({ handle, property, value }, caller) => {
      this.#take(caller);
      const { pending } = this.#handles.pending(caller.session, handle);
      await pending.setProperty(property as 'keyUsage', value as never);
      return { result: {} };
    },

    finalize: async ({ handle, writeToLegacyStore }, caller) => {
      this.#take(caller);
      const held = this.#handles.pending(caller.session, handle);
      const key = await this.#use(() => held.pending.finalize({ writeToLegacyStore }));
      caller.session.handles.delete(handle);
      // Whoever may make any key at all may make an ephemeral one, and nobody names those that he trusts.
      if (key.name !== null) await this.#parts.trust.hold(key);
      const opened = this.#handles.addKey(key, { silent: false }, caller);
      this.#parts.audit.done('create', caller, key);
      return { result: openedKey(opened, key) };
    },

    open: async ({ name, spec, scope, silent }, caller) => {
      this.#take(caller);
      const { access, keeper, trust } = this.#parts;
      const rights = access.rightsOf(caller.peer.uid, name);
      // Not told apart: whether a key is there is for those who may open it.
      if (!access.mayOpen(rights))
        throw new KeyStoreError(
          'AGENT_ACCESS_DENIED',
          "the agent's access list does not let this user open this key",
        );
      caller.session.requireRoom();
      const { provider } = keeper.current;
      const key = await provider.openKey(name, spec, defined({ scope, silent }));
      await trust.hold(key);
      const handle = this.#handles.addKey(key, { silent: silent ?? false }, caller);
      return { result: openedKey(handle, key) };
    },

    getProperty: async ({ handle, property }, { session, peer }) => {
      const key = await this.#handles.key(session.key(handle));
      if (property === 'posture') {
        const posture = await key.getProperty('posture');
        return { result: { value: postureInAgent(posture, this.#parts.placeFor(peer)) } };
      }
      const value: unknown = await key.getProperty(property as 'keyUsage');
      return { result: { value: value instanceof Date ? value.getTime() : value } };
    },

    setProperty: async ({ handle, property, value }, caller) => {
      const { trust, audit } = this.#parts;
      const held = this.#held(handle, 'change', caller);
      const key = await this.#handles.key(held);
      await key.setProperty(property as 'keyUsage', value as never);
      if (property === 'keyUsage' && held.name !== null) await trust.hold(key);
      audit.done('change', caller, held, { property: property.slice(0, 64) });
      return { result: {} };
    },

    unwrap: async ({ handle, record: bytes, recipient }, caller) => {
      const { trust, audit } = this.#parts;
      const held = this.#held(handle, 'unwrap', caller);
      const [key, record] = [await this.#handles.key(held), await trust.verify(bytes)];
      await requireNoForgery(held, key, record, recipient);
      const secret = await this.#failures.count(record, recipient, caller.peer.uid, () =>
        this.#use(() => key.unwrap(record, recipient)),
      );
      audit.done('unwrap', caller, held, { record: record.metadata.recordId });
      return { result: { key: secret.bytes }, secret };
    },

    sign: async ({ handle, kind, scheme, message }, caller) => {
      const { trust, judge, audit } = this.#parts;
      const held = this.#held(handle, 'sign', caller);
      const { publicKey } = held;
      const holds = (wanted: Uint8Array) =>
        trust.holds(wanted) || hasHandleOf(caller.session, wanted);
      const type = await judge({ kind, scheme, message, publicKey, holds });
      rememberSigning(held);
      const key = await this.#handles.key(held);
      const toBeSigned =
        kind === 'certificate'
          ? ToBeSigned.certificate(scheme, message)
          : ToBeSigned.signedAttributes(scheme, message);
      const signature = await this.#use(() => key.sign(toBeSigned));
      audit.done('sign', caller, held, { type });
      return { result: { signature } };
    },

    createSessionKeyBlob: async ({ handle, lengthInBits }, caller) => {
      const held = this.#held(handle, 'unwrap', caller);
      const key = await this.#handles.key(held);
      const made = await this.#use(() => key.createSessionKeyBlob(lengthInBits as 128 | 192 | 256));
      this.#parts.audit.done('createSessionKeyBlob', caller, held);
      const { simpleBlob, sessionKey: secret } = made;
      return { result: { simpleBlob, sessionKey: secret.bytes }, secret };
    },

    export: async ({ handle, format }, caller) => {
      const held = this.#held(handle, 'export', caller);
      if (!this.#parts.allowExport)
        throw new KeyStoreError('EXPORT_FORBIDDEN', 'the agent gives out no private keys', {
          hint: "Its setting allowExport would allow it, where the key's own policy does.",
        });
      const key = await this.#handles.key(held);
      const secret = await this.#use(() => key.exportKey(format));
      this.#parts.audit.done('export', caller, held);
      return { result: { privateKey: secret.bytes }, secret };
    },

    delete: async ({ handle }, caller) => {
      const held = this.#held(handle, 'delete', caller);
      const key = await this.#handles.key(held);
      await key.delete();
      caller.session.handles.delete(handle);
      if (held.name !== null) this.#parts.trust.release(held.publicKey);
      this.#parts.audit.done('delete', caller, held);
      return { result: {} };
    },

    close: async ({ handle }, { session }) => {
      await this.#handles.close(session, handle);
      return { result: {} };
    },

    goodbye: () => ({ result: {} }),

    lock: async (_, caller) => {
      this.#parts.access.requireManage(caller.peer.uid);
      await this.#parts.keeper.lock();
      this.#parts.audit.done('lock', caller);
      return { result: {} };
    },

    unlock: async ({ passphrase }, caller) => {
      const secret = SecretBytes.take(passphrase);
      try {
        this.#parts.access.requireManage(caller.peer.uid);
        this.#take(caller);
      } catch (error) {
        secret.dispose();
        throw error;
      }
      await this.#parts.keeper.unlock(secret);
      this.#parts.audit.done('unlock', caller);
      return { result: {} };
    },

    unwrapLegacyBlob: async ({ handle, blob }, caller) => {
      const { legacyBlobs, audit } = this.#parts;
      const held = this.#held(handle, 'legacy', caller);
      if (!legacyBlobs)
        throw new KeyStoreError('AGENT_ACCESS_DENIED', 'the agent opens no unsigned blobs');
      const key = await this.#handles.key(held);
      await requireNoForgery(held, key);
      const secret = await this.#use(() => legacyBlobs.unwrap(key, blob, caller.peer.uid));
      audit.done('unwrapLegacyBlob', caller, held);
      return { result: { key: secret.bytes }, secret };
    },
  };

  /** The key of a handle, for a use of it: rights and rate are looked at first, and whether it can be written down. */
  #held(
    handle: number,
    right: 'unwrap' | 'sign' | 'change' | 'delete' | 'export' | 'legacy',
    caller: Caller,
  ): HeldKey {
    const held = caller.session.key(handle);
    requireRight(held.rights, right);
    this.#take(caller);
    return held;
  }

  #requireCreate(name: string | null, overwrite: boolean, caller: Caller): void {
    const rights = this.#parts.access.rightsOf(caller.peer.uid, name);
    requireRight(rights, 'create');
    if (overwrite && name !== null) requireRight(rights, 'delete');
    this.#take(caller);
    caller.session.requireRoomForPending();
  }

  #take({ peer }: Caller): void {
    this.#parts.rate.take(peer.uid);
    this.#parts.audit.requireWritable();
  }

  #use<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#parts.keeper.using(work);
  }

  /** For the audit line of a refusal. */
  #keyIn({ arguments: given }: AnyRequest, { session }: Caller): HeldKey | undefined {
    const handle = 'handle' in given ? session.handles.get(given.handle) : undefined;
    return handle?.type === 'key' ? handle : undefined;
  }
}

function openedKey(handle: number, key: PersistedKey): OpenedKey {
  const { name, algorithm, legacyKeySpec: spec, scope, publicKey } = key;
  return { handle, name, algorithm, spec, scope, publicKey };
}

function hasHandleOf({ handles }: Session, publicKey: Uint8Array): boolean {
  for (const held of handles.values())
    if (held.type === 'key' && equalBytes(held.publicKey, publicKey)) return true;
  return false;
}

/** Without the options that were not given: providers take `undefined` for a value. */
function defined<Options extends object>(
  options: Options,
): { [Name in keyof Options]?: Exclude<Options[Name], undefined> } {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as never;
}

function hasCode(error: unknown, code: string): boolean {
  return KeyStoreError.is(error) && error.code === code;
}
