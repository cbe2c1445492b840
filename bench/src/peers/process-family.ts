import { readdirSync, readFileSync } from 'node:fs';

/**
 * What a process and its children use, as the kernel counts it. A database serves each connection by a process of its
 * own; memory that several of them map is counted once.
 */
export class ProcessFamily {
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #peakBytes = 0;
  #cpuSeconds = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.look();
  }

  /** Processor time used so far, in seconds; of a process that has ended, up to the last look at it. */
  get cpuSeconds(): number {
    this.look();
    return this.#cpuSeconds;
  }

  /** The most memory that was seen, in bytes. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  look(): void {
    try {
      const members = [this.#pid, ...childrenOf(this.#pid)];
      this.#peakBytes = Math.max(this.#peakBytes, residentBytes(members.map(statusOf)));
      const ticks = members.reduce((sum, pid) => sum + ticksOf(pid, pid === this.#pid), 0);
      this.#cpuSeconds = Math.max(this.#cpuSeconds, ticks / TICKS_PER_SECOND);
    } catch {
      // One of them ended between being listed and being looked at; the look before stands.
    }
  }
}

const LOOK_MS = 50;
/** USER_HZ, which Linux shows to everybody whatever its own clock. */
const TICKS_PER_SECOND = 100;

function childrenOf(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '))
    .filter((child) => child !== '')
    .map(Number);
}

/** User and system time; of the first of a family also that of children which have ended (proc(5), fields 14 to 17). */
function ticksOf(pid: number, withEnded: boolean): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold anything; the fields after it begin with the third.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const times = fields.slice(11, withEnded ? 15 : 13).map(Number);
  return times.reduce((sum, time) => sum + time, 0);
}

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8');
}

/** What each has for itself, and the largest part of what is shared. */
function residentBytes(statuses: readonly string[]): number {
  const kilobytes = (name: string): number[] =>
    statuses.map((status) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0));
  const own = kilobytes('RssAnon').reduce((sum, each) => sum + each, 0);
  return (own + Math.max(...kilobytes('RssFile')) + Math.max(...kilobytes('RssShmem'))) * 1024;
}
