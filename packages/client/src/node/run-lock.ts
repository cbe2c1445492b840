/**
 * One process per run. The lock is a directory with the holder's name in it, made beside and renamed into place: a rename
 * onto a directory that is not empty fails everywhere, so that of two starters one wins, and a lock always says whose it is.
 *
 *     lock/holder.json                 the holder
 *     lock-<holder>/holder.json        who may take the lock of that holder, which died, away
 *
 * A lock outlives its process when that is killed. Then whoever comes takes it over; the right to do so is a lock as well,
 * named after the dead holder, since two who both saw it dead must not remove each other's new one. Whether a process lives
 * is asked of the system by its id, and its starting time tells it from another that was given the id later.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { RunInUseError } from '../store/run-store.ts';
import { errorCode } from './error-code.ts';
import { isAlive } from './living-process.ts';

/** The right to a directory, until it is released or the process ends. */
export interface RunLock {
  release(): Promise<void>;
}

interface Holder {
  readonly id: string;
  readonly pid: number;
  readonly host: string;
  /** When the process started, RFC 3339, for people. */
  readonly since: string;
  /** The same as the system counts it, from a boot that has a name; null where it cannot be learnt. */
  readonly birth: string | null;
}

/** Takes a directory, or throws `RunInUseError`. */
export async function lockRun(directory: string): Promise<RunLock> {
  const own = await thisProcess();
  await take(join(directory, 'lock'), directory, own);
  let isReleased = false;
  return {
    async release() {
      if (isReleased) return;
      isReleased = true;
      await remove(join(directory, 'lock'), own.id);
    },
  };
}

async function take(path: string, directory: string, own: Holder): Promise<void> {
  for (;;) {
    if (await place(path, own)) return;
    const holder = await readHolder(path);
    if (holder === 'gone') continue;
    if (holder === 'unreadable' || (await isHeld(holder))) throw inUse(directory, path, holder);
    await removeDead(path, directory, holder, own);
  }
}

/** Whether the lock is ours now. */
async function place(path: string, own: Holder): Promise<boolean> {
  const made = `${path}-new-${randomUUID()}`;
  await mkdir(made, { mode: 0o700 });
  await writeFile(join(made, 'holder.json'), `${JSON.stringify(own)}\n`, { mode: 0o600, flush: true });
  try {
    await rename(made, path);
    return true;
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    const code = errorCode(error);
    if (TAKEN_CODES.has(code) || (process.platform === 'win32' && code === 'EPERM')) return false;
    throw error;
  }
}

/** How systems say that a directory cannot be renamed onto one that has something in it; Windows has another way. */
const TAKEN_CODES: ReadonlySet<unknown> = new Set(['ENOTEMPTY', 'EEXIST']);

/** Only who holds the right to a dead holder's lock removes it, and only while it is still that one's. */
async function removeDead(path: string, directory: string, dead: Holder, own: Holder): Promise<void> {
  const right = `${path}-${dead.id}`;
  await take(right, directory, own);
  const holder = await readHolder(path);
  if (typeof holder === 'object' && holder.id === dead.id) await remove(path, dead.id);
  await remove(right, own.id);
}

/** Out of the way at once, since a lock that is emptied piece by piece would say for a moment that it is nobody's. */
async function remove(path: string, id: string): Promise<void> {
  const away = `${path}-old-${id}`;
  await rename(path, away);
  await rm(away, { recursive: true, force: true });
}

async function readHolder(path: string): Promise<Holder | 'gone' | 'unreadable'> {
  try {
    const holder = JSON.parse(await readFile(join(path, 'holder.json'), 'utf8')) as Partial<Holder> | null;
    const isWhole = typeof holder?.id === 'string' && /^[\w-]+$/.test(holder.id) && Number.isInteger(holder.pid);
    return isWhole ? (holder as Holder) : 'unreadable';
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 'gone';
    if (error instanceof SyntaxError) return 'unreadable';
    throw error;
  }
}

async function isHeld({ pid, host, birth }: Holder): Promise<boolean> {
  // Nobody can tell from here whether a process of another machine lives.
  if (host !== hostname()) return true;
  if (!isAlive(pid)) return false;
  const born = await birthOf(pid);
  return birth === null || born === null || birth === born;
}

async function thisProcess(): Promise<Holder> {
  return {
    id: randomUUID(),
    pid: process.pid,
    host: hostname(),
    since: new Date(Date.now() - process.uptime() * 1000).toISOString(),
    birth: await birthOf(process.pid),
  };
}

/** The boot and the ticks since then at which a process began, which no two processes share; null where nobody tells. */
async function birthOf(pid: number): Promise<string | null> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name, which may have spaces and brackets in it; the time is the 22nd.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return ticks === undefined ? null : `${boot.trim()} ${ticks}`;
  } catch {
    // Only Linux has these files; elsewhere the id has to do.
    return null;
  }
}

function inUse(directory: string, path: string, holder: Holder | 'unreadable'): RunInUseError {
  if (holder === 'unreadable') {
    return new RunInUseError(`${path} does not say who has the run; if no process has, remove it`, 0);
  }
  const isHere = holder.host === hostname();
  const remedy = isHere
    ? 'wait until it is done, or stop it'
    : `wait until it is done, or remove ${path} if that process is gone`;
  const where = isHere ? '' : ` on ${holder.host}`;
  return new RunInUseError(
    `the run in ${directory} is in use by process ${holder.pid}${where}, running since ${holder.since}; ${remedy}`,
    holder.pid,
  );
}
