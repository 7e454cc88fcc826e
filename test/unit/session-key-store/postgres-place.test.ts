/** Where a home on PostgreSQL looks for its database, told by a double of a server that lets nobody in. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SessionKeyStore } from '../../../lib/session-key-store.ts';
import { temporaryFolder, type TemporaryFolder } from '../../support/temporary-folder.ts';

let folder: TemporaryFolder;
let server: Server;
let port: number;
beforeEach(async () => {
  folder = await temporaryFolder();
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(REFUSAL));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  port = (server.address() as { readonly port: number }).port;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.close();
  await folder.remove();
});

it('names the variables where no URL says where the database is', async () => {
  vi.stubEnv('PGHOST', '127.0.0.1');
  vi.stubEnv('PGPORT', String(port));
  vi.stubEnv('PGUSER', 'ann');
  vi.stubEnv('PGSSLMODE', 'disable');
  await expect(create({})).rejects.toMatchObject({
    code: 'STORE_ACCESS_DENIED',
    hint: expect.stringContaining('KEYCASK_STORE_URL') as string,
  });
});

it('does not where one does, and is run again at once', async () => {
  const url = `postgres://ann@127.0.0.1:${port}/keys?sslmode=disable`;
  for (let run = 0; run < 2; run++)
    await expect(create({ url })).rejects.toMatchObject({
      code: 'STORE_ACCESS_DENIED',
      hint: expect.not.stringContaining('KEYCASK_STORE_URL') as string,
    });
});

function create(place: { readonly url?: string }): Promise<SessionKeyStore> {
  return SessionKeyStore.create({
    home: join(folder.path, 'home'),
    stateFolder: folder.path,
    store: { kind: 'postgres', ...place },
  });
}

/** ErrorResponse of PostgreSQL's protocol: type, length, fields that end with a zero byte each, and a zero byte. */
const FIELDS = Buffer.from('SFATAL\0C28P01\0Mpassword authentication failed\0\0');
const REFUSAL = Buffer.concat([Buffer.from('E'), lengthOf(FIELDS), FIELDS]);

function lengthOf(fields: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(fields.length + length.length);
  return length;
}
