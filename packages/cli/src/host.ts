import { readFileSync } from 'node:fs';
import process from 'node:process';
import { isatty } from 'node:tty';
import type { RunPoint } from '@batchwright/client';
import { harmless } from './answers/terminal-text.ts';

/** What a command may touch of the process it runs in; tests give their own. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Results go to `out`, everything said about them to `err`, so that a pipe gets results only. */
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly outIsTerminal: boolean;
  readonly columns: number;
  /** How large the terminal behind `err` is just now; null when it is none. */
  readonly errSize: () => TerminalSize | null;
  readonly now: () => number;
  readonly readFile: (path: string) => string | null;
  /** What is piped in, piece by piece. It can be read once. */
  readonly stdin: () => AsyncIterable<Uint8Array>;
  /** Calls back on each SIGINT and SIGTERM; returns what stops that. */
  readonly onStopSignal: (heard: () => void) => () => void;
  /** Leaves at once, whatever is still open. */
  readonly exit: (code: number) => void;
  /** Told when a bulk run passes a point at which a crash must lose nothing; the process itself does not ask. */
  readonly reached?: (point: RunPoint) => void;
}

/** In characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** The command did what it was asked to; of a run: every request succeeded. */
export const EXIT_OK = 0;
/** The world, or the state of things, did not allow it; of a run also: some requests did not succeed. */
export const EXIT_FAILED = 1;
/** The command was asked wrongly; nothing was started. */
export const EXIT_MISUSED = 2;
/** A run was left, by a signal or on purpose; the same command goes on with it. */
export const EXIT_INTERRUPTED = 3;
/** What comes next in a run would cost more than it may. */
export const EXIT_OVER_BUDGET = 4;

/** The process itself. */
export function processHost(): Host {
  return {
    env: process.env,
    cwd: process.cwd(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    outIsTerminal: isatty(1),
    columns: process.stdout.columns ?? 80,
    errSize: () => (isatty(2) ? { columns: process.stderr.columns ?? 80, rows: process.stderr.rows ?? 24 } : null),
    now: () => Date.now(),
    readFile: readFileIfThere,
    stdin: () => process.stdin,
    onStopSignal: (heard) => {
      process.on('SIGINT', heard);
      process.on('SIGTERM', heard);
      return () => {
        process.off('SIGINT', heard);
        process.off('SIGTERM', heard);
      };
    },
    exit: (code) => process.exit(code),
  };
}

function readFileIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** One line for people, on standard error. */
export function complain(host: Host, line: string): void {
  // It may quote a server's words or an input's.
  host.err(`batchwright: ${harmless(line)}\n`);
}
