/** TokenLock: one at a time for one name, among the callers of this process and among the processes of this user. */
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadKernel32 } from '../../../native-bindings/kernel32.ts';
import { loadPosixLock } from '../../../native-bindings/posix-lock.ts';
import { encodeUtf8, toHex } from '../../bytes/octets.ts';
import { KeyStoreError } from '../../errors.ts';
import { withFsErrors } from '../../platform/fs-error.ts';
import { makeFolder } from '../../platform/make-folder.ts';
import { withNameLock } from '../windows/name-lock.ts';

export class TokenLock {
  readonly #folder: string;
  readonly #token: string;

  /**
   * @param folder - Where lock files lie. They stay there, empty.
   * @param token - What tells it from others: its label and serial number.
   */
  constructor(folder: string, token: string) {
    this.#folder = folder;
    this.#token = token;
  }

  /**
   * Runs `work` while nobody else makes, changes or deletes a key of that name. A process that dies sets the name free.
   *
   * @throws KeyStoreError STORE_CONFLICT where another process holds the name for a minute; what `work` throws.
   */
  hold<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    // Some names share a file, so that there are few.
    const [bucket] = createHash('sha256').update(encodeUtf8(name)).digest();
    return this.#hold(name, this.#path(String(bucket! % FILES)), work);
  }

  /**
   * Runs a login while no other process of this user logs in. Where lock files cannot be written it runs all the same. It may run while a
   * name is held: it has a file of its own.
   */
  async holdLogin<Result>(work: () => Promise<Result>): Promise<Result> {
    let isRunning = false;
    try {
      return await this.#hold(LOGIN, this.#path('login'), () => {
        isRunning = true;
        return work();
      });
    } catch (error) {
      if (isRunning || !KeyStoreError.is(error)) throw error;
      return work();
    }
  }

  async #hold<Result>(name: string, path: string, work: () => Promise<Result>): Promise<Result> {
    if (process.platform === 'win32') {
      const locked = { scope: 'user', name: `${this.#token}\0${name}` } as const;
      return withNameLock(await loadKernel32(), 'pkcs11', locked, work);
    }
    const before = QUEUES.get(path);
    const turn = (async () => {
      await before?.catch(() => undefined);
      const file = await this.#acquire(path);
      try {
        return await work();
      } finally {
        await file.close();
      }
    })();
    QUEUES.set(path, turn);
    try {
      return await turn;
    } finally {
      if (QUEUES.get(path) === turn) QUEUES.delete(path);
    }
  }

  async #acquire(path: string): Promise<FileHandle> {
    const { tryLock } = await loadPosixLock();
    return withFsErrors(path, async () => {
      await makeFolder(this.#folder, 0o700);
      const file = await open(path, 'a', 0o600);
      const giveUp = performance.now() + GIVE_UP_AFTER_MS;
      for (let pause = 1; !tryLock(file.fd); pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
        if (performance.now() > giveUp) {
          await file.close();
          throw new KeyStoreError('STORE_CONFLICT', 'another process holds this key container');
        }
        await sleep(pause);
      }
      return file;
    });
  }

  #path(part: string): string {
    const token = createHash('sha256').update(encodeUtf8(this.#token)).digest();
    return join(this.#folder, `pkcs11-${toHex(token.subarray(0, 8))}-${part}.lock`);
  }
}

/** No key can have that name. */
const LOGIN = '\0login';
const QUEUES = new Map<string, Promise<unknown>>();
const FILES = 16;
const GIVE_UP_AFTER_MS = 60_000;
const LONGEST_PAUSE_MS = 50;
