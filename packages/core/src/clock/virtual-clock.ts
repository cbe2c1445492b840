import type { Clock, Timer } from './clock.ts';

/** Lets the I/O that an instant's timers caused come to rest before time moves on. */
export type Settle = () => Promise<void>;

/** More firings than this without time moving is a timer that sets itself again with no delay, not a busy instant. */
const FIRINGS_PER_INSTANT = 10_000_000;

interface Entry extends Timer {
  readonly atMs: number;
  readonly order: number;
  action: (() => void) | null;
}

/**
 * Time that moves only when told to. Timers fire in time order, those of one instant in the order they were set, and
 * the same calls always give the same history.
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  #set = 0;
  #live = 0;
  #advancing: Promise<void> = Promise.resolve();
  /** A binary heap. Entries called off stay until they surface, or until they outnumber the live ones. */
  #heap: Entry[] = [];

  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: () => void): Timer {
    const entry: Entry = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#set++,
      action,
      cancel: () => this.#cancel(entry),
    };
    this.#live += 1;
    this.#push(entry);
    return entry;
  }

  /** The moment of the earliest timer, or null when none is set. */
  nextAt(): number | null {
    return this.#head()?.atMs ?? null;
  }

  /** How many timers are set. */
  get pendingCount(): number {
    return this.#live;
  }

  /**
   * Moves time by `ms`, firing what falls due on the way; `settle` is awaited after each instant, and whatever it
   * sets for that same instant fires before time moves on. Calls made meanwhile wait their turn, so a timer's own
   * action must not await one.
   */
  advance(ms: number, settle?: Settle): Promise<void> {
    const turn = this.#advancing.then(() => this.#advanceTo(this.#nowMs + Math.max(0, ms), settle));
    // The caller sees a failure through `turn`; the next advance goes on from wherever this one stopped.
    this.#advancing = turn.catch(() => undefined);
    return turn;
  }

  async #advanceTo(targetMs: number, settle: Settle | undefined): Promise<void> {
    let instantMs = this.#nowMs;
    let firings = 0;
    for (let next = this.nextAt(); next !== null && next <= targetMs; next = this.nextAt()) {
      if (next > instantMs) {
        instantMs = next;
        firings = 0;
      }
      this.#nowMs = instantMs;
      firings += this.#fireDue();
      if (firings > FIRINGS_PER_INSTANT) throw new Error(`Timers keep firing at ${instantMs} ms without time moving.`);
      if (settle !== undefined) await settle();
    }
    this.#nowMs = Math.max(this.#nowMs, targetMs);
  }

  /** Fires what is due now, but not what these firings set: `settle` comes in between. */
  #fireDue(): number {
    const before = this.#set;
    let fired = 0;
    for (let head = this.#head(); head !== undefined; head = this.#head()) {
      if (head.atMs > this.#nowMs || head.order >= before) break;
      this.#pop();
      this.#live -= 1;
      const action = head.action;
      head.action = null;
      action?.();
      fired += 1;
    }
    return fired;
  }

  #cancel(entry: Entry): void {
    if (entry.action === null) return;
    entry.action = null;
    this.#live -= 1;
    if (this.#heap.length > 64 && this.#heap.length > 2 * this.#live) this.#compact();
  }

  #compact(): void {
    this.#heap = this.#heap.filter((entry) => entry.action !== null).sort(byTurn);
  }

  #head(): Entry | undefined {
    while (this.#heap.length > 0 && this.#heap[0]!.action === null) this.#pop();
    return this.#heap[0];
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (byTurn(heap[parent]!, entry) <= 0) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const moved = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && byTurn(heap[child + 1]!, heap[child]!) < 0) child += 1;
      if (byTurn(moved, heap[child]!) <= 0) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
  }
}

function byTurn(a: Entry, b: Entry): number {
  return a.atMs - b.atMs || a.order - b.order;
}
