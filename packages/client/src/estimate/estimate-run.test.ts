import { describe, expect, it } from 'vitest';
import { BadRequestsError, type BulkRequest } from '../plan/bulk-request.ts';
import { expectedUsd, HOSTED, planned } from '../plan/planner.fixture.ts';
import { many, prose, question, request, text, user } from './doctor/workload.fixture.ts';
import { estimateRun, type EstimateOptions, type RunEstimate } from './estimate-run.ts';

const { atMs } = HOSTED;

async function estimate(
  requests: readonly BulkRequest[],
  options: Partial<EstimateOptions> = {},
): Promise<RunEstimate> {
  return estimateRun(requests, { atMs, ...options });
}

const usd = (nanoUsd: number | undefined): string => ((nanoUsd ?? NaN) / 1e9).toFixed(4);
const exactly = (tokens: number, name: string): object => text(`${name} `.padEnd(4 * tokens, 'x'));

describe('3 questions on 1 document', () => {
  const requests = many(3, (i) => ({
    max_tokens: 300,
    messages: [user(exactly(1248, 'document'), exactly(12, `${i}?`))],
  }));

  it('cost $0.0109 in two waves, and are held against the other ways', async () => {
    const { nanoUsd, against, tokens, plan } = await estimate(requests);
    expect(tokens).toMatchObject({ written1h: 1248, written5m: 0, read: 2496, input: 36 });
    expect(usd(nanoUsd?.expected)).toBe('0.0109');
    expect(usd(against.noCaching.nanoUsd?.expected)).toBe('0.0124');
    expect(plan).toMatchObject({ prefixes: 1, requestsSharing: 3, single: 0, top: [{ tokens: 1248, requests: 3 }] });
  });

  it('go as one leader and two that read', async () => {
    expect((await estimate(requests)).waves).toEqual([
      { requests: 1, leaders: 1, batches: 1, tokens: { written5m: 0, written1h: 1248, read: 0, input: 12 } },
      { requests: 2, leaders: 0, batches: 1, tokens: { written5m: 0, written1h: 0, read: 2496, input: 24 } },
    ]);
  });

  it('cost $0.0124 at once, where nobody reads, and where markers are left out', async () => {
    for (const options of [{ waves: 'off' }, { markers: 'off' }] as const) {
      const { nanoUsd, waves, tokens } = await estimate(requests, options);
      expect([usd(nanoUsd?.expected), waves.length, tokens.read]).toEqual(['0.0124', 1, 0]);
    }
  });
});

const FIVE = { type: 'ephemeral' };
const HOUR = { type: 'ephemeral', ttl: '1h' };
const workloads: readonly (readonly [string, readonly BulkRequest[]])[] = [
  [
    'two levels',
    many(60, (i) => ({ system: prose(1, 2000), messages: [user(text(prose(9 + (i % 4), 1500)), question(i))] })),
  ],
  [
    'five-minute markers, which every wave writes anew',
    many(20, (i) => ({ system: [text(prose(1, 2000), FIVE)], messages: [user(question(i))] })),
  ],
  [
    'markers on what varies',
    many(20, (i) => ({ system: [text(prose(1, 2000), HOUR)], messages: [user(text(prose(i, 900), FIVE))] })),
  ],
  [
    'several models',
    many(20, (i) => ({
      model: ['claude-sonnet-4-5', 'claude-opus-4-8'][i % 2],
      system: prose(1, 3000),
      messages: [user(question(i))],
    })),
  ],
];

describe.each(workloads)('an estimate: %s', (_, requests) => {
  it.each([{}, { waves: 'off' }, { markers: 'respect' }, { markers: 'off' }] as const)(
    'is what the plan of the run expects: %j',
    async (options) => {
      const { batches } = await planned(
        requests.map((each) => JSON.stringify(each)),
        options,
      );
      const { nanoUsd, waves } = await estimate(requests, options);
      expect((nanoUsd?.expected ?? NaN) / 1e9).toBeCloseTo(expectedUsd(batches), 9);
      expect(waves.reduce((sum, each) => sum + each.batches, 0)).toBe(batches.length);
    },
  );

  it('has tokens and money that sum: of waves, of models', async () => {
    const { tokens, waves, models, nanoUsd } = await estimate(requests);
    for (const kind of ['written5m', 'written1h', 'read', 'input'] as const) {
      expect(waves.reduce((sum, wave) => sum + wave.tokens[kind], 0)).toBe(tokens[kind]);
    }
    expect(models.reduce((sum, model) => sum + (model.nanoUsd?.expected ?? NaN), 0)).toBe(nanoUsd?.expected);
  });
});

it('warns with the ids of examples', async () => {
  const { warnings } = await estimate(many(5, (i) => ({ model: 'my-model', messages: [user(question(i))] })));
  expect(warnings).toMatchObject([
    { warning: { code: 'unknown_model_price', count: 5 }, customIds: ['r0', 'r1', 'r2'] },
  ]);
});

it('refuses what cannot be run, naming ten faults and counting the others', async () => {
  const wrong = Array.from({ length: 12 }, (_, i) => request(`not an id ${i}`, {}));
  const refusal = await estimate(wrong).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(BadRequestsError);
  expect(String(refusal).split('\n')).toHaveLength(11);
});
