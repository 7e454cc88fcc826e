/** Ports for servers that tests start. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Above those that Linux gives to whoever connects (ip_local_port_range). */
const [LOWEST, HIGHEST] = [61_000, 65_535];

/**
 * The first of so many ports in a row that nobody has.
 *
 * No connection takes one of them between this look and the server's, nor while a server that was killed is away.
 */
export async function freePorts(count = 1): Promise<number> {
  for (;;) {
    const first = randomInt(LOWEST, HIGHEST + 2 - count);
    const ports = Array.from({ length: count }, (_, n) => first + n);
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return first;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
