/** Connection: one client's end of the socket. Frames in, hello first, requests worked on side by side, answers out. */
import type { Socket } from 'node:net';
import {
  decodeRequest,
  encodeAnswer,
  encodeFailure,
  FrameReader,
  OPERATIONS,
  PROTOCOL_LIMITS,
  PROTOCOL_NAME,
  PROTOCOL_VERSIONS,
  protocolError,
  type AnswerOf,
  type AnyRequest,
  type RequestOf,
} from '../agent-protocol/index.ts';
import { KeyStoreError } from '../errors.ts';
import type { Operations, Outcome } from './operations.ts';
import type { Peer } from './peer.ts';
import type { KeptAnswer, Session, Sessions } from './sessions.ts';

/** What connections share. */
export interface ConnectionParts {
  readonly operations: Operations;
  readonly sessions: Sessions;
  /** What hello answers beside the session. @throws KeyStoreError AGENT_LOCKED never: a locked agent still says who it is. */
  readonly welcome: (peer: Peer) => Pick<AnswerOf<'hello'>, 'user' | 'provider' | 'capabilities'>;
  readonly frameTimeoutMs: number;
  readonly inFlight: number;
  /** The connection had work, or has ended. */
  readonly onActivity: (connection: Connection) => void;
  readonly onRequest: () => void;
}

/** An answer that its client does not read: it may not fill the agent's memory. */
const MAX_UNSENT = 4 << 20;

export class Connection {
  readonly #socket: Socket;
  readonly #peer: Peer;
  readonly #parts: ConnectionParts;
  readonly #reader: FrameReader;
  #session: Session | undefined;
  #inFlight = 0;
  #isEnded = false;
  /** When hello, or the rest of a frame, has to be here; undefined while nothing is owed. */
  #due: number | undefined;
  #isCorked = false;

  constructor(socket: Socket, peer: Peer, parts: ConnectionParts) {
    this.#socket = socket;
    this.#peer = peer;
    this.#parts = parts;
    this.#reader = new FrameReader(PROTOCOL_LIMITS.helloBody, (body) => this.#receive(body));
    this.#due = performance.now() + parts.frameTimeoutMs;
    socket.on('data', (piece) => this.#read(piece));
    socket.on('error', () => this.#leave());
    socket.on('close', () => this.#leave());
  }

  get isBusy(): boolean {
    return this.#inFlight > 0;
  }

  /** Ends it where the client owes something for too long. */
  check(now: number): void {
    if (this.#due === undefined || now < this.#due || this.#socket.isPaused()) return;
    const what = this.#session ? 'the rest of a frame' : 'hello';
    this.end(protocolError(`${what} did not come within ${this.#parts.frameTimeoutMs} ms`));
  }

  /** Tells why, and ends it. Its session waits for the client to come back. */
  end(reason?: unknown): void {
    if (this.#isEnded) return;
    if (reason !== undefined) this.#send(encodeFailure(0, reason));
    this.#leave();
    this.#socket.end();
    // A client that does not close its half keeps nothing open.
    setTimeout(() => this.#socket.destroy(), 1000).unref();
  }

  /** Ends it at once. */
  destroy(): void {
    this.#leave();
    this.#socket.destroy();
  }

  #read(piece: Uint8Array): void {
    if (this.#isEnded) return;
    try {
      this.#reader.push(piece);
    } catch (error) {
      this.end(error);
      return;
    }
    if (!this.#session) return;
    // Counted from the frame's beginning: another byte now and then gains no time.
    if (!this.#reader.isHalf) this.#due = undefined;
    else this.#due ??= performance.now() + this.#parts.frameTimeoutMs;
    this.#parts.onActivity(this);
  }

  #receive(body: Uint8Array): void {
    if (this.#isEnded) return;
    this.#due = undefined;
    const request = decodeRequest(body);
    this.#parts.onRequest();
    if (request.op === 'hello') {
      this.#greet(request.id, request.arguments);
      return;
    }
    const session = this.#session;
    if (!session) throw protocolError('the first request is hello');
    if (request.id === 0) throw protocolError('request 0 is hello');
    session.settle(request.settled);
    this.#inFlight++;
    if (this.#inFlight >= this.#parts.inFlight) this.#socket.pause();
    void this.#work(request, session);
  }

  #greet(id: number, { protocol, versions, session: name }: RequestOf<'hello'>): void {
    if (this.#session || id !== 0) throw protocolError('hello is the first request, and only that');
    const version = PROTOCOL_VERSIONS.findLast((known) => versions.includes(known));
    if (protocol !== PROTOCOL_NAME || version === undefined)
      throw protocolError(`this agent speaks ${PROTOCOL_NAME} ${PROTOCOL_VERSIONS.join(', ')}`);
    const { sessions, welcome } = this.#parts;
    const { session, resumed } = sessions.enter(name, this.#peer.uid);
    // Taken over first: a connection that still has its session leaves it, to be swept.
    const before = session.connection;
    session.connection = this;
    before?.destroy();
    this.#session = session;
    this.#reader.setLimit(PROTOCOL_LIMITS.body);
    const { agent } = sessions;
    this.#send(encodeAnswer<'hello'>(0, { version, agent, resumed, ...welcome(this.#peer) }));
  }

  async #work(request: AnyRequest, session: Session): Promise<void> {
    const { id } = request;
    try {
      const outcome = await this.#outcomeOf(request, session);
      try {
        if (!this.#isEnded) this.#send(encodeAnswer(id, outcome.result), outcome.secret);
      } finally {
        outcome.secret?.dispose();
      }
    } catch (error) {
      if (!this.#isEnded) this.#send(encodeFailure(id, error));
    }
    this.#inFlight--;
    if (this.#isEnded) return;
    if (request.op === 'goodbye') {
      this.#isEnded = true;
      await this.#parts.sessions.end(session);
      this.#parts.onActivity(this);
      this.#socket.end();
      return;
    }
    if (this.#inFlight === this.#parts.inFlight - 1) this.#goOn();
    this.#parts.onActivity(this);
  }

  /** A request that changes something is done once: when it comes again, its first answer is given. */
  async #outcomeOf(request: AnyRequest, session: Session): Promise<Outcome> {
    const perform = () => this.#parts.operations.perform(request, { session, peer: this.#peer });
    if (OPERATIONS[request.op].repeat !== 'once') return perform();
    let answer: KeptAnswer | undefined = session.answers.get(request.id);
    // Whoever brings a key in again has its bytes wiped again.
    if (answer && request.op === 'import') request.arguments.privateKey.fill(0);
    if (!answer) {
      session.requireRoomForAnswer();
      answer = perform().then(
        ({ result }) => ({ result }),
        (error: unknown) => ({ error }),
      );
      session.keep(request.id, answer);
    }
    const kept = await answer;
    if ('error' in kept) throw kept.error;
    return { result: kept.result };
  }

  /** Reads again, after it had enough to work on. The client owes nothing for that time. */
  #goOn(): void {
    if (this.#due !== undefined) this.#due = performance.now() + this.#parts.frameTimeoutMs;
    this.#socket.resume();
  }

  /** @param secret - Was it one? Then the frame is wiped when it is sent. */
  #send(frame: Uint8Array, secret?: unknown): void {
    const socket = this.#socket;
    if (!this.#isCorked) {
      // Answers of one turn go in one write.
      this.#isCorked = true;
      socket.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        socket.uncork();
      });
    }
    if (secret === undefined) socket.write(frame);
    else socket.write(frame, () => frame.fill(0));
    if (socket.writableLength > MAX_UNSENT) this.destroy();
  }

  #leave(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#due = undefined;
    this.#reader.wipe();
    const session = this.#session;
    if (session?.connection === this) {
      session.connection = undefined;
      this.#parts.sessions.leave(session);
    }
    this.#parts.onActivity(this);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }
}

/** Said to a client that is not let in. */
export function notAllowed(user: number | undefined): KeyStoreError {
  return new KeyStoreError(
    'AGENT_ACCESS_DENIED',
    `user ${user ?? 'unknown'} is not one of the users of this agent`,
  );
}
