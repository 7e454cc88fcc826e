/** listStart agrees with comparing strings. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { listStart } from '../../../lib/stores/list-start.ts';

const hexDigit = fc.constantFrom(...Array.from('0123456789abcdef'));
const hex = (least: number, most: number) =>
  fc.string({ unit: hexDigit, minLength: least, maxLength: most });
const anything = fc.oneof(
  hex(0, 40),
  fc.tuple(hex(0, 31), fc.string({ maxLength: 3 })).map((parts) => parts.join('')),
  fc.string(),
  fc.constantFrom('f'.repeat(32), '0'.repeat(32), `${'f'.repeat(31)}g`, 'g', '/', ':', 'F'),
);

it('begins where a comparison of strings does', () => {
  fc.assert(
    fc.property(anything, hex(32, 32), (after, id) => {
      const start = listStart(after);
      const isListed = start !== undefined && (start.isIncluded ? id >= start.id : id > start.id);
      expect(isListed).toBe(id > after);
    }),
    { numRuns: 2000 },
  );
});

it('is right about ids that begin as the text does', () => {
  fc.assert(
    fc.property(hex(0, 32), fc.string({ maxLength: 2 }), hex(32, 32), (head, tail, rest) => {
      const id = (head + rest).slice(0, 32);
      const start = listStart(head + tail);
      const isListed = start !== undefined && (start.isIncluded ? id >= start.id : id > start.id);
      expect(isListed).toBe(id > head + tail);
    }),
    { numRuns: 2000 },
  );
});
