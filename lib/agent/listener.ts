/** Listener: the agent's socket. Lets in whom the kernel names as one of its users, and keeps the number of connections bounded. */
import { createServer, type Server, type Socket } from 'node:net';
import type { Audit } from './audit.ts';
import { Connection, notAllowed, type ConnectionParts } from './connection.ts';
import { encodeFailure } from '../agent-protocol/index.ts';
import { peerOf, type Peer } from './peer.ts';
import { listenOn, prepareSocketPlace } from './socket-place.ts';

export interface ListenerOptions {
  readonly socket: string;
  /** undefined: whoever the pipe's access list lets in (Windows). */
  readonly users: ReadonlySet<number> | undefined;
  readonly maxConnections: number;
  readonly audit: Audit;
}

const SWEEP_MS = 500;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #parts: ConnectionParts;
  readonly #server: Server;
  /** The one that was idle longest is the first. */
  readonly #connections = new Set<Connection>();
  /** Accepted, their peer not asked for yet. */
  readonly #strangers = new Set<Socket>();
  readonly #sweeper: NodeJS.Timeout;

  private constructor(
    options: ListenerOptions,
    parts: Omit<ConnectionParts, 'onActivity'>,
    sweep: () => void,
  ) {
    this.#options = options;
    this.#parts = { ...parts, onActivity: (connection) => this.#moved(connection) };
    this.#server = createServer({ pauseOnConnect: true, noDelay: false }, (socket) => {
      void this.#accept(socket);
    });
    this.#sweeper = setInterval(() => {
      // Timers come first: what arrived while this process had no time is read before anybody is told that it did not come.
      setImmediate(() => {
        const now = performance.now();
        for (const connection of this.#connections) connection.check(now);
        sweep();
      });
    }, SWEEP_MS);
    this.#sweeper.unref();
  }

  /** @param sweep - Called now and then. */
  static async start(
    options: ListenerOptions,
    parts: Omit<ConnectionParts, 'onActivity'>,
    sweep: () => void,
  ): Promise<Listener> {
    const isShared = [...(options.users ?? [])].some((user) => user !== process.geteuid?.());
    await prepareSocketPlace(options.socket, isShared);
    const listener = new Listener(options, parts, sweep);
    try {
      await listenOn(listener.#server, options.socket, isShared);
    } catch (error) {
      clearInterval(listener.#sweeper);
      throw error;
    }
    // A connection that could not be accepted (no descriptors left) ends; the others go on.
    listener.#server.on('error', () => undefined);
    return listener;
  }

  get size(): number {
    return this.#connections.size;
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    const closed = new Promise<void>((resolve) => {
      // Removes the socket's file too.
      this.#server.close(() => resolve());
    });
    for (const socket of this.#strangers) socket.destroy();
    for (const connection of this.#connections) connection.destroy();
    await closed;
  }

  async #accept(socket: Socket): Promise<void> {
    this.#strangers.add(socket);
    socket.on('error', () => undefined);
    let peer: Peer;
    try {
      peer = await peerOf(socket);
    } catch {
      // Gone again.
      socket.destroy();
      return;
    } finally {
      this.#strangers.delete(socket);
    }
    if (!this.#isAllowed(peer)) {
      this.#refuse(socket, peer);
      return;
    }
    this.#makeRoom();
    this.#connections.add(new Connection(socket, peer, this.#parts));
    socket.resume();
  }

  #isAllowed({ uid }: Peer): boolean {
    const { users } = this.#options;
    return users === undefined || (uid !== undefined && users.has(uid));
  }

  #refuse(socket: Socket, peer: Peer): void {
    const error = notAllowed(peer.uid);
    this.#options.audit.refused('connect', { peer }, error);
    socket.end(encodeFailure(0, error));
    setTimeout(() => socket.destroy(), 1000).unref();
  }

  /** Ends the connection that was idle longest, where there are too many. */
  #makeRoom(): void {
    if (this.#connections.size < this.#options.maxConnections) return;
    for (const connection of this.#connections) {
      if (connection.isBusy) continue;
      connection.destroy();
      return;
    }
  }

  #moved(connection: Connection): void {
    this.#connections.delete(connection);
    if (!connection.isEnded) this.#connections.add(connection);
  }
}
