/** The fields of /proc/PID/status. */
import { readFileSync } from 'node:fs';

export function statusOf(pid: number | 'self'): Partial<Record<string, string>> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').trim().split('\n');
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}
