/** Child: holds a mutex until it is told to go, then releases it or dies with it. Arguments: its name, and `releases` or `dies`. */
import process from 'node:process';
import { loadKernel32 } from '../../../native-bindings/kernel32.ts';
import { done, started } from '../../support/fork.ts';

const [name, how] = process.argv.slice(2) as [string, 'releases' | 'dies'];
const kernel32 = await loadKernel32();
const mutex = kernel32.createMutex(name);
if (kernel32.waitForMutex(mutex, 0) !== 'acquired') throw new TypeError('somebody else holds it');
await started();
if (how === 'releases') {
  kernel32.releaseMutex(mutex);
  kernel32.closeHandle(mutex);
}
done('gone');
