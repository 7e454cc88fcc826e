/** Audit: which uses of keys and which refusals get a line, and what it says. */
import { toHex } from '../bytes/octets.ts';
import type { OperationName } from '../agent-protocol/index.ts';
import { KeyStoreError } from '../errors.ts';
import type { AuditLog } from './audit-log.ts';
import type { Peer } from './peer.ts';
import { RateLimit } from './rate-limit.ts';

/** Of a key what names it. */
interface NamedKey {
  readonly name: string | null;
  readonly legacyKeySpec: string;
  readonly scope: string;
}

interface AuditedCaller {
  readonly peer: Peer;
}

/** Operations that do not use, change or give out a key: of these, only what the agent itself refused is written down. */
const QUIET: ReadonlySet<string> = new Set<OperationName>([
  'hello',
  'status',
  'list',
  'open',
  'close',
  'goodbye',
  'getProperty',
  'setPending',
]);
const REFUSALS: ReadonlySet<string> = new Set(['AGENT_ACCESS_DENIED', 'AGENT_BUSY']);
/** Lines about refusals, for each user: a stranger must not fill the disk. */
const REFUSALS_PER_SECOND = 10;
const REFUSALS_AT_ONCE = 200;

export class Audit {
  readonly #log: AuditLog | undefined;
  readonly #refusals = new RateLimit(REFUSALS_PER_SECOND, REFUSALS_AT_ONCE);
  /** Refusals without a line since the last one. */
  #unwritten = 0;

  /** @param log - Without it nothing is written down. */
  constructor(log: AuditLog | undefined) {
    this.#log = log;
  }

  /** @throws KeyStoreError where lines cannot be written: then no private key is used. */
  requireWritable(): void {
    this.#log?.requireWritable();
  }

  done(
    op: string,
    { peer }: AuditedCaller,
    key?: NamedKey,
    detail?: Readonly<Record<string, string | Uint8Array>>,
  ): void {
    this.#log?.add({ op, peer, ...named(key), outcome: 'ok', detail: detail && printable(detail) });
  }

  refused(op: string, { peer }: AuditedCaller, error: unknown, key?: NamedKey): void {
    if (!this.#log) return;
    const outcome = KeyStoreError.is(error) ? error.code : 'INTERNAL';
    const isRefusal = REFUSALS.has(outcome);
    if (QUIET.has(op) && !isRefusal) return;
    try {
      this.#refusals.take(peer.uid);
    } catch {
      this.#unwritten++;
      return;
    }
    const detail = this.#unwritten > 0 ? { unwritten: this.#unwritten } : undefined;
    this.#unwritten = 0;
    this.#log.add({ op, peer, ...named(key), outcome, detail });
  }

  async close(): Promise<void> {
    await this.#log?.close();
  }
}

function named(key: NamedKey | undefined) {
  return key && { key: key.name, spec: key.legacyKeySpec, scope: key.scope };
}

function printable(detail: Readonly<Record<string, string | Uint8Array>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(detail).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : toHex(value),
    ]),
  );
}
