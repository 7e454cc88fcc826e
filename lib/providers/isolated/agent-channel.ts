/**
 * AgentChannel: requests to an agent, many at once over one connection, across connections that break.
 *
 * A request that may be done twice is sent again. One that changes something is sent again only to the same run of the agent, which answers
 * from memory what it has done; where that run has ended, nobody knows, and AGENT_OUTCOME_UNKNOWN says so.
 */
import { randomBytes } from 'node:crypto';
import {
  encodeRequest,
  OPERATIONS,
  readResult,
  type Answer,
  type AnswerOf,
  type OperationName,
  type RequestOf,
} from '../../agent-protocol/index.ts';
import { KeyStoreError } from '../../errors.ts';
import { AgentLink, isSameAgent, type AgentWelcome } from './agent-link.ts';

export interface AgentChannelOptions {
  readonly socket: string;
  readonly agentUser?: number | undefined;
  /** How long to try to connect again after a connection has broken. */
  readonly reconnectMs: number;
}

/** The agent that a handle was of has ended, or has forgotten it. */
export const AGENT_CHANGED = Symbol('the agent that a handle was of has ended');

/** One request and who waits for it. */
interface Waiting {
  readonly op: OperationName;
  readonly frame: Uint8Array;
  readonly isSecret: boolean;
  /** Of a request with a handle: the epoch that the handle is of. */
  readonly epoch: number | undefined;
  wasSent: boolean;
  readonly settle: (result: unknown) => void;
  readonly changed: () => void;
  readonly fail: (error: unknown) => void;
}

export interface AgentRequest<Name extends OperationName, Result> {
  readonly op: Name;
  readonly arguments: RequestOf<Name>;
  /** Takes what is wanted of the answer, at once: its byte strings are wiped afterwards. */
  readonly take: (answer: AnswerOf<Name>) => Result;
  readonly epoch?: number;
  /** The request itself is wiped once it is answered. */
  readonly isSecret?: boolean;
}

/** Of operations that change something, those that only make a handle: with an agent that has ended, they ended too. */
const MAKES_HANDLE: ReadonlySet<OperationName> = new Set(['open', 'create', 'import']);
const HELLO_TIMEOUT_MS = 10_000;
const FIRST_DELAY_MS = 20;
const LONGEST_DELAY_MS = 500;

export class AgentChannel {
  readonly #options: AgentChannelOptions;
  readonly #session = new Uint8Array(randomBytes(16));
  readonly #waiting = new Map<number, Waiting>();
  #link: AgentLink | undefined;
  #connecting: Promise<void> | undefined;
  #welcome: AgentWelcome | undefined;
  #lastId = 0;
  /** Counts the runs of agents, and the sessions in them, that handles are of. */
  #epoch = 0;
  #isClosed = false;

  constructor(options: AgentChannelOptions) {
    this.#options = options;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Connects for the first time: what fails is told at once. */
  async connect(): Promise<AgentWelcome> {
    await this.#connect(0);
    return this.#welcome!;
  }

  /**
   * @returns What `take` made of the answer; AGENT_CHANGED where the handle's agent has ended and nothing was done.
   * @throws KeyStoreError what the agent answers; AGENT_UNAVAILABLE, AGENT_OUTCOME_UNKNOWN; HANDLE_INVALID when closed.
   */
  request<Name extends OperationName, Result>(
    request: AgentRequest<Name, Result>,
  ): Promise<Result | typeof AGENT_CHANGED> {
    return new Promise((resolve, fail) => {
      this.requireOpen();
      const { op, take, epoch, isSecret = false } = request;
      if (epoch !== undefined && epoch !== this.#epoch) {
        resolve(AGENT_CHANGED);
        return;
      }
      const id = ++this.#lastId;
      const frame = encodeRequest({
        id,
        op,
        arguments: request.arguments,
        ...(OPERATIONS[op].repeat === 'once' && { settled: this.#oldest(id) }),
      });
      const settle = (result: unknown): void => resolve(take(readResult(op, result)));
      const changed = (): void => resolve(AGENT_CHANGED);
      const waiting = { op, frame, isSecret, epoch, wasSent: false, settle, changed, fail };
      this.#waiting.set(id, waiting);
      if (this.#link) this.#send(this.#link, waiting);
      else void this.#connectAgain();
    });
  }

  /** @throws KeyStoreError HANDLE_INVALID */
  requireOpen(): void {
    if (this.#isClosed) throw new KeyStoreError('HANDLE_INVALID');
  }

  /** Lets the agent close what this client has there. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    if (this.#link) {
      const goodbye = { op: 'goodbye', arguments: {}, take: () => undefined } as const;
      const said = this.request(goodbye).catch(() => undefined);
      const tooLate = new Promise((resolve) => {
        setTimeout(resolve, GOODBYE_MS).unref();
      });
      this.#isClosed = true;
      await Promise.race([said, tooLate]);
    }
    this.#isClosed = true;
    this.#link?.destroy();
    this.#link = undefined;
    this.#failAll(new KeyStoreError('HANDLE_INVALID'));
  }

  /** Ids are ascending, and so is the map. */
  #oldest(id: number): number {
    return this.#waiting.keys().next().value ?? id;
  }

  #send(link: AgentLink, waiting: Waiting): void {
    waiting.wasSent = true;
    link.setWaiting(true);
    link.send(waiting.frame);
  }

  #receive({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#done(id, waiting);
    if (error) waiting.fail(error);
    else
      try {
        waiting.settle(result);
      } catch (problem) {
        waiting.fail(problem);
      }
    if (this.#waiting.size === 0) this.#link?.setWaiting(false);
  }

  #done(id: number, { frame, isSecret }: Waiting): void {
    this.#waiting.delete(id);
    if (isSecret) frame.fill(0);
  }

  /** For requests that wait. */
  async #connectAgain(): Promise<void> {
    if (this.#connecting) return;
    try {
      await this.#connect(this.#options.reconnectMs);
    } catch (error) {
      this.#failAll(error);
    }
  }

  #connect(patienceMs: number): Promise<void> {
    this.#connecting ??= this.#tryToConnect(performance.now() + patienceMs).finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #tryToConnect(until: number): Promise<void> {
    for (let delay = FIRST_DELAY_MS; ; delay = Math.min(2 * delay, LONGEST_DELAY_MS)) {
      try {
        this.#welcomed(await this.#open());
        return;
      } catch (error) {
        const mayPass = KeyStoreError.is(error) && error.code === 'AGENT_UNAVAILABLE';
        if (!mayPass || this.#isClosed || performance.now() + delay > until) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }

  async #open(): Promise<AgentLink> {
    const { socket, agentUser } = this.#options;
    const link = await AgentLink.open({
      socket,
      agentUser,
      session: this.#session,
      timeoutMs: HELLO_TIMEOUT_MS,
      onAnswer: (answer) => this.#receive(answer),
      onEnd: (reason) => {
        if (this.#link === link) this.#lost(reason);
      },
    });
    if (!this.#isClosed && !link.isEnded) return link;
    link.destroy();
    throw new KeyStoreError(this.#isClosed ? 'HANDLE_INVALID' : 'AGENT_UNAVAILABLE');
  }

  #welcomed(link: AgentLink): void {
    const { welcome } = link;
    const isSame = this.#welcome !== undefined && isSameAgent(this.#welcome, welcome);
    const isResumed = isSame && welcome.resumed;
    if (!isResumed) this.#epoch++;
    this.#welcome = welcome;
    this.#link = link;
    for (const [id, waiting] of this.#waiting) this.#sendAgain(id, waiting, isResumed);
    link.setWaiting(this.#waiting.size > 0);
  }

  #sendAgain(id: number, waiting: Waiting, isResumed: boolean): void {
    const { op, wasSent, epoch } = waiting;
    const { repeat } = OPERATIONS[op];
    const canRepeat =
      !wasSent || repeat === 'again' || (repeat === 'once' && (isResumed || MAKES_HANDLE.has(op)));
    if (!canRepeat) {
      this.#done(id, waiting);
      waiting.fail(new KeyStoreError('AGENT_OUTCOME_UNKNOWN'));
    } else if (epoch !== undefined && epoch !== this.#epoch) {
      this.#done(id, waiting);
      waiting.changed();
    } else this.#send(this.#link!, waiting);
  }

  /** The connection broke. What waits is asked for again, unless the agent has refused this client. */
  #lost(reason: KeyStoreError | undefined): void {
    this.#link = undefined;
    if (this.#waiting.size === 0) return;
    if (this.#isClosed) this.#failAll(new KeyStoreError('HANDLE_INVALID'));
    else if (reason && FINAL.has(reason.code)) this.#failAll(reason);
    else void this.#connectAgain();
  }

  #failAll(error: unknown): void {
    for (const [id, waiting] of this.#waiting) {
      this.#done(id, waiting);
      const isUnknown = waiting.wasSent && OPERATIONS[waiting.op].repeat !== 'again';
      const isLost = KeyStoreError.is(error) && error.code === 'AGENT_UNAVAILABLE';
      waiting.fail(
        isUnknown && isLost && !MAKES_HANDLE.has(waiting.op)
          ? new KeyStoreError('AGENT_OUTCOME_UNKNOWN')
          : error,
      );
    }
  }
}

const FINAL: ReadonlySet<string> = new Set(['AGENT_PROTOCOL', 'AGENT_ACCESS_DENIED']);
const GOODBYE_MS = 1000;
