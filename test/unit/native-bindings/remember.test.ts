/** Loading something once. */
import { expect, test } from 'vitest';
import { remember } from '../../../native-bindings/remember.ts';

test('loads once, for all who ask at the same time too', async () => {
  let loads = 0;
  const load = remember(async () => ({ number: (loads += 1) }));
  const [first, second] = await Promise.all([load(), load()]);
  expect(second).toBe(first);
  expect(await load()).toBe(first);
  expect(loads).toBe(1);
});

test('tries again after a failure', async () => {
  let loads = 0;
  const load = remember(async () => {
    loads += 1;
    if (loads < 3) throw new TypeError(`attempt ${loads}`);
    return loads;
  });
  await expect(load()).rejects.toThrow('attempt 1');
  await expect(load()).rejects.toThrow('attempt 2');
  expect(await load()).toBe(3);
  expect(await load()).toBe(3);
});
