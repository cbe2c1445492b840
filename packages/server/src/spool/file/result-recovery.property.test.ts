/**
 * Crashes of the results log. A run of commits is recorded effect by effect; then the process dies between any two of
 * them or inside any write, or the power goes, which also loses or mangles what was not synced. Whatever is left:
 *
 *   1. every result whose commit resolved is there
 *   2. every whole line is there, since it was paid for
 *   3. no request is there twice, and the settled set is exactly the lines
 *   4. opening again finds the same; the rest can be committed, and then each request is there once
 */
import { RESULT_TYPES, type BatchId, type ResultType } from '@batchwright/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkOf, resultLine, store, submission } from '../spool.fixture.ts';
import type { ResultLog } from '../spool.ts';
import { ENTRY_BYTES } from './done-log-format.ts';
import { openFileSpool } from './file-spool.ts';
import { applied, diskAfter, SimulatedFiles, type Disk, type FileEffect } from './simulated-files.fixture.ts';

const BATCH = 'msgbatch_01aaaaaaaaaaaaaaaaaaaaaa' as BatchId;
const ROOT = '/spool';
const LIMIT_MS = 60_000;
/** Shrinking ends in time for the seed to be told. */
const IN_TIME = { plugins: [fc.interruptAfterTimeLimit(LIMIT_MS - 10_000, { failOnInterrupt: true })] };
const RESULTS = `${ROOT}/${BATCH}/results.jsonl`;
const DONE = `${ROOT}/${BATCH}/done.log`;
const SALVAGE = `${ROOT}/${BATCH}/results.salvage`;
const REQUESTS = 12;

interface Row {
  readonly request: number;
  readonly type: ResultType;
  readonly text: string;
}

/** Requests in some order, cut into commits, some of them in a second life of the log. */
const commitsOf = (textLength: number): fc.Arbitrary<readonly (readonly Row[])[]> =>
  fc
    .tuple(
      fc.shuffledSubarray([...Array(REQUESTS).keys()], { minLength: 1 }),
      fc.array(fc.tuple(fc.constantFrom(...RESULT_TYPES), fc.string({ maxLength: textLength })), {
        minLength: REQUESTS,
        maxLength: REQUESTS,
      }),
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: REQUESTS, maxLength: REQUESTS }),
    )
    .map(([requests, contents, sizes]) => {
      const rows = requests.map((request, i): Row => {
        const [type, text] = contents[i] ?? ['succeeded', ''];
        return { request, type, text };
      });
      const commits: Row[][] = [];
      for (const size of sizes) if (rows.length > 0) commits.push(rows.splice(0, size));
      return commits;
    });

const lineOf = ({ request, type, text }: Row) => resultLine(`r-${request}`, type, text);
const textOf = (disk: Disk, path: string) => Buffer.from(disk.get(path) ?? new Uint8Array(0)).toString('utf8');
const linesOf = (text: string) => text.split('\n').slice(0, -1);
const settledOf = ({ settled }: ResultLog) =>
  [...settled.requests].map((request, i) => `${request} ${settled.types[i]}`);
const settledByLines = (lines: readonly string[]) =>
  lines.map((line) => {
    const { custom_id: id, result } = JSON.parse(line);
    return `${id.slice(2)} ${RESULT_TYPES.indexOf(result.type)}`;
  });

/** A stored batch, and the effects of committing to it; `written[i]` says after which effect commit i had resolved. */
async function record(commits: readonly (readonly Row[])[], reopenEvery: number) {
  const files = new SimulatedFiles();
  const spool = openFileSpool(ROOT, files);
  await store(spool, BATCH, submission(Array.from({ length: REQUESTS }, () => '{}')));
  const start: Disk = new Map(files.contents);
  files.effects.length = 0;
  const written: number[] = [];
  let log = await spool.openResultLog(BATCH, 0, 1);
  for (const [i, commit] of commits.entries()) {
    if (i > 0 && i % reopenEvery === 0) {
      await log.close();
      log = await spool.openResultLog(BATCH, 0, 1 + i);
    }
    expect(await log.commit(chunkOf(commit))).toBe('written');
    written.push(files.effects.length);
  }
  await log.close();
  expect(files.openFiles).toBe(0);
  return { start, effects: files.effects.slice(), written };
}

/** Opens what a crash left and holds it against the truths at the head of this file. */
async function checkRecovery(disk: Disk, committed: readonly Row[], paid: readonly string[]): Promise<void> {
  const files = new SimulatedFiles(disk);
  const log = await openFileSpool(ROOT, files).openResultLog(BATCH, 0, 7);
  const kept = linesOf(textOf(files.contents, RESULTS));
  expect(textOf(files.contents, RESULTS)).toBe(kept.map((line) => `${line}\n`).join(''));
  expect(settledOf(log)).toEqual(settledByLines(kept));
  expect(new Set(kept.map((line) => JSON.parse(line).custom_id)).size).toBe(kept.length);
  for (const row of committed) expect(kept).toContain(lineOf(row).slice(0, -1));
  for (const line of paid) expect(kept).toContain(line);
  expect(files.contents.has(SALVAGE)).toBe(false);
  await log.close();

  const spool = openFileSpool(ROOT, files);
  const again = await spool.openResultLog(BATCH, 0, 8);
  expect(settledOf(again)).toEqual(settledOf(log));
  const settled = new Set(again.settled.requests);
  const rest = [...Array(REQUESTS).keys()].filter((request) => !settled.has(request));
  await again.commit(chunkOf(rest.map((request) => ({ request, type: 'succeeded' }))));
  await again.close();
  const all = linesOf(textOf(files.contents, RESULTS)).map((line) => JSON.parse(line).custom_id);
  expect(all.toSorted()).toEqual([...Array(REQUESTS).keys()].map((request) => `r-${request}`).toSorted());
  expect(files.openFiles).toBe(0);
}

const committedBefore = (commits: readonly (readonly Row[])[], written: readonly number[], effects: number): Row[] =>
  commits.flatMap((commit, i) => ((written[i] ?? Infinity) <= effects ? commit : []));

/** Whole lines of a results file that a recovery must keep: the first of each request. */
function paidLines(text: string): string[] {
  const first = new Map<string, string>();
  for (const line of linesOf(text)) {
    try {
      const { custom_id: id } = JSON.parse(line);
      if (!first.has(id)) first.set(id, line);
    } catch {
      // Not a line.
    }
  }
  return [...first.values()];
}

test(
  'a kill at any byte of any write loses nothing that was whole',
  async () => {
    await fc.assert(
      fc.asyncProperty(commitsOf(6), fc.integer({ min: 1, max: 3 }), async (commits, reopenEvery) => {
        const { start, effects, written } = await record(commits, reopenEvery);
        for (let count = 0; count <= effects.length; count++) {
          const last = effects[count - 1];
          const length = last?.type === 'write' ? last.bytes.length : 0;
          for (let bytes = length === 0 ? 0 : 1; bytes <= length; bytes++) {
            const disk = diskAfter(start, effects.slice(0, count), bytes);
            const resolved = bytes === length ? count : count - 1;
            await checkRecovery(disk, committedBefore(commits, written, resolved), paidLines(textOf(disk, RESULTS)));
          }
        }
      }),
      { numRuns: 5, ...IN_TIME },
    );
  },
  LIMIT_MS,
);

test(
  'garbage behind a cut is cut as well',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        commitsOf(40),
        fc.nat(),
        fc.nat(),
        fc.uint8Array({ maxLength: 60 }),
        fc.uint8Array({ maxLength: 60 }),
        async (commits, at, cut, behindResults, behindDone) => {
          const { start, effects, written } = await record(commits, 3);
          const count = at % (effects.length + 1);
          const last = effects[count - 1];
          const bytes = last?.type === 'write' ? cut % (last.bytes.length + 1) : 0;
          const disk = diskAfter(start, effects.slice(0, count), bytes);
          disk.set(RESULTS, Buffer.concat([disk.get(RESULTS) ?? new Uint8Array(0), behindResults]));
          disk.set(DONE, Buffer.concat([disk.get(DONE) ?? new Uint8Array(0), behindDone]));
          const resolved = bytes === (last?.type === 'write' ? last.bytes.length : 0) ? count : count - 1;
          await checkRecovery(disk, committedBefore(commits, written, resolved), []);
        },
      ),
      { numRuns: 400, ...IN_TIME },
    );
  },
  LIMIT_MS,
);

/** What became of one unsynced write when the power went. */
type Fate = { readonly kept: 'all' | 'none' | 'zeros' | 'part'; readonly from: number; readonly to: number };
const fate: fc.Arbitrary<Fate> = fc.record({
  kept: fc.constantFrom('all', 'none', 'zeros', 'part'),
  from: fc.double({ min: 0, max: 1, noNaN: true }),
  to: fc.double({ min: 0, max: 1, noNaN: true }),
});

/** Applies effects; those after the last sync of their file meet their fate. */
function diskAfterPowerLoss(
  start: Disk,
  effects: readonly FileEffect[],
  fates: readonly Fate[],
): Map<string, Uint8Array> {
  const lastSync = new Map<string, number>();
  effects.forEach((effect, i) => effect.type === 'sync' && lastSync.set(effect.path, i));
  const disk = new Map(start);
  effects.forEach((effect, i) => {
    if (effect.type === 'remove') disk.delete(effect.path);
    if (effect.type !== 'write' && effect.type !== 'truncate') return;
    const before = disk.get(effect.path) ?? new Uint8Array(0);
    const safe = effect.type === 'truncate' || i < (lastSync.get(effect.path) ?? -1);
    disk.set(effect.path, applied(before, safe ? effect : mangled(effect, fates[i % fates.length])));
  });
  return disk;
}

function mangled(effect: Extract<FileEffect, { type: 'write' }>, fate: Fate | undefined): typeof effect {
  const bytes = effect.bytes.slice();
  const length = bytes.length;
  if (fate === undefined || fate.kept === 'all') return effect;
  if (fate.kept === 'none') return { ...effect, position: 0, bytes: bytes.subarray(0, 0) };
  if (fate.kept === 'part') return { ...effect, bytes: bytes.subarray(0, Math.floor(fate.to * length)) };
  bytes.fill(0, Math.floor(fate.from * length), Math.ceil(fate.to * length));
  return { ...effect, bytes };
}

test(
  'a loss of power keeps what was committed, and every whole line behind what it mangled',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        commitsOf(40),
        fc.nat(),
        fc.array(fate, { minLength: 1, maxLength: 20 }),
        async (commits, at, fates) => {
          const { start, effects, written } = await record(commits, 3);
          const count = at % (effects.length + 1);
          const disk = diskAfterPowerLoss(start, effects.slice(0, count), fates);
          await checkRecovery(disk, committedBefore(commits, written, count), paidLines(textOf(disk, RESULTS)));
        },
      ),
      { numRuns: 400, ...IN_TIME },
    );
  },
  LIMIT_MS,
);

test(
  'a crash while a recovery is at work loses nothing either',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        commitsOf(30),
        fc.nat(),
        fc.array(fate, { minLength: 1, maxLength: 20 }),
        async (commits, at, fates) => {
          const { start, effects, written } = await record(commits, 3);
          const count = at % (effects.length + 1);
          const damaged = diskAfterPowerLoss(start, effects.slice(0, count), fates);
          const committed = committedBefore(commits, written, count);
          const paid = paidLines(textOf(damaged, RESULTS));
          const files = new SimulatedFiles(damaged);
          await (await openFileSpool(ROOT, files).openResultLog(BATCH, 0, 7)).close();
          for (let done = 0; done <= files.effects.length; done++) {
            await checkRecovery(diskAfter(damaged, files.effects.slice(0, done)), committed, paid);
          }
        },
      ),
      { numRuns: 60, ...IN_TIME },
    );
  },
  LIMIT_MS,
);

test(
  'a loss of power during or after the recovery from a kill loses nothing that was committed',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        commitsOf(30),
        fc.nat(),
        fc.nat(),
        fc.array(fate, { minLength: 1, maxLength: 20 }),
        async (commits, at, cut, fates) => {
          const { start, effects, written } = await record(commits, 3);
          const before = effects.slice(0, at % (effects.length + 1));
          const files = new SimulatedFiles(diskAfter(start, before));
          const log = await openFileSpool(ROOT, files).openResultLog(BATCH, 0, 7);
          const settled = new Set(log.settled.requests);
          const request = [...Array(REQUESTS).keys()].find((candidate) => !settled.has(candidate));
          const last: Row[] = request === undefined ? [] : [{ request, type: 'expired', text: '' }];
          await log.commit(chunkOf(last));
          const all = [...before, ...files.effects];
          const count = before.length + (cut % (files.effects.length + 1));
          const committed = committedBefore(commits, written, before.length);
          await checkRecovery(
            diskAfterPowerLoss(start, all.slice(0, count), fates),
            count === all.length ? [...committed, ...last] : committed,
            [],
          );
        },
      ),
      { numRuns: 400, ...IN_TIME },
    );
  },
  LIMIT_MS,
);

test(
  'a loss of power during the recovery from a loss of power loses no whole line',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        commitsOf(30),
        fc.nat(),
        fc.nat(),
        fc.array(fate, { minLength: 1, maxLength: 20 }),
        async (commits, at, cut, fates) => {
          const { start, effects, written } = await record(commits, 3);
          const count = at % (effects.length + 1);
          const damaged = diskAfterPowerLoss(start, effects.slice(0, count), fates);
          const files = new SimulatedFiles(damaged);
          await (await openFileSpool(ROOT, files).openResultLog(BATCH, 0, 7)).close();
          const again = files.effects.slice(0, cut % (files.effects.length + 1));
          await checkRecovery(
            diskAfterPowerLoss(damaged, again, fates.toReversed()),
            committedBefore(commits, written, count),
            paidLines(textOf(damaged, RESULTS)),
          );
        },
      ),
      { numRuns: 400, ...IN_TIME },
    );
  },
  LIMIT_MS,
);

test('a request that two whole lines settle is kept once, as its first line says', async () => {
  const { start, effects } = await record([[{ request: 3, type: 'succeeded', text: 'first' }]], 9);
  const disk = diskAfter(start, effects);
  const more = resultLine('r-3', 'errored') + resultLine('r-4', 'succeeded', 'kept');
  disk.set(RESULTS, Buffer.concat([disk.get(RESULTS) ?? new Uint8Array(0), Buffer.from(more)]));
  const files = new SimulatedFiles(disk);
  const log = await openFileSpool(ROOT, files).openResultLog(BATCH, 0, 2);
  expect(textOf(files.contents, RESULTS)).toBe(
    resultLine('r-3', 'succeeded', 'first') + resultLine('r-4', 'succeeded', 'kept'),
  );
  expect(settledOf(log)).toEqual(['3 0', '4 0']);
  await log.close();
});

test('results outlive the loss of the done log', async () => {
  const rows: Row[] = [0, 1, 2].map((request) => ({ request, type: 'succeeded', text: `answer ${request}` }));
  const { start, effects } = await record([rows], 9);
  const disk = diskAfter(start, effects);
  disk.delete(DONE);
  await checkRecovery(disk, rows, []);
});

test('lines before the last marker are not read', async () => {
  const rows: Row[] = [0, 1, 2].map((request) => ({ request, type: 'succeeded', text: 'x'.repeat(50) }));
  const { start, effects } = await record(
    rows.map((row) => [row]),
    9,
  );
  const disk = diskAfter(start, effects);
  const results = disk.get(RESULTS)?.slice() ?? new Uint8Array(0);
  results[20] = 0; // Damage that only a reader of the first line would see.
  disk.set(RESULTS, results);
  const log = await openFileSpool(ROOT, new SimulatedFiles(disk)).openResultLog(BATCH, 0, 2);
  expect([...log.settled.requests]).toEqual([0, 1, 2]);
  await log.close();
});

test('an entry is 16 bytes, whatever its line is', async () => {
  const rows: Row[] = [0, 1, 2].map((request) => ({ request, type: 'succeeded', text: 'x'.repeat(5000) }));
  const { start, effects } = await record([rows], 9);
  expect(diskAfter(start, effects).get(DONE)?.length).toBe((1 + 1 + 3) * ENTRY_BYTES);
});

test('a done log that lost an entry is mended from the lines', async () => {
  const rows: Row[] = [0, 1, 2, 3].map((request) => ({ request, type: 'errored', text: '' }));
  const { start, effects } = await record(
    rows.map((row) => [row]),
    9,
  );
  const disk = diskAfter(start, effects);
  const done = disk.get(DONE) ?? new Uint8Array(0);
  disk.set(DONE, Buffer.concat([done.subarray(0, 4 * ENTRY_BYTES), done.subarray(5 * ENTRY_BYTES)]));
  await checkRecovery(disk, rows, []);
});
