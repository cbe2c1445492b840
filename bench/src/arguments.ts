import { parseArgs } from 'node:util';

/** What a command of the bench takes: names of what to measure, `--rounds N`, and options that each take a path. */
export interface Usage<Path extends string> {
  /** What the names are of, for whoever gives one that is none. */
  readonly kind: string;
  readonly names: readonly string[];
  readonly rounds: { readonly usual: number; readonly least: number; readonly most: number };
  readonly paths: readonly Path[];
}

export interface Order<Path extends string> {
  /** As they are written in `names`, and in that order; all of them where none was given. */
  readonly names: readonly string[];
  readonly rounds: number;
  /** Null: not asked for. */
  readonly paths: Readonly<Record<Path, string | null>>;
}

export type ReadOrder<Path extends string> =
  | { readonly type: 'order'; readonly order: Order<Path> }
  | { readonly type: 'misused'; readonly line: string };

/** Reads `[P1 P8 …] [--rounds N] [--markdown FILE]` and the like; how names are capitalised does not matter. */
export function readOrder<Path extends string>(args: readonly string[], usage: Usage<Path>): ReadOrder<Path> {
  try {
    return { type: 'order', order: orderOf(args, usage) };
  } catch (error) {
    return { type: 'misused', line: (error as Error).message.split('\n', 1)[0] ?? '' };
  }
}

function orderOf<Path extends string>(args: readonly string[], usage: Usage<Path>): Order<Path> {
  const options = Object.fromEntries(['rounds', ...usage.paths].map((name) => [name, { type: 'string' as const }]));
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
  const given = new Set(positionals.map((name) => knownName(name, usage)));
  const path = (name: Path): [Path, string | null] => [name, values[name] ?? null];
  return {
    names: given.size === 0 ? usage.names : usage.names.filter((name) => given.has(name)),
    rounds: roundsOf(values['rounds'], usage.rounds),
    paths: Object.fromEntries(usage.paths.map(path)) as Record<Path, string | null>,
  };
}

function knownName(given: string, { kind, names }: Usage<string>): string {
  const name = names.find((known) => known.toLowerCase() === given.toLowerCase());
  if (name === undefined) throw new Error(`no ${kind} ${given}; there are ${names.join(', ')}`);
  return name;
}

function roundsOf(given: string | undefined, { usual, least, most }: Usage<string>['rounds']): number {
  const rounds = given === undefined ? usual : Number(given);
  if (Number.isInteger(rounds) && rounds >= least && rounds <= most) return rounds;
  throw new Error(`--rounds takes a whole number from ${least} to ${most}, not ${given}`);
}
