/** Writes record-*.txt. Usage: `node --import tsx test/vectors/make-records.ts`; a change of any byte is a change of the format. */
import { writeFileSync } from 'node:fs';
import { annotate } from '../support/annotated-der.ts';
import { knownRecords } from './known-records.ts';

for (const { name, comment, bytes, names } of await knownRecords()) {
  const head = `# ${comment}.\n# Made by test/vectors/make-records.ts; ${bytes.length} bytes.\n`;
  writeFileSync(new URL(`record-${name}.txt`, import.meta.url), `${head}${annotate(bytes, names)}\n`);
}
