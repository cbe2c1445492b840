/** What `npm run bench:cache -- …` was asked for. */
export interface CacheOrder {
  /** Workloads by id, and C5 and C7 for what is no workload; empty means all. */
  readonly ids: ReadonlySet<string>;
  readonly isJson: boolean;
}

export type ReadCacheOrder =
  | { readonly type: 'order'; readonly order: CacheOrder }
  | { readonly type: 'misused'; readonly line: string };

/** Reads `[W2 W7 C7 …] [--json]`; a workload's id stands for all its cases. */
export function readCacheOrder(args: readonly string[], knownIds: readonly string[]): ReadCacheOrder {
  const known = new Map(knownIds.map((id) => [id.toLowerCase(), id]));
  const ids = new Set<string>();
  let isJson = false;
  for (const arg of args) {
    if (arg === '--json') {
      isJson = true;
      continue;
    }
    const id = known.get(arg.toLowerCase());
    if (id === undefined)
      return { type: 'misused', line: `nothing is called ${arg}; there are ${knownIds.join(', ')}` };
    ids.add(id);
  }
  return { type: 'order', order: { ids, isJson } };
}
