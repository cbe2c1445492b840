import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * How far a campaign has come, kept in a file: rounds are seeds from 1 on, and what was not run of a range that was begun
 * is a hole that the next run fills first.
 */
export class Progress {
  #path;
  #state;

  constructor(directory, campaign, isFresh) {
    mkdirSync(directory, { recursive: true });
    this.#path = join(directory, `${campaign}.json`);
    this.#state = (isFresh ? null : read(this.#path)) ?? {
      ...{ campaign, next: 1, holes: [], done: 0, violations: 0, failed: [], counts: {}, seconds: 0, commits: [] },
    };
  }

  get state() {
    return this.#state;
  }

  /** The next seeds to run, at most `limit` of them and none beyond `last`; null when all are done. */
  take(limit, last) {
    const hole = this.#state.holes.shift();
    if (hole !== undefined) return hole;
    const { next } = this.#state;
    if (next > last) return null;
    this.#state.next = Math.min(next + limit, last + 1);
    return [next, this.#state.next];
  }

  /** Seeds of a range that were not run after all. */
  giveBack(from, to) {
    if (from < to) this.#state.holes.push([from, to]);
  }

  add({ seed, violations, counts }) {
    const state = this.#state;
    state.done++;
    state.violations += violations.length;
    if (violations.length > 0) state.failed.push(seed);
    for (const [name, count] of Object.entries(counts)) state.counts[name] = (state.counts[name] ?? 0) + count;
  }

  save(seconds, commit) {
    this.#state.seconds += seconds;
    if (!this.#state.commits.includes(commit)) this.#state.commits.push(commit);
    writeFileSync(this.#path, `${JSON.stringify(this.#state, null, 2)}\n`);
  }
}

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw new Error(`${path} cannot be read; remove it, or begin again with --restart`, { cause: error });
  }
}
