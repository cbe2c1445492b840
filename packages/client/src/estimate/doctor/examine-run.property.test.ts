import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { BulkRequest } from '../../plan/bulk-request.ts';
import { examineRun } from './examine-run.ts';
import { findingText } from './finding-text.ts';
import { many, prose, question, text, user } from './workload.fixture.ts';

const RUNS = Number(process.env['BATCHWRIGHT_FUZZ_RUNS'] ?? 40);
const LIMIT_MS = 60_000 + 400 * RUNS;
/** Shrinking ends in time for the seed to be told. */
const INTERRUPT_MS = LIMIT_MS - 10_000;

const HOUR = { type: 'ephemeral', ttl: '1h' };

/** Whatever is shared is in blocks of its own, at the front, marked well or not at all, and long enough; the rest differs. */
const cleanRun = fc.record({
  system: fc.constantFrom(null, 1200, 4000),
  tools: fc.constantFrom(0, 1, 3),
  documents: fc.integer({ min: 0, max: 6 }),
  documentTokens: fc.integer({ min: 1100, max: 5000 }),
  asTexts: fc.boolean(),
  isMarked: fc.boolean(),
  count: fc.integer({ min: 1, max: 60 }),
  seed: fc.integer({ min: 0, max: 1000 }),
});

type CleanRun = typeof cleanRun extends fc.Arbitrary<infer Run> ? Run : never;

function requestsOf({
  system,
  tools,
  documents,
  documentTokens,
  asTexts,
  isMarked,
  count,
  seed,
}: CleanRun): readonly BulkRequest[] {
  const marker = isMarked ? HOUR : undefined;
  const shared = system === null ? null : prose(seed, system);
  return many(count, (i) => {
    const document =
      documents === 0 ? null : prose(seed + 10_000 + (i % documents), documentTokens + (i % documents) * 90);
    return {
      ...(tools > 0 && {
        tools: Array.from({ length: tools }, (_, t) => ({
          name: `tool_${t}`,
          description: prose(seed + 50 + t, 1100),
        })),
      }),
      ...(shared !== null && {
        system: asTexts ? shared : [text(shared, documents === 0 && count >= 3 ? marker : undefined)],
      }),
      // A document that one request has alone is marked by nobody who knows what it costs.
      messages: [
        user(
          ...(document === null ? [] : [text(document, count >= 3 * documents ? marker : undefined)]),
          question(seed * 100 + i),
        ),
      ],
    };
  });
}

it(
  'of a run that is as it should be there is nothing to say',
  async () => {
    await fc.assert(
      fc.asyncProperty(cleanRun, async (run) => {
        const requests = requestsOf(run);
        const { findings } = await examineRun(() => requests, { atMs: Date.parse('2026-11-21T00:00:00Z') });
        expect(findings.map((finding) => findingText(finding).problem)).toEqual([]);
      }),
      { numRuns: RUNS, plugins: [fc.interruptAfterTimeLimit(INTERRUPT_MS, { failOnInterrupt: true })] },
    );
  },
  LIMIT_MS,
);
