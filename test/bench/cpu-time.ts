// Processor time of processes, from /proc (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html): tells who was busy.

import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100;

/** User and system time of a process so far; 0 where there is no /proc. */
export function cpuSecondsOf(pid: number): number {
  return (statOf(pid)?.ticks ?? 0) / ticksPerSecond;
}

/** The same of a process and all its children, those that ended included: PostgreSQL has one per connection. */
export function cpuSecondsOfTree(pid: number): number {
  let ticks = statOf(pid)?.ticksWithEnded ?? 0;
  for (const name of processes()) {
    const stat = statOf(Number(name));
    if (stat?.parent === pid) ticks += stat.ticks;
  }
  return ticks / ticksPerSecond;
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function statOf(pid: number) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in brackets may hold anything; after it come the state, the parent and the numbers.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
    return { parent: fields[1], ticks: user + system, ticksWithEnded: user + system + endedUser + endedSystem };
  } catch {
    return undefined;
  }
}
