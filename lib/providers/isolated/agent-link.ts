/** AgentLink: one connection to an agent, from the check of its socket to its end. */
import { createConnection, type Socket } from 'node:net';
import {
  decodeAnswer,
  encodeRequest,
  FrameReader,
  PROTOCOL_LIMITS,
  PROTOCOL_NAME,
  PROTOCOL_VERSIONS,
  protocolError,
  readResult,
  type Answer,
  type AnswerOf,
} from '../../agent-protocol/index.ts';
import { copyBytes, equalBytes } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { requireTrustedSocket } from './trusted-socket.ts';

export interface AgentLinkOptions {
  /** Path of the socket, or of the pipe. */
  readonly socket: string;
  readonly agentUser?: number | undefined;
  /** Names what this client has in the agent. */
  readonly session: Uint8Array;
  /** Time until hello is answered. */
  readonly timeoutMs: number;
  /** Called with each answer but hello's. Its byte strings are wiped when it returns. */
  readonly onAnswer: (answer: Answer) => void;
  /** Called once, after hello: the connection has ended. `reason` is what the agent said of it, where it said something. */
  readonly onEnd: (reason: KeyStoreError | undefined) => void;
}

/** What the agent said of itself. */
export interface AgentWelcome extends Omit<AnswerOf<'hello'>, 'agent'> {
  readonly agent: Uint8Array;
}

/** What one read takes at most; wiped after each. */
const RECEIVE_LENGTH = 1 << 16;

export class AgentLink {
  readonly welcome: AgentWelcome;
  readonly #socket: Socket;

  private constructor(socket: Socket, welcome: AgentWelcome) {
    this.#socket = socket;
    this.welcome = welcome;
  }

  /**
   * Connects and says hello.
   *
   * @throws KeyStoreError AGENT_UNAVAILABLE, AGENT_NOT_TRUSTED, AGENT_ACCESS_DENIED, AGENT_PROTOCOL.
   */
  static async open(options: AgentLinkOptions): Promise<AgentLink> {
    const { path, owner } = await requireTrustedSocket(options.socket, options);
    const link = await greet({ ...options, socket: path });
    const { user } = link.welcome;
    if (owner !== undefined && user !== owner) {
      link.destroy();
      throw new KeyStoreError(
        'AGENT_NOT_TRUSTED',
        `the socket belongs to user ${owner}, and the agent says that it runs as ${user ?? 'nobody'}`,
      );
    }
    return link;
  }

  /** @internal For {@link greet}. */
  static of(socket: Socket, welcome: AgentWelcome): AgentLink {
    return new AgentLink(socket, welcome);
  }

  get isEnded(): boolean {
    return this.#socket.destroyed;
  }

  send(frame: Uint8Array): void {
    this.#socket.write(frame);
  }

  /** Does it keep the process running? While an answer is waited for. */
  setWaiting(isWaiting: boolean): void {
    if (isWaiting) this.#socket.ref();
    else this.#socket.unref();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

function greet(options: AgentLinkOptions): Promise<AgentLink> {
  const { socket: path, session, timeoutMs, onAnswer, onEnd } = options;
  return new Promise((resolve, reject) => {
    let isGreeted = false;
    let reason: KeyStoreError | undefined;
    const fail = (error: KeyStoreError): void => {
      reason ??= error;
      socket.destroy();
    };
    const receive = (body: Uint8Array): void => {
      const answer = decodeAnswer(body);
      if (answer.id === 0 && answer.error) fail(answer.error);
      else if (isGreeted) onAnswer(answer);
      else if (answer.id === 0) {
        isGreeted = true;
        clearTimeout(timer);
        resolve(AgentLink.of(socket, readWelcome(answer.result)));
      } else fail(protocolError('the first answer is that to hello'));
      body.fill(0);
    };
    const reader = new FrameReader(PROTOCOL_LIMITS.body, receive);
    const socket = createConnection({
      path,
      onread: {
        // One piece of memory for all that comes, so that no copy of a secret is left behind in others.
        buffer: new Uint8Array(new ArrayBuffer(RECEIVE_LENGTH)),
        callback: (length, buffer) => {
          const piece = buffer.subarray(0, length);
          try {
            reader.push(piece);
          } catch (error) {
            fail(KeyStoreError.is(error) ? error : new KeyStoreError('INTERNAL'));
          }
          piece.fill(0);
          return true;
        },
      },
    });
    const timer = setTimeout(
      () => fail(new KeyStoreError('AGENT_UNAVAILABLE', `${path}: the agent does not say hello`)),
      timeoutMs,
    );
    socket.once('connect', () => {
      const hello = { protocol: PROTOCOL_NAME, versions: PROTOCOL_VERSIONS, session };
      socket.write(encodeRequest({ id: 0, op: 'hello', arguments: hello }));
    });
    socket.on('error', (error) => {
      reason ??= unavailable(path, error);
    });
    socket.once('close', () => {
      clearTimeout(timer);
      reader.wipe();
      if (isGreeted) onEnd(reason);
      else reject(reason ?? new KeyStoreError('AGENT_UNAVAILABLE', `${path}: nobody answers`));
    });
  });
}

/** Copied: the answer is wiped. */
function readWelcome(result: unknown): AgentWelcome {
  const welcome = readResult('hello', result);
  if (!PROTOCOL_VERSIONS.includes(welcome.version))
    throw protocolError(`the agent answers in version ${welcome.version}`);
  return { ...welcome, agent: copyBytes(welcome.agent) };
}

function unavailable(path: string, error: NodeJS.ErrnoException): KeyStoreError {
  const what = error.code === 'EACCES' ? 'access was refused' : 'nobody answers';
  return new KeyStoreError('AGENT_UNAVAILABLE', `${path}: ${what} (${error.code ?? 'error'})`);
}

/** Is it the same run of the same agent? */
export function isSameAgent(a: AgentWelcome, b: AgentWelcome): boolean {
  return equalBytes(a.agent, b.agent);
}
