/**
 * AuditLog: a line of JSON for each use of a private key and each refusal. No line holds a secret, a record or a message.
 *
 * Lines are appended in the order of what happened, those of one turn of the event loop in one write; the file is fsynced once a second
 * while lines come, and when it is closed. A file that cannot be written stops all uses of private keys until it can.
 */
import { constants, open, type FileHandle } from 'node:fs/promises';
import { KeyStoreError } from '../errors.ts';
import { withFsErrors } from '../platform/fs-error.ts';
import type { Peer } from './peer.ts';

/** One line, without its time. */
export interface AuditEvent {
  /** Operation, or `connect`. */
  readonly op: string;
  readonly peer: Peer;
  /** null of an ephemeral key. */
  readonly key?: string | null;
  readonly spec?: string;
  readonly scope?: string;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  /** More, by name: the id of a record, the kind of a message. */
  readonly detail?: Readonly<Record<string, string | number>> | undefined;
}

const SYNC_EVERY_MS = 1000;
/** Not where a link leads: somebody else's file. Windows has no such flag, and none of these links. */
const APPEND =
  constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0);

export class AuditLog {
  readonly #path: string;
  readonly #clock: () => Date;
  readonly #file: FileHandle;
  #lines = '';
  #writing: Promise<void> | undefined;
  #syncTimer: NodeJS.Timeout | undefined;
  #failure: KeyStoreError | undefined;

  private constructor(path: string, clock: () => Date, file: FileHandle) {
    this.#path = path;
    this.#clock = clock;
    this.#file = file;
  }

  /** @throws KeyStoreError PERMISSION_DENIED, FILE_NOT_FOUND and others of the file system. */
  static async open(path: string, clock: () => Date): Promise<AuditLog> {
    const file = await withFsErrors(path, () => open(path, APPEND, 0o600));
    return new AuditLog(path, clock, file);
  }

  /** @throws KeyStoreError what the file system said, where the last write failed: called before each use of a private key. */
  requireWritable(): void {
    const failure = this.#failure;
    if (!failure) return;
    if (this.#lines === '') this.#sync();
    else this.#flush();
    throw failure;
  }

  add({ op, peer, key, spec, scope, outcome, detail }: AuditEvent): void {
    const { uid, pid } = peer;
    const time = this.#clock().toISOString();
    const line = { time, op, uid, pid, key, spec, scope, outcome, ...detail };
    if (this.#lines === '' && !this.#writing) setImmediate(() => this.#flush());
    this.#lines += `${JSON.stringify(line)}\n`;
  }

  async close(): Promise<void> {
    clearTimeout(this.#syncTimer);
    this.#flush();
    await this.#writing;
    this.#flush();
    await this.#writing;
    await this.#file.sync().catch(() => undefined);
    await this.#file.close();
  }

  #flush(): void {
    if (this.#writing || this.#lines === '') return;
    const lines = this.#lines;
    this.#lines = '';
    this.#writing = this.#write(lines);
  }

  async #write(lines: string): Promise<void> {
    try {
      await withFsErrors(this.#path, () => this.#file.appendFile(lines));
      this.#failure = undefined;
      this.#syncTimer ??= setTimeout(() => this.#sync(), SYNC_EVERY_MS).unref();
    } catch (error) {
      // Kept, and tried again with the next one: a line is late rather than missing. A part of it may stand there already.
      const again = lines.startsWith('\n') ? lines : `\n${lines}`;
      if (again.length + this.#lines.length <= MAX_KEPT) this.#lines = `${again}${this.#lines}`;
      this.#failure = KeyStoreError.is(error) ? error : new KeyStoreError('IO_FAILED');
    } finally {
      this.#writing = undefined;
    }
    if (!this.#failure) this.#flush();
  }

  #sync(): void {
    this.#syncTimer = undefined;
    const settle = (failure?: KeyStoreError) => {
      this.#failure = failure;
      return failure;
    };
    this.#file.sync().then(
      () => settle(),
      () => settle(new KeyStoreError('IO_FAILED', `${this.#path}: could not be made durable`)),
    );
  }
}

/** Characters that wait for a disk that has no space. */
const MAX_KEPT = 1 << 20;
