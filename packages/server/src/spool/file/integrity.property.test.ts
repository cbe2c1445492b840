/**
 * Damage to what is stored: one byte flipped, or a file cut, at any place of any file of a batch. Whoever reads then gets
 * the bytes that were written, or is told; never something else that passes for whole.
 */
import { RESULT_TYPES, type BatchId, type ResultType } from '@batchwright/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blocksOf, chunkOf, resultLine, submission } from '../spool.fixture.ts';
import type { ResultReader, Spool } from '../spool.ts';
import { StoredDamageError } from '../stored-damage.ts';
import { openFileSpool } from './file-spool.ts';
import { SimulatedFiles, type Disk } from './simulated-files.fixture.ts';

const BATCH = 'msgbatch_01aaaaaaaaaaaaaaaaaaaaaa' as BatchId;
const ROOT = '/spool';
const LIMIT_MS = 60_000;
/** Shrinking ends in time for the seed to be told. */
const IN_TIME = { plugins: [fc.interruptAfterTimeLimit(LIMIT_MS - 10_000, { failOnInterrupt: true })] };
const PLAN = Buffer.from('a plan');
const pathOf = (name: string): string => `${ROOT}/${BATCH}/${name}`;

interface Row {
  readonly request: number;
  readonly type: ResultType;
  readonly text: string;
}

/** Commits that settle some of so many requests, in some order. */
const commits = (requests: number, least: number): fc.Arbitrary<readonly (readonly Row[])[]> =>
  fc
    .tuple(
      fc.shuffledSubarray([...Array(requests).keys()], { minLength: least }),
      fc.array(fc.tuple(fc.constantFrom(...RESULT_TYPES), fc.string({ maxLength: 60, unit: 'grapheme' })), {
        minLength: requests,
        maxLength: requests,
      }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: requests, maxLength: requests }),
    )
    .map(([order, contents, sizes]) => {
      const rows = order.map((request, i): Row => {
        const [type, text] = contents[i] ?? ['succeeded', ''];
        return { request, type, text };
      });
      return sizes.flatMap((size) => (rows.length > 0 ? [rows.splice(0, size)] : []));
    });

/** What a disk may do to a file: `at` is a share of its length. */
type Damage =
  | { readonly type: 'flip'; readonly at: number; readonly mask: number }
  | { readonly type: 'cut'; readonly at: number };
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const damages: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ type: fc.constant('flip' as const), at: share, mask: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ type: fc.constant('cut' as const), at: share }),
);

function damaged(disk: Disk, path: string, damage: Damage): Disk {
  const bytes = disk.get(path)?.slice() ?? new Uint8Array(0);
  const at = Math.floor(damage.at * bytes.length);
  if (damage.type === 'flip') bytes[at] = (bytes[at] ?? 0) ^ damage.mask;
  return new Map(disk).set(path, damage.type === 'flip' ? bytes : bytes.subarray(0, at));
}

/** A batch of so many requests with these results, and the results as they were written. */
async function stored(requests: number, all: readonly (readonly Row[])[]): Promise<{ disk: Disk; text: string }> {
  const files = new SimulatedFiles();
  const spool = openFileSpool(ROOT, files);
  const { body, index } = submission(Array.from({ length: requests }, () => '{}'));
  const writer = await spool.createRequestLog(BATCH);
  await Promise.all(blocksOf(body).map((block) => writer.append(block)));
  await writer.commit(index, PLAN);
  const log = await spool.openResultLog(BATCH, 0, 1);
  for (const rows of all) await log.commit(chunkOf(rows));
  await log.close();
  return { disk: files.contents, text: all.flat().map(lineOf).join('') };
}

const lineOf = ({ request, type, text }: Row): string => resultLine(`r-${request}`, type, text);

/** All that a reader gives until it ends, in steps of some size; null when it, or its opening, told of damage. */
async function readAll(opening: Promise<ResultReader | null>, step: number): Promise<string | null> {
  let reader: ResultReader | null = null;
  try {
    reader = await opening;
    const parts: Buffer[] = [];
    const part = new Uint8Array(step);
    let position = 0;
    for (let count = -1; count !== 0; position += count) {
      count = (await reader?.read(part, position)) ?? 0;
      parts.push(Buffer.from(part.subarray(0, count)));
    }
    return Buffer.concat(parts).toString();
  } catch (error) {
    expect(error).toBeInstanceOf(StoredDamageError);
    return null;
  } finally {
    await reader?.close();
  }
}

test(
  'a results file or done log that was cut, or in which a byte was flipped, is never served as whole',
  async () => {
    const file = fc.constantFrom('results.jsonl', 'done.log');
    await fc.assert(
      fc.asyncProperty(
        commits(30, 30),
        file,
        damages,
        fc.integer({ min: 1, max: 500 }),
        async (all, name, how, step) => {
          const { disk, text } = await stored(30, all);
          const files = new SimulatedFiles(disk);
          const met: StoredDamageError[] = [];
          const spool = openFileSpool(ROOT, files, (error) => met.push(error));
          expect(await readAll(spool.readResults(BATCH), step)).toBe(text);
          files.contents.set(pathOf(name), damaged(disk, pathOf(name), how).get(pathOf(name)) ?? new Uint8Array(0));
          expect(await readAll(spool.readResults(BATCH), step)).toBe(null);
          expect(met.at(-1)?.place.batchId).toBe(BATCH);
          // From now on it is said before anything is read.
          await expect(spool.readResults(BATCH)).rejects.toBe(met.at(-1));
          // What was put back is served again.
          files.contents.set(pathOf(name), disk.get(pathOf(name)) ?? new Uint8Array(0));
          expect(await readAll(spool.readResults(BATCH), step)).toBe(text);
          expect(files.openFiles).toBe(0);
        },
      ),
      { numRuns: 200, ...IN_TIME },
    );
  },
  LIMIT_MS,
);

test(
  'of damaged results, each line is read as it was written, or it is said',
  async () => {
    await fc.assert(
      fc.asyncProperty(commits(30, 30), damages, fc.integer({ min: 1, max: 500 }), async (all, how, step) => {
        const { disk, text } = await stored(30, all);
        const spool = openFileSpool(ROOT, new SimulatedFiles(damaged(disk, pathOf('results.jsonl'), how)));
        const reader = await spool.readResults(BATCH, { despiteDamage: true });
        const { lineBytes } = await spool.settledLines(BATCH, reader?.bytes ?? 0);
        const lines = text.split('\n').map((line) => `${line}\n`);
        let [position, bad] = [0, 0];
        for (const [row, bytes] of lineBytes.entries()) {
          const line = await linePart(reader, position, bytes, step);
          if (line === null) bad++;
          else expect(line).toBe(lines[row]);
          position += bytes;
        }
        expect(lineBytes).toHaveLength(30);
        if (how.type === 'flip') expect(bad).toBe(1);
        else expect(bad).toBeGreaterThan(0);
        await reader?.close();
      }),
      { numRuns: 150, ...IN_TIME },
    );
  },
  LIMIT_MS,
);

async function linePart(reader: ResultReader | null, from: number, bytes: number, step: number) {
  if (reader === null) return null;
  const line = new Uint8Array(bytes);
  try {
    for (let done = 0; done < bytes;) {
      const count = await reader.read(line.subarray(done, done + step), from + done);
      expect(count).toBeGreaterThan(0);
      done += count;
    }
    return Buffer.from(line).toString();
  } catch (error) {
    expect(error).toBeInstanceOf(StoredDamageError);
    return null;
  }
}

test(
  'a batch that runs ends with every result right, or it is said, whatever is damaged while nobody has it open',
  async () => {
    const file = fc.constantFrom('results.jsonl', 'done.log');
    await fc.assert(
      fc.asyncProperty(commits(20, 1), file, damages, async (all, name, how) => {
        const { disk } = await stored(20, all);
        const files = new SimulatedFiles(damaged(disk, pathOf(name), how));
        const spool = openFileSpool(ROOT, files);
        const log = await spool.openResultLog(BATCH, 0, 2);
        const settled = new Set(log.settled.requests);
        const open = [...Array(20).keys()].filter((request) => !settled.has(request));
        const rest = open.map((request): Row => ({ request, type: 'succeeded', text: 'again' }));
        if (rest.length > 0) await log.commit(chunkOf(rest));
        await log.close();
        const read = await readAll(spool.readResults(BATCH), 100);
        const before = new Set(all.flat().map(lineOf));
        const lines = (read ?? '').split('\n').slice(0, -1);
        const wrong = lines.filter((line) => !before.has(`${line}\n`) && !rest.map(lineOf).includes(`${line}\n`));
        expect(wrong).toEqual([]);
        if (read !== null) expect(new Set(lines.map((line) => JSON.parse(line).custom_id)).size).toBe(20);
        // Only a flip inside what a marker proves goes unnoticed until it is read; all else is mended, and said.
        if (name === 'done.log' || how.type === 'cut') expect(read).not.toBe(null);
        if (name === 'results.jsonl' && read !== null) expect(log.findings.lost).toBeGreaterThan(0);
      }),
      { numRuns: 200, ...IN_TIME },
    );
  },
  LIMIT_MS,
);

test(
  'results so far are right or refused, for whoever reads on from any line',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        commits(20, 2),
        damages,
        fc.nat(),
        fc.integer({ min: 1, max: 200 }),
        async (all, how, at, step) => {
          const { disk, text } = await stored(20, all);
          const files = new SimulatedFiles(disk);
          const spool = openFileSpool(ROOT, files);
          const log = await spool.openResultLog(BATCH, 0, 2);
          const path = pathOf('results.jsonl');
          files.contents.set(path, damaged(disk, path, how).get(path) ?? new Uint8Array(0));
          const starts = [
            0,
            ...[...text.matchAll(/\n/g)].map(({ index }) => Buffer.byteLength(text.slice(0, index + 1))),
          ];
          const from = starts[at % (starts.length - 1)] ?? 0;
          const opening = spool.readDurableResults(BATCH).catch((error: unknown) => {
            expect(error).toBeInstanceOf(StoredDamageError);
            return null;
          });
          const reader = await opening;
          const read = await linePart(reader, from, Buffer.byteLength(text) - from, step);
          if (reader !== null && read !== null) expect(read).toBe(Buffer.from(text).subarray(from).toString());
          await reader?.close();
          await log.close();
        },
      ),
      { numRuns: 150, ...IN_TIME },
    );
  },
  LIMIT_MS,
);

test('an index that was cut or flipped is refused, and so is a body that was cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('index', 'body'), damages, async (name, how) => {
      fc.pre(name === 'index' || how.type === 'cut');
      const { disk } = await stored(20, []);
      const spool: Spool = openFileSpool(ROOT, new SimulatedFiles(damaged(disk, pathOf(name), how)));
      await expect(spool.openRequestLog(BATCH)).rejects.toBeInstanceOf(StoredDamageError);
    }),
  );
});

test('a plan that was cut or flipped is none, and nothing else changes', async () => {
  await fc.assert(
    fc.asyncProperty(damages, async (how) => {
      const { disk } = await stored(20, []);
      const spool = openFileSpool(ROOT, new SimulatedFiles(damaged(disk, pathOf('plan'), how)));
      const log = await spool.openRequestLog(BATCH);
      expect(log.plan).toBe(null);
      expect(Buffer.from(await log.readParams(19)).toString()).toBe('{}');
      await log.close();
    }),
  );
});
