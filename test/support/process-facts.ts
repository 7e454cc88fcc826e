/** What Linux tells of a running process. */
import { readFile, readdir } from 'node:fs/promises';

/** What was seen of a process while it ran. */
export interface ProcessFacts {
  /** The most memory that it ever had in use (VmHWM), in bytes. */
  readonly peakBytes: number;
  /** Did it ever have a process of its own? */
  readonly hadChildren: boolean;
  /** Command line and environment, as every process of the same user can read them. */
  readonly commandLine: string;
  readonly environment: string;
  readonly samples: number;
}

export interface ProcessWatch {
  /** Call when the process has ended. */
  finish(): Promise<ProcessFacts>;
}

const INTERVAL_MS = 20;

/** Looks at a process again and again until it is gone. */
export function watchProcess(pid: number): ProcessWatch {
  const facts = {
    peakBytes: 0,
    hadChildren: false,
    commandLine: '',
    environment: '',
    samples: 0,
  };
  let pending = Promise.resolve();
  const look = async () => {
    const [status, commandLine, environment, children] = await Promise.all([
      readFile(`/proc/${pid}/status`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'latin1'),
      readFile(`/proc/${pid}/environ`, 'latin1'),
      childrenOf(pid),
    ]);
    // Between its end and our learning of it a process is a name without memory.
    const peak = /^VmHWM:\s+(\d+) kB$/mu.exec(status);
    if (!peak) return;
    facts.peakBytes = Math.max(facts.peakBytes, Number(peak[1]) * 1024);
    facts.hadChildren ||= children !== '';
    facts.commandLine += commandLine;
    facts.environment += environment;
    facts.samples++;
  };
  const timer = setInterval(() => {
    pending = pending.then(look).catch(() => undefined);
  }, INTERVAL_MS);
  return {
    finish: async () => {
      clearInterval(timer);
      await pending;
      return facts;
    },
  };
}

async function childrenOf(pid: number): Promise<string> {
  let children = '';
  for (const thread of await readdir(`/proc/${pid}/task`))
    children += await readFile(`/proc/${pid}/task/${thread}/children`, 'latin1').catch(() => '');
  return children;
}
