/** Listings of keys, a page at a time: no answer is longer than a frame. */
import {
  PROTOCOL_LIMITS,
  toWireError,
  type AnswerOf,
  type RequestOf,
} from '../agent-protocol/index.ts';
import type { PersistedKeyInfo, Provider } from '../contracts/provider.ts';
import { KeyStoreError } from '../errors.ts';
import type { Session } from './sessions.ts';

/** Listings of one session that were not read to their end. */
const MAX_LISTINGS = 4;

/**
 * @param mayList - By name.
 * @throws KeyStoreError HANDLE_INVALID for a listing that was not begun, or that too many others were begun after.
 */
// oxlint-disable-next-line max-params -- who asks for what, of whom, and what of it he may see
export async function listKeys(
  { scope, listing, page = 0 }: RequestOf<'list'>,
  session: Session,
  provider: Provider,
  mayList: (name: string) => boolean,
): Promise<AnswerOf<'list'>> {
  if (listing !== undefined) return pageOf(session, listing, page);
  const keys: PersistedKeyInfo[] = [];
  let unreadable: unknown;
  try {
    for await (const info of provider.listKeys(scope ? { scope } : {}))
      if (mayList(info.name)) keys.push(info);
  } catch (error) {
    if (!KeyStoreError.is(error)) throw error;
    // The others were listed before it is told.
    unreadable = error;
  }
  const number = (session.lastListing += 1);
  session.listings.set(number, { keys, unreadable });
  if (session.listings.size > MAX_LISTINGS)
    session.listings.delete(session.listings.keys().next().value!);
  const first = pageOf(session, number, 0);
  if (first.more === undefined) session.listings.delete(number);
  return first;
}

/** Pages stay until other listings were begun: an answer that was lost can be asked for again. */
function pageOf(session: Session, listing: number, page: number): AnswerOf<'list'> {
  const whole = session.listings.get(listing);
  if (!whole) throw new KeyStoreError('HANDLE_INVALID', 'this listing has ended');
  const { keysInPage } = PROTOCOL_LIMITS;
  const keys = whole.keys.slice(page * keysInPage, (page + 1) * keysInPage).map(listedKey);
  if (whole.keys.length > (page + 1) * keysInPage) return { keys, more: listing };
  const { unreadable } = whole;
  return { keys, ...(unreadable !== undefined && { unreadable: toWireError(unreadable) }) };
}

function listedKey(info: PersistedKeyInfo): AnswerOf<'list'>['keys'][number] {
  const { name, algorithm, legacyKeySpec: spec, scope, publicKey } = info;
  return { name, algorithm, spec, scope, publicKey };
}
