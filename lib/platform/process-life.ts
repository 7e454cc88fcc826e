/** Whether another process of this machine still runs: told from its number and the moment at which it began, since numbers are used again. */
import { readFileSync, readlinkSync } from 'node:fs';
import process from 'node:process';

/** A process, as others can find it. */
export interface ProcessLife {
  /** Where its number means something: this boot of this machine, and there this container. */
  readonly place: string;
  readonly pid: number;
  /** When it began, in ticks since the boot. */
  readonly began: string;
}

/** This process; undefined where the system does not tell (anywhere but on Linux). */
export function thisProcess(): ProcessLife | undefined {
  const place = placeOfProcesses();
  const began = beganAt(process.pid);
  return place === undefined || began === undefined
    ? undefined
    : { place, pid: process.pid, began };
}

/** Has it ended? False also where that cannot be known from here. */
export function hasEnded({ place, pid, began }: ProcessLife): boolean {
  return place === placeOfProcesses() && beganAt(pid) !== began;
}

/** A boot has an id; containers on it have namespaces of process numbers. */
function placeOfProcesses(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

/** proc_pid_stat(5), field 22. Field 2, the name, is in brackets and may hold anything. */
function beganAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie does nothing any more.
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}
