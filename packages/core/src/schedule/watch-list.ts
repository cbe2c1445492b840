import { widened } from './growing-array.ts';
import type { WarmState } from './warm-state.ts';

/** Told when what is known of a prefix changes. `node` is the number the watcher knows it by. */
export interface WarmthWatcher {
  stateChanged(node: number, state: WarmState): void;
  /** A use came to nothing: the prefix expires sooner than was to be expected. */
  expiresSooner(node: number): void;
}

/** Who watches which prefix: linked lists in typed arrays, twelve bytes an entry, since most prefixes have one watcher. */
export class WatchList {
  readonly #watchers: (WarmthWatcher | null)[] = [];
  readonly #numbers = new Map<WarmthWatcher, number>();
  #head = new Int32Array(FIRST_CAPACITY);
  #next = new Int32Array(FIRST_CAPACITY);
  #watcher = new Int32Array(FIRST_CAPACITY);
  #node = new Int32Array(FIRST_CAPACITY);
  #used = 1;
  #free = 0;

  isWatched(prefix: number): boolean {
    return prefix < this.#head.length && this.#head[prefix] !== 0;
  }

  add(prefix: number, watcher: WarmthWatcher, node: number): void {
    while (prefix >= this.#head.length) this.#head = widened(this.#head, 2 * this.#head.length);
    const entry = this.#entry();
    this.#watcher[entry] = this.#numberOf(watcher);
    this.#node[entry] = node;
    this.#next[entry] = this.#head[prefix] as number;
    this.#head[prefix] = entry;
  }

  remove(prefix: number, watcher: WarmthWatcher): void {
    const number = this.#numberOf(watcher);
    let before = 0;
    for (let entry = this.#head[prefix] as number; entry !== 0; entry = this.#next[entry] as number) {
      if (this.#watcher[entry] === number) return this.#unlink(prefix, before, entry);
      before = entry;
    }
  }

  /** To be called when the watcher watches nothing any more. */
  forget(watcher: WarmthWatcher): void {
    this.#watchers[this.#numberOf(watcher)] = null;
    this.#numbers.delete(watcher);
  }

  tellState(prefix: number, state: WarmState): void {
    for (let entry = this.#head[prefix] as number; entry !== 0; entry = this.#next[entry] as number) {
      this.#watcherOf(entry)?.stateChanged(this.#node[entry] as number, state);
    }
  }

  tellSooner(prefix: number): void {
    for (let entry = this.#head[prefix] as number; entry !== 0; entry = this.#next[entry] as number) {
      this.#watcherOf(entry)?.expiresSooner(this.#node[entry] as number);
    }
  }

  #watcherOf(entry: number): WarmthWatcher | null {
    return this.#watchers[this.#watcher[entry] as number] ?? null;
  }

  #numberOf(watcher: WarmthWatcher): number {
    const known = this.#numbers.get(watcher);
    if (known !== undefined) return known;
    const vacant = this.#watchers.indexOf(null);
    const number = vacant === -1 ? this.#watchers.length : vacant;
    this.#watchers[number] = watcher;
    this.#numbers.set(watcher, number);
    return number;
  }

  #unlink(prefix: number, before: number, entry: number): void {
    const next = this.#next[entry] as number;
    if (before === 0) this.#head[prefix] = next;
    else this.#next[before] = next;
    this.#next[entry] = this.#free;
    this.#free = entry;
  }

  #entry(): number {
    if (this.#free !== 0) {
      const entry = this.#free;
      this.#free = this.#next[entry] as number;
      return entry;
    }
    if (this.#used === this.#next.length) {
      this.#next = widened(this.#next, 2 * this.#used);
      this.#watcher = widened(this.#watcher, 2 * this.#used);
      this.#node = widened(this.#node, 2 * this.#used);
    }
    return this.#used++;
  }
}

const FIRST_CAPACITY = 64;
