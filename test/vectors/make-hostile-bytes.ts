/**
 * Keeps an input that broke a decoder: `npx tsx test/vectors/make-hostile-bytes.ts DECODER TITLE HEX`.
 *
 * The same inputs give the same zip, whoever packs it and when.
 */
import { unzipSync, zipSync, type Zippable } from 'fflate';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fromHex } from '../../lib/bytes/octets.ts';
import { HOSTILE_VECTORS } from '../support/hostile-vectors.ts';

const [decoder, title, digits] = process.argv.slice(2);
const bytes = digits === undefined ? undefined : fromHex(digits);
if (!decoder || !title || !bytes || /[/\\]/.test(decoder + title))
  throw new TypeError('want DECODER TITLE HEX');
const kept: Zippable = existsSync(HOSTILE_VECTORS) ? unzipSync(readFileSync(HOSTILE_VECTORS)) : {};
kept[`${decoder}/${title}.bin`] = Uint8Array.from(bytes);
const files: Zippable = {};
for (const name of Object.keys(kept).toSorted())
  files[name] = [kept[name] as Uint8Array, { mtime: '1996-08-24T00:00:00', level: 9 }];
writeFileSync(HOSTILE_VECTORS, zipSync(files));
