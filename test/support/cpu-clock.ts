/** Time that this process has spent at work: what else the machine does meanwhile does not count. */
import process from 'node:process';

/**
 * Starts a clock.
 *
 * @returns Milliseconds of processor time since then, of all threads of this process together.
 */
export function startCpuClock(): () => number {
  const start = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
}
