/**
 * Child: takes part in re-wrapping all records of a home, the work shared through a database. It is killed meanwhile, or ends with the job.
 *
 * Arguments: home, state folder, URL of the database, `begin` or `join`. It tells `ready`, and what it did at the end.
 */
import process from 'node:process';
import { rewrapEach } from '../../../lib/session-key-store/bulk-rewrap.ts';
import { openHome } from '../../../lib/session-key-store/open-home.ts';
import { postgresWork } from '../../../lib/stores/postgres-work.ts';
import { tell } from './tell.ts';

const [home, stateFolder, url, how] = process.argv.slice(2) as [string, string, string, string];
const opened = await openHome({ home, stateFolder });
const openWork = postgresWork({ url });
tell('ready');
const summary = await rewrapEach(Object.assign(opened, { openWork }), {
  isJoining: how === 'join',
});
tell(summary);
await opened.close();
