/** A proxy before a PostgreSQL server that loses what it is told to lose: a statement before it arrives, or the answer to one that was done. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What becomes of the next statement whose text matches. */
interface Loss {
  readonly statement: RegExp;
  readonly what: 'request' | 'answer';
  /** Done after the loss is certain and before the caller can notice it. */
  readonly meanwhile: () => Promise<void>;
}

export class LosingProxy {
  readonly port: number;
  readonly #listener: Server;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #loss: Loss | undefined;
  #isAway = false;
  #lost = 0;

  private constructor(listener: Server, target: number) {
    this.#listener = listener;
    this.#target = target;
    this.port = (listener.address() as AddressInfo).port;
    listener.on('connection', (client: Socket) => this.#serve(client));
  }

  static async start(target: number): Promise<LosingProxy> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new LosingProxy(listener, target);
  }

  /** How many were lost. */
  get lost(): number {
    return this.#lost;
  }

  /** A proxy that loses something; each statement is lost once. */
  lose(
    what: Loss['what'],
    statement: RegExp,
    meanwhile: () => Promise<void> = async () => undefined,
  ): void {
    this.#loss = { what, statement, meanwhile };
  }

  /** From now on nobody answers. */
  goAway(): void {
    this.#isAway = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.goAway();
    this.#listener.close();
    await once(this.#listener, 'close');
  }

  #serve(client: Socket): void {
    if (this.#isAway) {
      client.destroy();
      return;
    }
    const server = connect(this.#target, '127.0.0.1');
    let losing: Loss | undefined;
    const cut = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    client.on('data', (data) => {
      if (this.#loss?.statement.test(data.toString('latin1'))) {
        losing = this.#loss;
        this.#loss = undefined;
        this.#lost++;
        if (losing.what === 'request') {
          void losing.meanwhile().finally(cut);
          return;
        }
      }
      server.write(data);
    });
    server.on('data', (data) => {
      if (!losing) client.write(data);
      // Ready for the next: the transaction is over.
      else if (data.includes(READY)) void losing.meanwhile().finally(cut);
    });
  }
}

/** ReadyForQuery, idle: 'Z', a length of five, 'I'. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
