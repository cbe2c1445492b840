import fc from 'fast-check';
import { expect, test } from 'vitest';
import { promptTokensOf } from '@batchwright/core';
import type { CacheOptions } from './cache-options.ts';
import { TTL_MS } from './cache-entry.ts';
import { PromptCache, type CacheRequest, type CacheTurn } from './prompt-cache.ts';
import { promptOf } from './prompt-cache.fixture.ts';

const MINIMUM_TOKENS = 1024;

/** Few names and short paths, so that prompts share prefixes more often than not. */
const aPrompt = fc
  .array(fc.tuple(fc.constantFrom('a', 'b'), fc.constantFrom(0, 300, 1500), fc.constantFrom(undefined, '5m', '1h')), {
    minLength: 1,
    maxLength: 30,
  })
  // The same name always counts the same, an hour stands before 5 minutes, and four markers are the most.
  .map((blocks) => {
    const marked = blocks.filter(([, , ttl]) => ttl !== undefined).slice(0, 4);
    const shortFrom = marked.findIndex(([, , ttl]) => ttl === '5m');
    return blocks.map((block) => {
      const rank = marked.indexOf(block);
      const ttl = rank < 0 ? undefined : shortFrom >= 0 && rank >= shortFrom ? ('5m' as const) : ('1h' as const);
      return [`${block[0]}${block[1]}`, block[1], ttl] as const;
    });
  });

const aCall = fc.record({
  blocks: aPrompt,
  scope: fc.constantFrom('x', 'y'),
  waitMs: fc.constantFrom(0, 1, 500, 20_000, 200_000, 299_999, 3_600_000),
  fate: fc.constantFrom('whole', 'whole', 'whole', 'abandoned'),
  ttftMs: fc.constantFrom(0, 1000, 400_000),
});

const someOptions = fc.record({
  visibility: fc.constantFrom('first_byte', 'completion', 'allocation'),
  visibilityDelayMs: fc.constantFrom(0, 2000),
  lossy: fc.constantFrom(0, 0.3),
  refresh: fc.constantFrom('path', 'exact'),
} as const);

interface Call {
  readonly blocks: Parameters<typeof promptOf>[0];
  readonly scope: string;
  readonly waitMs: number;
  readonly fate: string;
  readonly ttftMs: number;
}

interface Played {
  readonly turn: CacheTurn;
  readonly fate: string;
  readonly firstByteAtMs: number;
}

/** Plays calls as they come, and what falls due between them. */
function play(options: Partial<CacheOptions>, calls: readonly Call[]): readonly Played[] {
  const cache = new PromptCache(options, 1);
  const played: Played[] = [];
  let due: { readonly atMs: number; readonly action: (atMs: number) => void }[] = [];
  let nowMs = 0;
  const runTo = (toMs: number): void => {
    const now = due.filter(({ atMs }) => atMs <= toMs).sort((a, b) => a.atMs - b.atMs);
    due = due.filter(({ atMs }) => atMs > toMs);
    for (const { atMs, action } of now) action(atMs);
  };
  for (const { blocks, scope, waitMs, fate, ttftMs } of calls) {
    nowMs += waitMs;
    runTo(nowMs);
    const request: CacheRequest = promptOf(blocks, { scope, minimumTokens: MINIMUM_TOKENS });
    const turn = cache.look(request, nowMs);
    cache.begin(turn);
    const firstByteAtMs = nowMs + ttftMs;
    played.push({ turn, fate, firstByteAtMs });
    if (fate === 'abandoned') due.push({ atMs: firstByteAtMs, action: () => cache.abandon(turn) });
    else {
      due.push({ atMs: firstByteAtMs, action: (atMs) => cache.firstByte(turn, atMs) });
      due.push({ atMs: firstByteAtMs + 5000, action: (atMs) => cache.end(turn, atMs) });
    }
  }
  return played;
}

const histories = fc.array(aCall, { minLength: 1, maxLength: 25 });

test('what is read, written and neither always sums to the prompt, and nothing is negative', () => {
  fc.assert(
    fc.property(someOptions, histories, (options, calls) => {
      for (const { turn } of play(options, calls)) {
        const { request, bill } = turn;
        expect(promptTokensOf(bill)).toBe(request.tokens[request.tokens.length - 1]);
        expect(Math.min(...Object.values(bill))).toBeGreaterThanOrEqual(0);
        expect(turn.readTo).toBeLessThanOrEqual(turn.longTo);
        expect(turn.longTo).toBeLessThanOrEqual(turn.markedTo);
        const paid = turn.writes.reduce((sum, { paidTokens }) => sum + paidTokens, 0);
        expect(paid).toBe(bill.write5mTokens + bill.write1hTokens);
      }
    }),
  );
});

/** Positions that a turn, if it got its first byte, left an entry at. */
function leftBy({ turn, fate }: Played): readonly { readonly hash: number; readonly ttl: '5m' | '1h' }[] {
  if (fate === 'abandoned') return [];
  return turn.writes.map(({ position, ttl }) => ({ hash: turn.request.hashes[position]!, ttl }));
}

test('what is read was written earlier, in the same scope, by a call that had its first byte', () => {
  fc.assert(
    fc.property(someOptions, histories, (options, calls) => {
      const played = play(options, calls);
      played.forEach((reader, i) => {
        const { turn } = reader;
        if (turn.readTo === 0) return;
        const writers = played.slice(0, i).filter((writer) => {
          const isReady = options.visibility === 'allocation' || writer.firstByteAtMs <= turn.startMs;
          const mayRead = options.visibility === 'allocation' || writer.fate !== 'abandoned';
          return writer.turn.request.scope === turn.request.scope && isReady && mayRead;
        });
        const written = new Set(
          writers.flatMap((writer) => writer.turn.writes.map(({ position }) => writer.turn.request.hashes[position])),
        );
        const at = positionOfRead(turn);
        expect(at.some((position) => written.has(turn.request.hashes[position]))).toBe(true);
        expect(
          at.some((position) => turn.request.markers.some(({ block }) => block >= position && block - position < 20)),
        ).toBe(true);
      });
    }),
  );
});

/** Blocks of no tokens make several positions of one length. */
function positionOfRead({ request, readTo }: CacheTurn): readonly number[] {
  return Array.from(request.hashes, (_, position) => position).filter((at) => request.tokens[at] === readTo);
}

test('nothing is read that no use of the last ttl kept alive, counted from the start of the use', () => {
  fc.assert(
    fc.property(histories, (calls) => {
      const played = play({}, calls);
      played.forEach(({ turn }, i) => {
        if (turn.readTo === 0) return;
        const hashes = new Set(positionOfRead(turn).map((position) => turn.request.hashes[position]));
        const before = played.slice(0, i).filter(({ turn: { request } }) => request.scope === turn.request.scope);
        const longest = Math.max(
          ...before.flatMap((use) =>
            leftBy(use)
              .filter(({ hash }) => hashes.has(hash))
              .map(({ ttl }) => TTL_MS[ttl]),
          ),
        );
        const isAlive = before.some(
          (use) =>
            (use.fate !== 'abandoned' || use.firstByteAtMs > turn.startMs) &&
            turn.startMs - use.turn.startMs < longest &&
            Array.from(use.turn.request.hashes).some((hash) => hashes.has(hash)),
        );
        expect(isAlive).toBe(true);
      });
    }),
  );
});

test('without loss or delay, a call that follows its like within the ttl and after its first byte reads all that is marked', () => {
  fc.assert(
    fc.property(aPrompt, fc.integer({ min: 1000, max: 299_999 }), (blocks, waitMs) => {
      const call = { blocks, scope: 'x', fate: 'whole', ttftMs: 1000 };
      const [first, second] = play({}, [
        { ...call, waitMs: 0 },
        { ...call, waitMs },
      ]);
      expect(second?.turn.readTo).toBe(first?.turn.markedTo);
    }),
  );
});
