/** The list of work that one process does alone. */
import { openMemoryWork } from '../../lib/stores/memory-work.ts';
import { testWorkList } from '../support/work-lists.ts';

testWorkList('memory', () => openMemoryWork);
