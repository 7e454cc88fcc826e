/** Names of users and their numbers, as the system has them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { KeyStoreError } from '../errors.ts';

/** The largest that is no user: (uid_t) -1. */
const MAX_USER = 0xffff_fffe;

/**
 * The number of a user.
 *
 * @param user - A name, or the number itself: `ann`, `1000`.
 * @throws KeyStoreError PARAMETER_INVALID where the system has no such user: a name that was mistyped must not go unnoticed.
 */
export async function userNumber(user: string): Promise<number> {
  if (/^\d{1,10}$/u.test(user) && Number(user) <= MAX_USER) return Number(user);
  const number = isName(user) ? (await lookUp(user))?.[2] : undefined;
  if (number === undefined)
    throw new KeyStoreError('PARAMETER_INVALID', `there is no user ${JSON.stringify(user)} here`);
  return Number(number);
}

/** The name of a user, or its number where it has none. */
export async function userName(number: number): Promise<string> {
  return (await lookUp(String(number)))?.[0] ?? String(number);
}

/** useradd(8) allows less; what directories allow, getent will tell. No hyphen in front: that would be an option. */
function isName(user: string): boolean {
  return /^[\p{L}\p{N}_.][\p{L}\p{N}_.@\\$-]{0,255}$/u.test(user);
}

/** A line of passwd(5), by getent: users may come from a directory. */
async function lookUp(user: string): Promise<string[] | undefined> {
  try {
    const { stdout } = await run('getent', ['passwd', user], { timeout: 10_000 });
    return stdout.split('\n')[0]!.split(':');
  } catch {
    return undefined;
  }
}

const run = promisify(execFile);
