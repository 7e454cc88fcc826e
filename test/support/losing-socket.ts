/** A proxy in front of an agent's socket that breaks connections, and answers on their way. */
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { openIsolatedProvider, type IsolatedProvider } from '../../lib/providers/isolated/index.ts';

export interface LosingProxy {
  open(): Promise<IsolatedProvider>;
  /** Breaks every connection. */
  breakAll(): void;
  /** The next answer is not passed on: the connection breaks in its place. */
  loseNextAnswer(): void;
  /** Answers that were lost. */
  readonly lost: number;
  close(): Promise<void>;
}

export async function losingProxy(agent: string, folder: string): Promise<LosingProxy> {
  const socket = join(folder, 'proxy.sock');
  const open = new Set<Socket>();
  let isLosing = false;
  let lost = 0;
  const server = createServer((client) => {
    const upstream = createConnection({ path: agent });
    let isGreeted = false;
    for (const end of [client, upstream]) {
      open.add(end);
      end.on('error', () => undefined);
      end.on('close', () => {
        open.delete(end);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (piece) => upstream.write(piece));
    upstream.on('data', (piece) => {
      // Hello is let through: what is lost is an answer to a request.
      if (isLosing && isGreeted) {
        isLosing = false;
        lost++;
        client.destroy();
        return;
      }
      isGreeted = true;
      client.write(piece);
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    open: () => openIsolatedProvider({ socket }),
    breakAll: () => {
      for (const end of open) end.destroy();
    },
    loseNextAnswer: () => {
      isLosing = true;
    },
    get lost() {
      return lost;
    },
    close: () =>
      new Promise((resolve) => {
        for (const end of open) end.destroy();
        server.close(() => resolve());
      }),
  };
}
