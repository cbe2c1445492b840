import type { PlannedBatch } from '../journal/journal-entry.ts';
import { NO_LEADER, type Planner, type PlanScope, type RequestBook } from '../plan/planning.ts';
import { openBook } from '../plan/request-book.ts';
import { writeRequests } from '../plan/write-requests.ts';
import type { LogName, RunStore } from '../store/run-store.ts';
import type { Planning } from './opening.ts';

export interface FakePlanTerms {
  readonly batchRequests: number;
  /** Requests are in groups of this many, whose first one leads; 0: nobody leads. */
  readonly groupSize?: number;
  readonly requestNanoUsd?: number | null;
}

/** Plans by position alone: what matters here is what becomes of a plan. */
export function fakePlanning(terms: FakePlanTerms): Planning {
  return { write: writeRequests, open: openBook, planner: (book, store) => new FakePlanner(book, store, terms) };
}

interface Group {
  readonly requests: readonly number[];
  readonly leaders: readonly number[];
}

class FakePlanner implements Planner {
  readonly #book: RequestBook;
  readonly #store: RunStore;
  readonly #terms: FakePlanTerms;

  constructor(book: RequestBook, store: RunStore, terms: FakePlanTerms) {
    this.#book = book;
    this.#store = store;
    this.#terms = terms;
  }

  async plan(
    requests: Uint32Array | 'all',
    firstNumber: number,
    { warm = new Map(), hasLeaders = true }: PlanScope = {},
  ): Promise<{ readonly batches: readonly PlannedBatch[] }> {
    const all = requests === 'all' ? Array.from({ length: this.#book.count }, (_, i) => i) : [...requests.toSorted()];
    const groupSize = this.#terms.groupSize ?? 0;
    const firsts = new Map<number, number>();
    const leaderOf = all.map((request) => {
      if (groupSize === 0 || !hasLeaders) return NO_LEADER;
      const group = Math.floor(request / groupSize);
      const use = warm.get(group);
      if (use !== undefined) return use.request;
      const first = firsts.get(group);
      if (first === undefined) firsts.set(group, request);
      return first ?? NO_LEADER;
    });
    const isLeader = new Set(leaderOf);
    const leading = cut(
      all.filter((r) => isLeader.has(r)),
      this.#terms.batchRequests,
    );
    const others = cut(
      all.filter((r) => !isLeader.has(r)),
      this.#terms.batchRequests,
    );
    const batches: PlannedBatch[] = [];
    const place = new Map<number, number>();
    for (const [wave, parts] of [leading, others].entries()) {
      for (const part of parts) {
        const number = firstNumber + batches.length;
        const leaders = part.map((r) => (wave === 0 ? NO_LEADER : (leaderOf[all.indexOf(r)] as number)));
        const batchOf = (l: number): number =>
          place.get(l) ?? [...warm.values()].find(({ request }) => request === l)?.batch ?? -1;
        const after = [...new Set(leaders.filter((l) => l !== NO_LEADER).map(batchOf))];
        for (const request of part) place.set(request, number);
        batches.push(await this.#write(number, { requests: part, leaders }, wave, wave === 0, after));
      }
    }
    return { batches };
  }

  async without(batch: PlannedBatch, requests: Uint32Array, number: number): Promise<PlannedBatch> {
    const gone = new Set(requests);
    const { requests: before, leaders } = await this.#read(batch.number);
    const kept = before
      .map((request, i) => [request, leaders[i] as number] as const)
      .filter(([request]) => !gone.has(request));
    const group = { requests: kept.map(([r]) => r), leaders: kept.map(([, l]) => l) };
    return this.#write(number, group, batch.wave, batch.isLeading, batch.after);
  }

  async members(batch: number) {
    const { requests, leaders } = await this.#read(batch);
    const { groupSize = 0 } = this.#terms;
    const groups = [...new Set(requests.map((r) => Math.floor(r / groupSize)))];
    return {
      requests: Uint32Array.from(requests),
      leaders: Uint32Array.from(leaders),
      prefixSet: Uint32Array.from(requests, (r) => (groupSize === 0 ? 0 : groups.indexOf(Math.floor(r / groupSize)))),
      prefixSets: groupSize === 0 ? [[]] : groups.map((group) => [group]),
    };
  }

  async body(batch: PlannedBatch) {
    const { requests } = await this.#read(batch.number);
    const lines: string[] = [];
    for (const request of requests) lines.push(Buffer.from(await this.#book.line(request)).toString());
    const body = Buffer.from(`{"requests":[${lines.join(',')}]}`);
    return {
      requests: requests.length,
      bytes: body.length,
      options: null,
      async *pieces() {
        yield body;
      },
    };
  }

  async #write(
    number: number,
    group: Group,
    wave: number,
    isLeading: boolean,
    after: readonly number[],
  ): Promise<PlannedBatch> {
    const log = await this.#store.openLog(nameOf(number));
    await log.truncate(0);
    await log.append(Buffer.from(JSON.stringify(group)));
    await log.sync();
    await log.close();
    const { requestNanoUsd = 1000 } = this.#terms;
    const requests = group.requests.length;
    const expectedNanoUsd = requestNanoUsd === null ? null : requests * requestNanoUsd;
    return { number, wave, isLeading, after, requests, bytes: 100 * requests, tokens: 10 * requests, expectedNanoUsd };
  }

  async #read(number: number): Promise<Group> {
    const log = await this.#store.openLog(nameOf(number));
    const group = JSON.parse(Buffer.from(await log.read(0, log.size)).toString()) as Group;
    await log.close();
    return group;
  }
}

function nameOf(number: number): LogName {
  return `batch-${number}`;
}

function cut(requests: readonly number[], size: number): readonly (readonly number[])[] {
  return Array.from({ length: Math.ceil(requests.length / size) }, (_, i) => requests.slice(i * size, (i + 1) * size));
}
