import { fork, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Commands, CommonCommands, Reply } from './commands.ts';

/** The bench's own programs, by file name in this folder. */
export type Program =
  | 'server'
  | 'uploader'
  | 'naive-receiver'
  | 'upstream'
  | 'socket-client'
  | 'sdk-client'
  | 'pipe-server'
  | 'downloader'
  | 'prefix-grouping';

/** What a program is started with besides its options. */
export interface StartTerms {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What any other program is started with. */
export interface SpawnTerms {
  readonly env?: Readonly<Record<string, string>>;
  /** Whose process it is, where it is not the bench's own. */
  readonly uid?: number;
}

const COMMAND_LIMIT_MS = 120_000;
/** How long a process may take to close what it holds before it is ended. */
const LEAVE_LIMIT_MS = 5000;

/**
 * The processes a figure starts, and the promise that none outlives it: each is ended by the handle it was started
 * with, never by name.
 */
export class BenchProcesses {
  readonly #profileDirectory: string | null;
  readonly #running = new Set<ChildProcess>();

  /** With a directory, every server writes a CPU profile there when it leaves. */
  constructor(profileDirectory: string | null = null) {
    this.#profileDirectory = profileDirectory;
  }

  /** Starts one of the bench's programs. Flags are Node's own; variables come on top of the bench's. */
  start<Own extends Commands>(
    program: Program,
    options: object,
    { flags = [], env = {} }: StartTerms = {},
  ): BenchProcess<Own> {
    const file = fileURLToPath(new URL(`${program}.js`, import.meta.url));
    const child = fork(file, [JSON.stringify(options)], {
      env: { ...process.env, ...env },
      execArgv: [...flags, ...(program === 'server' ? this.#profileFlags() : [])],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    return new BenchProcess<Own>(program, this.#keep(child));
  }

  /**
   * Starts any other program; its output is the caller's to read. Its environment is bare: what a machine sets for Node
   * (`NODE_EXTRA_CA_CERTS` alone costs every start 45 ms) would pass for the program's own start-up, or hide it.
   */
  spawn(command: string, args: readonly string[], { env = {}, uid }: SpawnTerms = {}): ChildProcess {
    const child = spawn(command, args, {
      env: { PATH: process.env['PATH'], ...env },
      ...(uid === undefined ? {} : { uid }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return this.#keep(child);
  }

  /** Tells everything to leave, ends what has not left in five seconds, and resolves when all are gone. */
  async endAll(): Promise<void> {
    await Promise.all([...this.#running].map(letLeave));
  }

  #keep<Child extends ChildProcess>(child: Child): Child {
    this.#running.add(child);
    child.once('exit', () => this.#running.delete(child));
    return child;
  }

  #profileFlags(): readonly string[] {
    if (this.#profileDirectory === null) return [];
    mkdirSync(this.#profileDirectory, { recursive: true });
    return ['--cpu-prof', `--cpu-prof-dir=${this.#profileDirectory}`];
  }
}

interface Asked {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** One of the bench's programs at work. */
export class BenchProcess<Own extends Commands> {
  readonly #program: Program;
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;

  constructor(program: Program, child: ChildProcess) {
    this.#program = program;
    this.#child = child;
    child.on('message', (message) => this.#take(message as Reply));
    child.once('exit', (code, signal) => this.#failAll(`ended (${code ?? signal ?? 'unknown'})`));
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.#program} did not start`);
    return pid;
  }

  /** Sends a command and waits for its reply, within two minutes. */
  ask<Name extends keyof (Own & CommonCommands) & string>(
    name: Name,
    ...[argument]: Parameters<(Own & CommonCommands)[Name]>
  ): Promise<Awaited<ReturnType<(Own & CommonCommands)[Name]>>> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(id, `did not answer ${name} in time`), COMMAND_LIMIT_MS);
      this.#asked.set(id, {
        resolve: (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      this.#child.send({ id, name, argument: argument as unknown }, (error) => {
        if (error !== null) this.#fail(id, error.message);
      });
    });
  }

  /** Lets the process close what it holds and leave; resolves when it is gone. */
  async leave(): Promise<void> {
    await letLeave(this.#child);
  }

  /** Ends the process as a power cut would. */
  async kill(): Promise<void> {
    const gone = exitOf(this.#child);
    this.#child.kill('SIGKILL');
    await gone;
  }

  #take(reply: Reply): void {
    if (reply.type === 'fault') return this.#fail(reply.id, reply.message);
    this.#asked.get(reply.id)?.resolve(reply.value as never);
    this.#asked.delete(reply.id);
  }

  #fail(id: number, why: string): void {
    this.#asked.get(id)?.reject(new Error(`${this.#program}: ${why}`));
    this.#asked.delete(id);
  }

  #failAll(why: string): void {
    for (const id of this.#asked.keys()) this.#fail(id, why);
  }
}

async function letLeave(child: ChildProcess): Promise<void> {
  const gone = exitOf(child);
  if (child.connected) child.disconnect();
  else child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), LEAVE_LIMIT_MS);
  await gone;
  clearTimeout(timer);
}

function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
