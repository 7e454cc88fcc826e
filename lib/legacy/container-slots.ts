/** The two keys of a container that is opened. */
import type { SecretBytes } from '../keys/secret-bytes.ts';

export type SlotName = 'exchange' | 'signature';

/** Open slots. Disposing of them wipes their private keys. */
export interface OpenedSlots<Key> extends Disposable {
  /** AT_KEYEXCHANGE */
  readonly exchange?: Key;
  /** AT_SIGNATURE */
  readonly signature?: Key;
}

/**
 * Opens the slots that there are. Where the second does not open, the first is wiped.
 *
 * @param openSlot - undefined for an empty slot.
 */
export async function openSlots<Key extends { readonly privateKeyBlob: SecretBytes }>(
  openSlot: (slot: SlotName) => Promise<Key | undefined>,
): Promise<OpenedSlots<Key>> {
  const exchange = await openSlot('exchange');
  try {
    const signature = await openSlot('signature');
    return {
      ...(exchange && { exchange }),
      ...(signature && { signature }),
      [Symbol.dispose]: () => {
        exchange?.privateKeyBlob.dispose();
        signature?.privateKeyBlob.dispose();
      },
    };
  } catch (error) {
    exchange?.privateKeyBlob.dispose();
    throw error;
  }
}
