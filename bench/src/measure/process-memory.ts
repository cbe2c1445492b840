import { readFileSync, writeFileSync } from 'node:fs';

/** Memory of another process as the kernel counts it, in bytes. */
export interface ProcessMemory {
  readonly resident: number;
  /** The most it ever was, or since `resetPeak`. */
  readonly peak: number;
}

/** Reads a process's memory from `/proc`. */
export function readMemory(pid: number): ProcessMemory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return { resident: kilobytes(status, 'VmRSS') * 1024, peak: kilobytes(status, 'VmHWM') * 1024 };
}

/** Lets the peak start again from what is resident now. */
export function resetPeak(pid: number): void {
  // The kernel's own switch; 5 means "peak resident set size" (proc_pid_clear_refs(5)).
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

function kilobytes(status: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status);
  if (match === null) throw new Error(`/proc names no ${name}; the bench needs Linux.`);
  return Number(match[1]);
}
