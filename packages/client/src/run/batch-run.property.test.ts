import fc from 'fast-check';
import { assert } from '@batchwright/core';
import type { BatchResult } from '@batchwright/protocol';
import { expect, it } from 'vitest';
import { all, START_MS, World } from './bulk-run.fixture.ts';
import { errored, failure, rateLimited, succeeded, type CreateFault, type SentRequest } from './fake-server.fixture.ts';
import { Crash } from './mortal-store.fixture.ts';
import type { Judge } from './run-options.ts';
import { RUN_POINTS, type RunPoint } from './run-point.ts';
import type { SettledResult } from './settled-result.ts';

const RUNS = Number(process.env['BATCHWRIGHT_FUZZ_RUNS'] ?? 100);
const LIMIT_MS = 60_000 + 400 * RUNS;
/** Shrinking ends in time for the seed to be told. */
const INTERRUPT_MS = LIMIT_MS - 20_000;
const ATTEMPTS = 3;

/** Where a process dies: the n-th time it comes by a point, or around its n-th note. Or how it leaves while it is well. */
type Death =
  | { readonly type: 'point'; readonly point: RunPoint; readonly occurrence: number }
  | { readonly type: 'note'; readonly moment: 'before' | 'after'; readonly occurrence: number }
  /** Told to, after its n-th note. */
  | { readonly type: 'signal'; readonly occurrence: number }
  /** Once all that can be sent is. */
  | { readonly type: 'detach' };

const deaths: fc.Arbitrary<Death> = fc.oneof(
  fc.record({
    type: fc.constant('point' as const),
    point: fc.constantFrom(...RUN_POINTS),
    occurrence: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({
    type: fc.constant('note' as const),
    moment: fc.constantFrom('before' as const, 'after' as const),
    occurrence: fc.integer({ min: 1, max: 25 }),
  }),
  fc.record({ type: fc.constant('signal' as const), occurrence: fc.integer({ min: 1, max: 25 }) }),
  fc.record({ type: fc.constant('detach' as const) }),
);

const scenarios = fc.record({
  requests: fc.integer({ min: 1, max: 24 }),
  batchRequests: fc.integer({ min: 1, max: 9 }),
  groupSize: fc.constantFrom(0, 3, 6),
  isBatchwright: fc.boolean(),
  queuedRequests: fc.integer({ min: 1, max: 30 }),
  batchMs: fc.constantFrom(0, 5000, 60_000, 40 * 60_000),
  /** What becomes of each request, try by try. */
  answers: fc.array(fc.array(fc.constantFrom('ok', 'limited', 'invalid', 'expired', 'bad'), { maxLength: 5 }), {
    maxLength: 12,
  }),
  creates: fc.array(
    fc.constantFrom<CreateFault | null>(null, null, 'made_unknown', 'made_late', 'lost_unknown', 'busy', 'too_large'),
    { maxLength: 12 },
  ),
  /** Which calls fail, in turn. */
  failing: fc.array(fc.boolean(), { maxLength: 20 }),
  /** Requests of batches that somebody else creates. */
  foreign: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 2 }),
  deaths: fc.array(deaths, { maxLength: 5 }),
  /** Once it is finished it is taken up again for what failed; where processes die meanwhile, if it is. */
  reopenings: fc.array(fc.array(deaths, { maxLength: 3 }), { maxLength: 1 }),
  /** Of what was not synced, how much survives. */
  kept: fc.double({ min: 0, max: 1, noNaN: true }),
  downMs: fc.constantFrom(0, 1000, 30 * 60_000),
});
type Scenario = typeof scenarios extends fc.Arbitrary<infer Value> ? Value : never;

const UNTROUBLED = {
  queuedRequests: 30,
  creates: [],
  failing: [],
  foreign: [],
  deaths: [],
  reopenings: [],
  kept: 0,
  downMs: 0,
};

/** What was found once. */
const FOUND: readonly Scenario[] = [
  // A leader's other words were lost, so its create was looked for with the first ones, and made again with them.
  {
    ...UNTROUBLED,
    requests: 20,
    batchRequests: 6,
    groupSize: 6,
    isBatchwright: true,
    queuedRequests: 1,
    batchMs: 40 * 60_000,
    answers: [['limited', 'limited'], [], [], [], [], ['limited'], ['bad']],
    creates: [null, null, null, 'too_large'],
    deaths: [
      { type: 'note', moment: 'after', occurrence: 17 },
      { type: 'note', moment: 'before', occurrence: 6 },
    ],
  },
  // A leader was tried again while its batch still ran, whose results then were not those of its requests.
  {
    ...UNTROUBLED,
    requests: 22,
    batchRequests: 2,
    groupSize: 3,
    isBatchwright: true,
    queuedRequests: 19,
    batchMs: 60_000,
    answers: [['limited', 'ok', 'limited']],
    foreign: [2],
    deaths: [
      { type: 'point', point: 'sent', occurrence: 2 },
      { type: 'note', moment: 'before', occurrence: 19 },
    ],
    downMs: 1000,
  },
];

function answerOf({ answers }: Scenario, { custom_id: id }: SentRequest, attempt: number): BatchResult {
  const mine = answers[Number(id.split('-')[1]) % Math.max(1, answers.length)] ?? [];
  switch (mine[attempt - 1]) {
    case 'limited':
      return rateLimited;
    case 'invalid':
      return errored('invalid_request_error');
    case 'expired':
      return { type: 'expired' };
    case 'bad':
      return succeeded(`${BAD} ${attempt}`);
    case 'ok':
    case undefined:
    default:
      return succeeded(`${id} ${attempt}`);
  }
}

const BAD = 'a bad answer';
const isBad = (result: BatchResult): boolean => JSON.stringify(result).includes(BAD);

/** Asks once more where an answer is bad, with one word more. */
const judge: Judge = async ({ result }, params) => {
  if (!isBad(result)) return { type: 'accepted' };
  const asked = await params();
  const [message] = asked['messages'] as { role: string; content: string }[];
  return {
    type: 'rejected',
    reason: BAD,
    params: { ...asked, messages: [{ ...message, content: `${message?.content} please` }] },
  };
};

interface Expected {
  readonly result: BatchResult;
  readonly attempts: number;
  readonly rejection: string | null;
}

/** What becomes of a request in the end, by the answers alone: the last of the best. */
function expectedOf(scenario: Scenario, customId: string): Expected {
  const request = { custom_id: customId } as SentRequest;
  let best: BatchResult | null = null;
  let wasAskedAgain = false;
  let attempt = 0;
  for (let times = 0; times <= scenario.reopenings.length && (best === null || rankOf(best) < 2); times++) {
    // A bad answer that there was no try left for is asked for once more in the first of the new ones.
    wasAskedAgain ||= best !== null && isBad(best);
    for (let tries = 1, callsForMore = true; callsForMore; tries++) {
      const result = answerOf(scenario, request, ++attempt);
      if (best === null || rankOf(result) >= rankOf(best)) best = result;
      const isPassing = result === rateLimited || result.type === 'expired';
      callsForMore = tries < ATTEMPTS && (isPassing || (isBad(result) && !wasAskedAgain));
      wasAskedAgain ||= isBad(result) && callsForMore;
    }
  }
  assert(best !== null, () => 'nothing was asked');
  return { result: best, attempts: attempt, rejection: isBad(best) ? BAD : null };
}

function rankOf(result: BatchResult): number {
  if (result.type !== 'succeeded') return 0;
  return isBad(result) ? 1 : 2;
}

function worldOf(scenario: Scenario): World {
  const world = new World(scenario);
  const { server } = world;
  server.isBatchwright = scenario.isBatchwright;
  server.batchMs = scenario.batchMs;
  server.answer = (request, attempt) => answerOf(scenario, request, attempt);
  server.onCreate = (number, body) => {
    const fault = scenario.creates[number] ?? null;
    return fault === 'too_large' && body.length === 1 ? null : fault;
  };
  let calls = 0;
  server.onCall = () => {
    if (scenario.failing[calls++] ?? false) throw failure(calls % 2 === 0 ? 529 : null);
  };
  scenario.foreign.forEach((size, i) => server.addForeign(size, START_MS + 1000 * i, `foreign-${i}`));
  return world;
}

/** One process from start to end or death; null: it died, or left. */
async function live(
  world: World,
  { queuedRequests, kept }: Scenario,
  death: Death | undefined,
  retryFailed: boolean,
): Promise<SettledResult[] | null> {
  let isDead = false;
  let left = death === undefined || death.type === 'detach' ? Infinity : death.occurrence;
  const { store } = world;
  const leave = new AbortController();
  const die = (): never => {
    isDead = true;
    world.store = store.die((unsynced) => Math.floor(kept * unsynced));
    throw new Crash('killed');
  };
  store.onNote = (moment) => {
    if (death?.type === 'note' && death.moment === moment && --left === 0) die();
    if (death?.type === 'signal' && moment === 'after' && --left === 0) leave.abort();
  };
  const reached = (point: RunPoint): void => {
    if (death?.type === 'point' && death.point === point && --left === 0) die();
  };
  const terms = { queuedRequests, attempts: ATTEMPTS, judge, retryFailed, detach: death?.type === 'detach' };
  const run = world.run({ ...terms, reached, signal: leave.signal }, () => isDead);
  const results: SettledResult[] = [];
  const whole = async (): Promise<SettledResult[] | null> => {
    for await (const result of run) results.push(result);
    const end = await run.settle();
    // Where nothing failed there is nothing to take up.
    if (end.type === 'already_finished') return [];
    if (end.type === 'left') {
      expect(['signal', 'detach']).toContain(death?.type);
      await run.close();
      return null;
    }
    expect(end.type).toBe('settled');
    expect((await all(run.results('input'))).map(outcome)).toEqual(results.toSorted(byRequest).map(outcome));
    await run.finish();
    return results;
  };
  try {
    return await world.until(whole());
  } catch (error) {
    if (isDead) return null;
    throw error;
  } finally {
    store.onNote = () => undefined;
  }
}

/** One process after the other, until one finishes; null: the one that did died right then. */
async function liveOn(
  world: World,
  scenario: Scenario,
  mortal: readonly Death[],
  retryFailed: boolean,
): Promise<SettledResult[] | null> {
  const before = world.types().length;
  const hasFinished = (): boolean => world.types().length > before && world.types().at(-1) === 'finished';
  for (const death of [...mortal, undefined]) {
    const results = await live(world, scenario, death, retryFailed);
    if (results !== null || hasFinished()) {
      expect(world.types().at(-1)).toBe('finished');
      return results;
    }
    await world.clock.advance(scenario.downMs);
  }
  return expect.unreachable('nobody finished it');
}

const byRequest = (a: SettledResult, b: SettledResult): number => a.request - b.request;
const outcome = ({ customId, request, result, attempts, rejection }: SettledResult) => ({
  customId,
  request,
  result,
  attempts,
  rejection,
});

it(
  'that dies or leaves anywhere, any number of times, loses nothing and submits nothing twice',
  async () => {
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        const world = worldOf(scenario);
        let results = await liveOn(world, scenario, scenario.deaths, false);
        for (const reopeningDeaths of scenario.reopenings) {
          const again = await liveOn(world, scenario, reopeningDeaths, true);
          if (again === null || again.length > 0) results = again;
        }
        const submitted = new Map<string, number>();
        for (const id of world.server.submitted) submitted.set(id, (submitted.get(id) ?? 0) + 1);
        const expected = world.requests.map((request) => {
          const id = (request as { custom_id: string }).custom_id;
          return { id, ...expectedOf(scenario, id) };
        });
        expect(Object.fromEntries(submitted)).toEqual(
          Object.fromEntries(expected.map(({ id, attempts }) => [id, attempts])),
        );
        // However often it was judged, nobody is asked more than once more.
        const asked = world.server.batches.flatMap(({ requests }) =>
          requests.map(({ params }) => params.messages[0]?.content),
        );
        expect(asked.filter((content) => content?.includes('please please'))).toEqual([]);
        if (results === null) return;
        expect(
          results
            .toSorted(byRequest)
            .map(({ customId: id, result, attempts, rejection }) => ({ id, result, attempts, rejection })),
        ).toEqual(expected);
      }),
      {
        numRuns: RUNS,
        examples: FOUND.map((scenario) => [scenario]),
        plugins: [fc.interruptAfterTimeLimit(INTERRUPT_MS, { failOnInterrupt: true })],
      },
    );
  },
  LIMIT_MS,
);
