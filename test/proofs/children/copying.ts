/**
 * Child: copies one archive into another, and is killed meanwhile.
 *
 * Arguments: where both are (JSON). It tells 'ready', then each step, then what copyStore answered.
 */
import process from 'node:process';
import { copyStore } from '../../../lib/stores/copy-store.ts';
import { openArchiveAt, type StorePlace } from '../../support/open-store.ts';
import { tell } from './tell.ts';

const [from, to] = process.argv.slice(2).map((place) => JSON.parse(place) as StorePlace);
await using source = await openArchiveAt(from!);
await using target = await openArchiveAt(to!);
tell('ready');
tell(await copyStore(source, target, { onProgress: ({ done }) => tell(done) }));
