/** A PKCS #11 module that says of itself what cannot be: a clear error, and no reading behind what was given to it. */
import { describe, expect, it } from 'vitest';
import { layoutOf, writeUlong } from '../../../native-bindings/pkcs11-layout.ts';
import { declareObjects } from '../../../native-bindings/pkcs11-objects.ts';
import { codeOfAsync } from '../../support/errors.ts';

const layout = layoutOf('linux');

/** A module that answers every C_FindObjects with that count. */
function finding(count: number) {
  return declareObjects({
    layout,
    addressOf: () => 0n,
    call: (name, ...args) => {
      if (name === 'C_FindObjects') writeUlong(layout, args[3] as Uint8Array, 0, count);
      return Promise.resolve();
    },
    callSync: () => undefined,
    takeTurns: () => undefined,
  });
}

describe('a module that finds', () => {
  it.each([65, 2 ** 40, 64])('%d objects each time is refused', async (count) => {
    expect(await codeOfAsync(finding(count).findObjects(1n, []))).toBe('PROVIDER_UNAVAILABLE');
  });
});
