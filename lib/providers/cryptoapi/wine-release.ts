/**
 * Releasing a context in Wine. There a new key pair is in its context only until the context is released; that writes every pair that
 * the context knows, also one that somebody replaced or deleted since. Windows writes a pair when it is made, and then only.
 */
import type { Handle } from '../../../native-bindings/windows-dll.ts';
import { emptySlot, readSlot, SLOTS, type SlotPlace } from './container-slots.ts';
import type { Csp } from './csp.ts';

/** Releases a context, and has what is in the container now written after it. Under the lock of its name. */
export async function releaseInWine(
  csp: Csp,
  context: Handle,
  { container, scope }: Pick<SlotPlace, 'container' | 'scope'>,
): Promise<void> {
  const options = { scope, silent: true };
  const present = tried(() => csp.open(container, options));
  if (present === undefined) {
    csp.release(context);
    // The release brought it back.
    tried(() => csp.deleteContainer(container, options));
    return;
  }
  try {
    for (const slot of SLOTS)
      if (readSlot(csp.api, context, slot) && !readSlot(csp.api, present, slot))
        await emptySlot(csp.api, present, slot);
  } finally {
    csp.release(context);
    csp.release(present);
  }
}

/** undefined where a container is gone or closed to this account: then it is as it should be. */
function tried<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
