/** What every work list asks of its arguments. */
import type { WorkRequest } from '../contracts/work-list.ts';
import { KeyStoreError } from '../errors.ts';
import { checkId } from './stored-bytes.ts';

const MAX_AIM_BYTES = 256;
const MAX_CLAIM = 1024;

/** @throws KeyStoreError PARAMETER_INVALID */
export function checkRequest({ storeId, aim }: WorkRequest): void {
  checkId(storeId);
  if (Buffer.byteLength(aim) > MAX_AIM_BYTES || aim.includes('\0'))
    throw new KeyStoreError('PARAMETER_INVALID', `an aim has at most ${MAX_AIM_BYTES} bytes`);
}

/** @throws KeyStoreError PARAMETER_INVALID */
export function checkClaim(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_CLAIM)
    throw new KeyStoreError('PARAMETER_INVALID', `a claim is of 1 to ${MAX_CLAIM} items`);
}
