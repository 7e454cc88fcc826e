/** Inputs that once broke a decoder, whichever list it is in; and that no list is left out. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DECODERS } from '../../support/decoders/index.ts';
import { outcomeOf, RIGHT } from '../../support/describe-decoders.ts';
import { hostileVectors } from '../../support/hostile-vectors.ts';

describe('inputs that once broke a decoder', () => {
  test.each(hostileVectors())('$decoder: $title', async ({ decoder: name, bytes }) => {
    const decoders = DECODERS.filter((candidate) => candidate.name === name);
    expect(decoders).toHaveLength(1);
    expect(await outcomeOf(decoders[0]!, bytes)).toMatch(RIGHT);
  });
});

test('no two decoders have one name', () => {
  const names = DECODERS.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});

test('each list of decoders has its tests', () => {
  const names = (folder: string) => readdirSync(new URL(folder, import.meta.url));
  const lists = names('../../support/decoders').map((file) => file.replace('.ts', '.test.ts'));
  const files = names('.').concat('decoder.test.ts', 'index.test.ts');
  expect(new Set(files)).toEqual(new Set(lists).add('found.test.ts'));
});
