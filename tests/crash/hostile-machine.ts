import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * A machine whose clock, disk and syncs misbehave as a test says, while the server runs on it: a library preloaded into
 * the process (`hostile-machine.c`), since nothing within Node stands between SQLite and the disk.
 */
export interface HostileMachine {
  /** What a process must be started with to run on it. */
  readonly env: Readonly<Record<string, string>>;
  /** Sets the wall clock so far forward, or back where it is negative. */
  stepClock(byMs: number): void;
  /** What each sync of a file waits first. */
  delaySyncs(ms: number): void;
  /** Every write to the disk fails with this; null lets them succeed again. */
  failWrites(code: 'EROFS' | 'EIO' | 'EDQUOT' | null): void;
  /** How often a sync was asked for so far. */
  readonly syncs: number;
  remove(): void;
}

const SOURCE = fileURLToPath(new URL('hostile-machine.c', import.meta.url));
/** The fields of the control file, in their order there. */
const FIELDS = { clockOffsetMs: 0, syncDelayMs: 8, writeError: 16, syncs: 24 } as const;
const CONTROL_BYTES = 32;

/** Builds the library, or answers null where there is no C compiler. */
export function hostileMachine(): HostileMachine | null {
  const directory = mkdtempSync(join(tmpdir(), 'batchwright-machine-'));
  const [library, control] = [join(directory, 'machine.so'), join(directory, 'control')];
  if (spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, SOURCE, '-ldl']).status !== 0) {
    rmSync(directory, { recursive: true });
    return null;
  }
  return new Machine(directory, library, control);
}

/** Whether this machine can be made a hostile one; tests that need it are left out otherwise. */
export function canMisbehave(): boolean {
  return process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0;
}

class Machine implements HostileMachine {
  readonly env: Readonly<Record<string, string>>;
  readonly #directory: string;
  readonly #control: number;

  constructor(directory: string, library: string, control: string) {
    this.#directory = directory;
    this.#control = openSync(control, 'w+');
    writeSync(this.#control, Buffer.alloc(CONTROL_BYTES), 0, CONTROL_BYTES, 0);
    this.env = { LD_PRELOAD: library, HOSTILE_MACHINE: control };
  }

  stepClock(byMs: number): void {
    this.#put(FIELDS.clockOffsetMs, this.#get(FIELDS.clockOffsetMs) + byMs);
  }

  delaySyncs(ms: number): void {
    this.#put(FIELDS.syncDelayMs, ms);
  }

  failWrites(code: 'EROFS' | 'EIO' | 'EDQUOT' | null): void {
    this.#put(FIELDS.writeError, code === null ? 0 : constants.errno[code]);
  }

  get syncs(): number {
    return this.#get(FIELDS.syncs);
  }

  remove(): void {
    closeSync(this.#control);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #get(at: number): number {
    const bytes = Buffer.alloc(8);
    readSync(this.#control, bytes, 0, bytes.length, at);
    return Number(bytes.readBigInt64LE());
  }

  #put(at: number, value: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(value));
    writeSync(this.#control, bytes, 0, bytes.length, at);
  }
}
