/**
 * Child: takes part in re-wrapping all records of a home, the work shared through a database. It is killed meanwhile, or ends with the job.
 *
 * Arguments: home, state folder, URL of the database, `begin` or `join`; `archive` where the records are in the database too. It tells `ready`, and what it did at the end.
 */
import process from 'node:process';
import { rewrapEach } from '../../../lib/session-key-store/bulk-rewrap.ts';
import { openHome } from '../../../lib/session-key-store/open-home.ts';
import { postgresWork } from '../../../lib/stores/postgres-work.ts';
import { tell } from './tell.ts';

const [home, stateFolder, url, how, place] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string?,
];
const isArchive = place === 'archive';
const opened = await openHome({ home, stateFolder, ...(isArchive && { storeUrl: url }) });
tell('ready');
// A home on an archive has its work where its records are.
const working = isArchive ? opened : Object.assign(opened, { openWork: postgresWork({ url }) });
const summary = await rewrapEach(working, { isJoining: how === 'join' });
tell(summary);
await opened.close();
