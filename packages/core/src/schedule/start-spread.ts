import type { Room } from './turn.ts';

/**
 * Keeps prefixes alive when calls last longer than entries do: an entry lives from the start of its last use, so a
 * prefix whose calls all start together is cold before the next of them can. Here they start in phases, and no more
 * prefixes are open than there are places to start a call of each in time.
 */
export class StartSpread {
  readonly #phases = new Map<number, Phase>();

  /** How many prefixes may be open at once if all are to stay warm; Infinity: as many as you like. */
  groupLimit(room: Room, ttlMs: number): number {
    const phases = phasesOf(room, ttlMs);
    if (phases === 1 || phases > room.concurrency) return Number.POSITIVE_INFINITY;
    return Math.max(1, Math.floor(room.concurrency / phases));
  }

  /** When a call of a node may start, at the earliest. `waiting` and `openGroups` share the room. */
  startsMs(node: number, room: Room, ttlMs: number, waiting: number, openGroups: number): number {
    const phases = phasesOf(room, ttlMs);
    if (phases === 1 || phases > room.concurrency || waiting <= room.idle) return room.nowMs;
    const phase = this.#phases.get(node);
    if (phase === undefined || room.nowMs >= phase.endMs) return room.nowMs;
    return phase.started < quotaOf(room, phases, openGroups) ? room.nowMs : phase.endMs;
  }

  started(node: number, room: Room, ttlMs: number): void {
    const phases = phasesOf(room, ttlMs);
    if (phases === 1) return;
    const phase = this.#phases.get(node);
    if (phase !== undefined && room.nowMs < phase.endMs) phase.started += 1;
    else this.#phases.set(node, { started: 1, endMs: room.nowMs + (PHASE_SHARE * room.durationMs) / phases });
  }

  /** To be called when a node has nothing waiting any more. */
  forget(node: number): void {
    this.#phases.delete(node);
  }
}

interface Phase {
  started: number;
  readonly endMs: number;
}

/** A phase ends a little before its place comes free, or each round would push the next one back. */
const PHASE_SHARE = 0.95;

/** Starts of a prefix lie at most this share of its life apart. */
const LIFE_SHARE = 0.8;

function phasesOf({ durationMs }: Room, ttlMs: number): number {
  return Math.max(1, Math.ceil(durationMs / (LIFE_SHARE * ttlMs)));
}

/** Calls of one node that start in one phase: its share, rounded up; of whole places, so that each later phase has one. */
function quotaOf({ concurrency }: Room, phases: number, openGroups: number): number {
  const places = Math.floor(concurrency / Math.max(1, openGroups));
  return Math.max(1, Math.ceil(places / phases));
}
