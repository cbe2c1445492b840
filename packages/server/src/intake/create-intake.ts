import { knownModels, type Clock, type ModelTable, type Prediction, type UpstreamProfile } from '@batchwright/core';
import { type BatchId, makeId, microsecondsFromMs, type Problem, type RandomBytes } from '@batchwright/protocol';
import type { Catalog } from '../catalog/catalog.ts';
import type { BodyScanner } from '@batchwright/scan';
import { storageFault } from '../runtime/storage-fault.ts';
import type { Spool } from '../spool/spool.ts';
import { planBatch } from './batch-plan.ts';
import type { BatchTerms, Intake, IntakeOutcome, PassingBody } from './intake.ts';
import { estimateBody, type EstimateParts } from './estimate.ts';
import { LazyRequestLog } from './lazy-request-log.ts';
import { promptSeed } from './prompt-seed.ts';
import { ScannerPool } from './scanner-pool.ts';
import { Upload } from './upload.ts';

export interface IntakeParts {
  readonly spool: Pick<Spool, 'createRequestLog'>;
  readonly catalog: { readonly batches: Pick<Catalog['batches'], 'create' | 'exists'> };
  /** How the upstream caches prompts. */
  readonly profile: UpstreamProfile;
  /** What its models cost, and from how many tokens on they cache; what is known of them anyway, unless it is given. */
  readonly models?: ModelTable;
  /** Whether it gives the batch discount. */
  readonly hasBatchDiscount: boolean;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** Bodies read at once; each costs the memory of a scanner, up to 39 MB. Others wait unread. */
  readonly concurrentUploads: number;
  /** How the server sends at this moment: long calls want entries that live longer, and estimates warn of them. */
  readonly pace?: () => { readonly concurrency: number; readonly durationMs: number };
  /** Told of every upload that got its turn: bytes received, and seconds until its outcome. */
  readonly observe?: (receivedBytes: number, seconds: number) => void;
}

/** Requests leave the queue as they settle; when, nobody knows. This is how often it is worth asking again. */
const QUEUE_FULL_RETRY_SECONDS = 60;

/** The intake of a server: at most `concurrentUploads` bodies pass through it at a time. */
export function createIntake(parts: IntakeParts): Intake {
  const pool = new ScannerPool(parts.concurrentUploads);
  const { pace = () => UNKNOWN_PACE, models = knownModels(parts.profile) } = parts;
  const whole = { ...parts, pace, models };
  return {
    receive: (body, terms, queueLimit) =>
      withScanner(pool, body, (scanner) => new Submission(whole, scanner, body, terms).run(queueLimit)),
    estimate: (body, asked) => withScanner(pool, body, (scanner) => estimateBody(whole, scanner, body, asked)),
  };
}

/** Calls that are never late. */
const UNKNOWN_PACE = { concurrency: 1, durationMs: 0 };

/** Waits for a body's turn, which never comes if it goes away before. */
async function withScanner<Outcome>(
  pool: ScannerPool,
  body: PassingBody,
  use: (scanner: BodyScanner) => Promise<Outcome>,
): Promise<Outcome | { readonly type: 'broken_off' }> {
  // A body that fails after its outcome is known fails for whoever owns the stream; unheard it would end the process.
  body.on('error', () => undefined);
  const scanner = await pool.borrow(body);
  if (scanner === null) return { type: 'broken_off' };
  try {
    return await use(scanner);
  } finally {
    pool.giveBack(scanner);
  }
}

type SubmissionParts = IntakeParts & EstimateParts;

/** One body, from its first byte to a durable batch or to no trace. */
class Submission {
  readonly #parts: SubmissionParts;
  readonly #scanner: BodyScanner;
  readonly #terms: BatchTerms;
  readonly #batchId: BatchId;
  readonly #log: LazyRequestLog;
  readonly #upload: Upload;

  constructor(parts: SubmissionParts, scanner: BodyScanner, body: PassingBody, terms: BatchTerms) {
    this.#parts = parts;
    this.#scanner = scanner;
    this.#terms = terms;
    this.#batchId = makeId('batch', parts.randomBytes) as BatchId;
    this.#log = new LazyRequestLog(parts.spool, this.#batchId);
    this.#upload = new Upload(body, scanner, (block) => this.#log.append(block), parts.clock);
  }

  async run(queueLimit: number | null): Promise<IntakeOutcome> {
    const startedMs = this.#parts.clock.now();
    try {
      const outcome = await this.#receive(queueLimit);
      if (outcome.type !== 'accepted') await this.#log.discard();
      return outcome;
    } catch (error) {
      return await this.#giveUp(error);
    } finally {
      this.#parts.observe?.(this.#upload.receivedBytes, (this.#parts.clock.now() - startedMs) / 1000);
    }
  }

  async #receive(queueLimit: number | null): Promise<IntakeOutcome> {
    this.#scanner.begin(this.#parts.randomBytes, promptSeed(this.#terms.betas), false);
    const end = await this.#upload.run();
    if (end.type === 'failed') throw end.error;
    if (end.type !== 'complete') return end;
    const { hasBatchDiscount: isBatch, clock, pace } = this.#parts;
    const { options } = this.#terms;
    const terms = { atMs: clock.now(), isBatch };
    const blocks = this.#scanner.promptBlocks();
    const unpriced = options.budgetNanoUsd === null ? undefined : this.#unpricedModel(blocks.models);
    if (unpriced !== undefined) return { type: 'refused', problem: budgetMeaningless(unpriced) };
    const { bytes, prediction } = await planBatch(blocks, options, this.#parts, pace().durationMs, terms);
    await this.#log.commit(this.#scanner.index(end.count), bytes);
    return this.#register(end.count, queueLimit, prediction);
  }

  /** The first of the batch's models that has no price. What names no model will be refused when it runs, and costs nothing. */
  #unpricedModel(names: readonly string[]): string | undefined {
    const { models, clock } = this.#parts;
    return names.find((name) => name !== '' && models.findPrices(name, 0, clock.now()) === null);
  }

  /** The log is durable first: a batch that the catalog knows can always be read. */
  async #register(requestCount: number, queueLimit: number | null, prediction: Prediction): Promise<IntakeOutcome> {
    const { catalog, clock } = this.#parts;
    const batch = { ...this.#terms, id: this.#batchId, requestCount };
    const created = await catalog.batches.create(batch, microsecondsFromMs(clock.now()), queueLimit, prediction);
    if (created.type === 'created') return { type: 'accepted', batch: created.batch };
    return { type: 'refused', problem: queueFull(requestCount, created.queued, queueLimit) };
  }

  /** A create that failed may have committed all the same: the log of a batch that the catalog knows must stay. */
  #mayBeKnown(): Promise<boolean> {
    return this.#parts.catalog.batches.exists(this.#batchId).catch(() => true);
  }

  /** A full disk is an answer; anything else that fails is for the caller to hear as it was. */
  async #giveUp(error: unknown): Promise<IntakeOutcome> {
    // What failed first says more than that its traces could not be removed either; start-up removes those.
    if (!(await this.#mayBeKnown())) await this.#log.discard().catch(() => undefined);
    if (storageFault(error) === 'full') return { type: 'refused', problem: { type: 'storage_full' } };
    throw error;
  }
}

/** Characters of a client's name for a model that are said back to it. */
const SHOWN_NAME = 200;

function budgetMeaningless(model: string): Problem {
  const reason =
    `No price is known for the model \`${model.slice(0, SHOWN_NAME)}\`, so its cost cannot be held against a budget. ` +
    'Leave the budget out, or have its price stated in the file that BATCHWRIGHT_PRICES names.';
  return { type: 'option_invalid', name: 'budget_usd', reason };
}

function queueFull(submitted: number, queued: number, limit: number | null): Problem {
  if (limit === null) throw new Error('The catalog found a queue full that has no limit.');
  return { type: 'queue_full', limit, queued, submitted, retryAfterSeconds: QUEUE_FULL_RETRY_SECONDS };
}
