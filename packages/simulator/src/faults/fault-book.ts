import { findModel } from '@batchwright/protocol';
import { Hasher } from '../hash.ts';
import type { FaultMatch, FaultRule } from './fault-rule.ts';

/** What a rule looks at in a call. */
export interface FaultSubject {
  readonly method: string;
  readonly path: string;
  readonly customId: string | null;
  readonly model: string | null;
  readonly body: string;
  /** How many calls came before this one. */
  readonly arrival: number;
  /** Since the simulator started or was reset. */
  readonly elapsedMs: number;
}

/** A rule with what has become of it. */
export interface FaultEntry {
  readonly rule: FaultRule;
  readonly number: number;
  /** Calls that met all but `nth` and `rate`. */
  seen: number;
  struck: number;
}

/** The fault rules in force, oldest first; the first that strikes a call decides it. */
export class FaultBook {
  readonly #seed: number;
  #entries: readonly FaultEntry[] = [];
  #added = 0;

  constructor(seed: number) {
    this.#seed = seed;
  }

  add(rules: readonly FaultRule[]): void {
    const entries = rules.map((rule) => ({ rule, number: ++this.#added, seen: 0, struck: 0 }));
    this.#entries = [...this.#entries, ...entries];
  }

  clear(): void {
    this.#entries = [];
    this.#added = 0;
  }

  entries(): readonly Readonly<FaultEntry>[] {
    return this.#entries;
  }

  /** The rule that strikes this call, or null. Every rule that the call meets counts it, struck or not. */
  strike(subject: FaultSubject): FaultRule | null {
    let striking: FaultEntry | null = null;
    for (const entry of this.#entries) {
      if (!meets(entry.rule.match ?? {}, subject)) continue;
      entry.seen += 1;
      if (striking === null && this.#isDue(entry, subject.arrival)) striking = entry;
    }
    if (striking === null) return null;
    striking.struck += 1;
    return striking.rule;
  }

  #isDue(entry: FaultEntry, arrival: number): boolean {
    const { match, times } = entry.rule;
    if (entry.struck >= (times ?? (match?.nth === undefined ? Infinity : 1))) return false;
    if (match?.nth !== undefined && entry.seen < match.nth) return false;
    return (
      match?.rate === undefined || new Hasher(this.#seed).integer(entry.number).integer(arrival).unit() < match.rate
    );
  }
}

function meets(match: FaultMatch, subject: FaultSubject): boolean {
  return (
    isPath(match.path ?? '/v1/messages', subject.path) &&
    (match.method === undefined || match.method === subject.method) &&
    (match.customId === undefined || match.customId === subject.customId) &&
    (match.model === undefined || isModel(match.model, subject.model)) &&
    (match.text === undefined || subject.body.includes(match.text)) &&
    (match.fromMs === undefined || subject.elapsedMs >= match.fromMs) &&
    (match.untilMs === undefined || subject.elapsedMs < match.untilMs)
  );
}

function isPath(wanted: string, asked: string): boolean {
  if (!wanted.includes('*')) return wanted === asked;
  const segments = asked.split('/');
  const pattern = wanted.split('/');
  return pattern.length === segments.length && pattern.every((part, i) => part === '*' || part === segments[i]);
}

function isModel(wanted: string, asked: string | null): boolean {
  if (asked === null) return false;
  return wanted === asked || (findModel(wanted) !== undefined && findModel(wanted) === findModel(asked));
}
