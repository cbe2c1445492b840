/**
 * The child's side of the bench's processes: each answers commands from the bench over IPC, one reply per command, and
 * ends when the bench does. Every process answers `usage` besides its own.
 */
export type Commands = Readonly<Record<string, (argument: never) => unknown>>;

/** What every process answers. */
export interface CommonCommands extends Commands {
  /** Processor time the process has used since it began, user and system, in microseconds. */
  readonly usage: () => number;
  /** Collects garbage, twice, so that what a first pass only marks for finalisation goes too. Needs `--expose-gc`. */
  readonly collectGarbage: () => void;
}

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

/** Replies as they travel. */
export type Reply =
  | { readonly id: number; readonly type: 'answer'; readonly value: unknown }
  | { readonly id: number; readonly type: 'fault'; readonly message: string };

const COMMON: CommonCommands = {
  usage: () => {
    const { user, system } = process.cpuUsage();
    return user + system;
  },
  collectGarbage: () => {
    const collect = (globalThis as { readonly gc?: () => void }).gc;
    if (collect === undefined) throw new Error('started without --expose-gc');
    collect();
    collect();
  },
};

/** Answers commands until the bench lets go of the process; `onEnd` may then close what should not be cut off. */
export function answerCommands(own: Commands, onEnd: () => Promise<void> = async () => {}): void {
  const commands: Commands = { ...COMMON, ...own };
  process.on('message', (message) => void answer(commands, message as Question));
  process.on('disconnect', () => void onEnd().finally(() => process.exit(0)));
}

async function answer(commands: Commands, { id, name, argument }: Question): Promise<void> {
  let reply: Reply;
  try {
    const command = commands[name];
    if (command === undefined) throw new Error(`no command ${name}`);
    reply = { id, type: 'answer', value: await command(argument as never) };
  } catch (error) {
    reply = { id, type: 'fault', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.send?.(reply);
}

/** The options that the bench started this process with. */
export function startOptions(): unknown {
  return JSON.parse(process.argv[2] ?? '{}') as unknown;
}
