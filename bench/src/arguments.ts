/** What `npm run bench -- …` was asked for. */
export interface Order {
  /** Upper-case ids of rows; empty means all. */
  readonly ids: ReadonlySet<string>;
  readonly rounds: number;
  /** Where servers write CPU profiles; null does not profile. */
  readonly profileDirectory: string | null;
  /** The page that the table is written to; null writes none. */
  readonly markdownFile: string | null;
}

export type ReadOrder =
  | { readonly type: 'order'; readonly order: Order }
  | { readonly type: 'misused'; readonly line: string };

const DEFAULT_ROUNDS = 5;
const MOST_ROUNDS = 100;

/** Reads `[P1 P8 …] [--rounds N] [--profile DIRECTORY] [--markdown FILE]`. */
export function readOrder(args: readonly string[], knownIds: readonly string[]): ReadOrder {
  const known = new Map(knownIds.map((id) => [id.toLowerCase(), id]));
  const ids = new Set<string>();
  let rounds = DEFAULT_ROUNDS;
  let profileDirectory: string | null = null;
  let markdownFile: string | null = null;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--rounds') {
      rounds = Number(args[++at]);
      if (!Number.isInteger(rounds) || rounds < 1 || rounds > MOST_ROUNDS) {
        return {
          type: 'misused',
          line: `--rounds takes a whole number from 1 to ${MOST_ROUNDS}, not ${args[at] ?? ''}`,
        };
      }
    } else if (arg === '--profile') {
      profileDirectory = args[++at] ?? null;
      if (profileDirectory === null) return { type: 'misused', line: '--profile takes a directory' };
    } else if (arg === '--markdown') {
      markdownFile = args[++at] ?? null;
      if (markdownFile === null) return { type: 'misused', line: '--markdown takes a file' };
    } else {
      const id = known.get(arg.toLowerCase());
      if (id === undefined) return { type: 'misused', line: `no figure ${arg}; there are ${knownIds.join(', ')}` };
      ids.add(id);
    }
  }
  return { type: 'order', order: { ids, rounds, profileDirectory, markdownFile } };
}
