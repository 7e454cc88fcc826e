/** Agents for tests: in this process, over a software provider in a folder of their own. */
import { readFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  decodeAnswer,
  encodeRequest,
  FrameReader,
  type Answer,
} from '../../lib/agent-protocol/index.ts';
import { AuditLog } from '../../lib/agent/audit-log.ts';
import { startAgent, type Agent, type AgentOptions } from '../../lib/agent/index.ts';
import {
  openIsolatedProvider,
  type IsolatedKey,
  type IsolatedProvider,
} from '../../lib/providers/isolated/index.ts';
import {
  machineSecretProtector,
  openSoftwareProvider,
} from '../../lib/providers/software/index.ts';
import { recordFor, type TestRecord } from '../../lib/testing/provider/test-messages.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface TestAgent extends AsyncDisposable {
  readonly agent: Agent;
  readonly folder: string;
  readonly socket: string;
  /** Another client. Closed with the agent. */
  open(): Promise<IsolatedProvider>;
  /** Lines of the audit log, all that it was given so far. */
  audit(): Promise<Record<string, unknown>[]>;
}

/** How many lines the audit logs of this process were given, by their files. */
const linesGiven = new Map<string, number>();
const openAuditLog = AuditLog.open.bind(AuditLog);
AuditLog.open = async (path, clock) => {
  const log = await openAuditLog(path, clock);
  const add = log.add.bind(log);
  log.add = (event) => {
    linesGiven.set(path, (linesGiven.get(path) ?? 0) + 1);
    add(event);
  };
  return log;
};

/** Starts an agent. It trusts the signer of the conformance suite, which {@link recordFor} signs with. */
export async function startTestAgent(options: Partial<AgentOptions> = {}): Promise<TestAgent> {
  const folder = await temporaryFolder();
  const socket = join(folder.path, 'agent.sock');
  const auditFile = join(folder.path, 'audit.log');
  const agent = await startAgent({
    socket,
    auditFile,
    openProvider: ({ rsaThreads }) =>
      openSoftwareProvider({
        folder: join(folder.path, 'keys'),
        protector: machineSecretProtector({ folder: join(folder.path, 'state') }),
        rsaThreads,
      }),
    trustedSigners: [await suiteSigner()],
    threads: 2,
    ...options,
  });
  const clients: IsolatedProvider[] = [];
  return {
    agent,
    socket,
    folder: folder.path,
    async open() {
      const client = await openIsolatedProvider({ socket });
      clients.push(client);
      return client;
    },
    async audit() {
      for (;;) {
        // They are written in a later turn of the event loop; half a line counts for none.
        const lines = readFileSync(auditFile, 'utf8').split('\n').slice(0, -1);
        if (lines.length >= (linesGiven.get(auditFile) ?? 0))
          return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
        await sleep(5);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.close();
      await agent.close();
      await folder.remove();
    },
  };
}

/** The signer of the conformance suite's records. */
export async function suiteSigner() {
  const { record } = await recordFor(SOME_KEY);
  return record.parts.signer;
}

/** A named key that unwraps, made through a client. */
export async function exchangeKey(
  client: IsolatedProvider,
  name: string | null = 'archive',
  algorithm: 'ECDH_P256' | 'RSA' = 'ECDH_P256',
): Promise<IsolatedKey> {
  const pending = await client.createPersistedKey(algorithm, name, 'AT_KEYEXCHANGE');
  if (algorithm === 'RSA') await pending.setProperty('length', 2048);
  return (await pending.finalize()) as IsolatedKey;
}

export async function signatureKey(
  client: IsolatedProvider,
  name: string | null = 'archive',
): Promise<IsolatedKey> {
  return (await (
    await client.createPersistedKey('ECDSA_P256', name, 'AT_SIGNATURE')
  ).finalize()) as IsolatedKey;
}

/** Does the key open a record for it? */
export async function opens(key: IsolatedKey, test?: TestRecord): Promise<boolean> {
  const { record } = test ?? (await recordFor(key.publicKey));
  using secret = await key.unwrap(record, 0);
  return secret.length === 32;
}

/** A bare connection, for what no client would send. */
export interface RawClient {
  readonly socket: Socket;
  readonly answers: Answer[];
  send(bytes: Uint8Array): void;
  hello(): Promise<Answer>;
  request(...request: Parameters<typeof encodeRequest>): Promise<Answer>;
  /** The next answer. */
  next(): Promise<Answer>;
  /** Resolves when the agent has ended it. */
  readonly ended: Promise<void>;
}

export function rawClient(path: string): RawClient {
  const socket = createConnection({ path });
  const answers: Answer[] = [];
  const waiting: ((answer: Answer) => void)[] = [];
  const reader = new FrameReader(2 << 20, (body) => {
    const answer = decodeAnswer(Uint8Array.from(body));
    answers.push(answer);
    waiting.shift()?.(answer);
  });
  // Others listen to the same pieces, and the reader wipes what it takes.
  socket.on('data', (piece) => reader.push(Uint8Array.from(piece)));
  socket.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    socket.once('close', () => resolve());
  });
  const client: RawClient = {
    socket,
    answers,
    ended,
    send: (bytes) => socket.write(bytes),
    next: () => new Promise((resolve) => waiting.push(resolve)),
    hello: () =>
      client.request({
        id: 0,
        op: 'hello',
        arguments: {
          protocol: 'keycask-agent',
          versions: [1],
          session: new Uint8Array(16).fill(++lastSession),
        },
      }),
    request: (request) => {
      const answer = client.next();
      client.send(encodeRequest(request));
      return answer;
    },
  };
  return client;
}

let lastSession = 0;
/** SPKI of some P-256 key: a record needs a recipient, and here nobody opens it. */
const SOME_KEY = Buffer.from(
  '3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  'hex',
);
