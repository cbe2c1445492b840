import type { KeyId, WorkspaceId } from '@batchwright/protocol';
import type { RequestIndex } from '@batchwright/scan';
import { Readable } from 'node:stream';
import { rerunBody } from '../../packages/server/src/http/rerun-body.ts';
import { selectRequests } from '../../packages/server/src/http/rerun-selection.ts';
import type { BatchTerms } from '../../packages/server/src/intake/intake.ts';
import { SpoolFullError, type ResultReader } from '../../packages/server/src/spool/spool.ts';
import { withIntake } from './lent-intake.ts';
import { promise, type Promised } from './promised.ts';
import type { ServerProcess } from './server-process.ts';
import { WORKSPACES, type World } from './world.ts';

/** Takes the failed ones, as a rerun does that is not told otherwise. */
const FAILED = { types: new Set(['errored', 'canceled', 'expired'] as const), errorTypes: null };
/** Long enough to be cached: what batches share, or do not. */
const DOCUMENTS = ['first', 'second'].map((name) => `${name} `.padEnd(6000, 'lorem ipsum '));
const SMALLEST = '{"custom_id":"x","params":{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]}}';
const MARKERS = ['respect', 'auto', 'off'] as const;
const SMALL_BUDGET_NANO_USD = 200_000;

type Outcome<T> =
  | { readonly type: 'gone' }
  | { readonly type: 'failed' }
  | { readonly type: 'answered'; readonly answer: T };

/**
 * What clients do to a server, through the same services that its HTTP room calls, and what they remember. A call that the
 * process did not live to answer may have happened or not, and they treat it so.
 */
export class Clients {
  /** Sizes of new batches. */
  size = (): number =>
    this.#world.chance.isLucky(0.1) ? this.#world.chance.between(50, 300) : this.#world.chance.between(1, 12);
  readonly #world: World;
  #batches = 0;
  #creating: Promise<unknown> = Promise.resolve();

  constructor(world: World) {
    this.#world = world;
  }

  /** Sends a new batch. */
  async create(): Promise<void> {
    const { chance } = this.#world;
    const batch = this.#batches++;
    const count = this.size();
    const names = Array.from({ length: count }, (_, i) => `b${batch}-${i}${chance.isLucky(0.05) ? '-refuse-me' : ''}`);
    const shared = chance.isLucky(0.4) ? chance.pick(DOCUMENTS) : null;
    const isBudgeted = chance.isLucky(0.1);
    const model = isBudgeted ? 'claude-haiku-4-5' : 'm';
    const requests = names.map((custom_id) => ({
      custom_id,
      params: { model, max_tokens: 5, messages: [{ role: 'user', content: contentOf(custom_id, shared) }] },
    }));
    const terms = this.#terms(chance.pick(WORKSPACES), isBudgeted ? SMALL_BUDGET_NANO_USD : null);
    await this.#submit(() => Readable.from([Buffer.from(JSON.stringify({ requests }))]), terms, names);
  }

  /** Sends what no server takes. Nothing of it may stay. */
  async createBadly(): Promise<void> {
    const bodies = [
      '{"requests":[]}',
      `{"requests":[${SMALLEST},${SMALLEST}]}`,
      '{"req',
      `{"requests":[${SMALLEST}]} !`,
    ];
    await this.#sendBadly(this.#world.chance.pick(bodies), null);
  }

  /** Sends a good batch for which the queue has no room: it is refused once it is durable. */
  async createOverLimit(): Promise<void> {
    await this.#sendBadly(`{"requests":[${SMALLEST}]}`, 0);
  }

  async cancel(): Promise<void> {
    const { process } = this.#world;
    const batch = this.#pickLive();
    if (batch === null) return;
    batch.cancelAsked = true;
    const { workspaceId, id } = batch;
    const outcome = await this.#ask(process, () => process.catalog.batches.cancel(workspaceId, id, this.#world.nowUs));
    if (outcome.type !== 'answered') return;
    if (outcome.answer === 'missing') return this.#world.violated(`${id} went missing`);
    process.engine.scheduler.cancelRequested(outcome.answer);
    if (outcome.answer.status === 'canceling') batch.cancelledAtCall ??= this.#world.upstream.callCount;
  }

  async delete(): Promise<void> {
    const { process } = this.#world;
    const batch = this.#pickEnded();
    if (batch === null) return;
    const { workspaceId, id } = batch;
    batch.ledgerAtDeletion = await this.#world.ledger(batch);
    // Of a delete whose answer is lost nobody knows whether it happened, and both are right.
    batch.deleted = true;
    const outcome = await this.#ask(process, () => process.catalog.batches.delete(workspaceId, id, this.#world.nowUs));
    if (outcome.type !== 'answered') return;
    if (outcome.answer !== 'deleted') this.#world.violated(`delete of the ended ${id} was ${outcome.answer}`);
    await this.#ask(process, () => process.engine.segmentRemover.runOnce());
  }

  /** Sets a batch's budget, or lifts it. */
  async budget(): Promise<void> {
    const batch = this.#pickLive();
    if (batch === null) return;
    await this.#setBudget(batch, this.#world.chance.pick([null, 100, SMALL_BUDGET_NANO_USD * 10]));
  }

  /** Lifts every budget, so that all can end. */
  async liftBudgets(): Promise<void> {
    for (const batch of this.#world.promised) if (!batch.ended && !batch.deleted) await this.#setBudget(batch, null);
  }

  /** Runs what failed of an ended batch again. */
  async rerun(): Promise<void> {
    const { process } = this.#world;
    const batch = this.#pickEnded((ended) => ended.toCall === Number.POSITIVE_INFINITY);
    if (batch === null) return;
    // It has ended and calls nobody any more; once its prompts are another's, they are not given to a third.
    batch.toCall = this.#world.upstream.callCount;
    await this.#inTurn(async () => {
      const opened = await this.#ask(process, () => this.#openFailed(process, batch));
      if (opened.type !== 'answered' || opened.answer === null) return;
      const { log, failed } = opened.answer;
      const names = this.#namesOf(log.index, failed);
      const terms = this.#terms(batch.workspaceId, null);
      await this.#receiveAndPromise(process, rerunBody(log, failed).stream, terms, names);
      await this.#ask(process, () => log.close());
    });
  }

  /** Looks at a batch, and at everything else that can be looked at. */
  async look(): Promise<void> {
    const { process, chance } = this.#world;
    const batch = this.#world.promised.length === 0 ? null : chance.pick(this.#world.promised);
    const looked = await this.#ask(process, async () => {
      await this.#lookAround(process, batch?.workspaceId ?? chance.pick(WORKSPACES));
      if (batch !== null && !batch.deleted) await this.#lookInto(process, batch);
    });
    if (looked.type === 'failed' && batch?.deleted !== true) this.#world.violated('looking around failed');
  }

  async #sendBadly(body: string, queueLimit: number | null): Promise<void> {
    await this.#inTurn(async () => {
      const { process, chance } = this.#world;
      const terms = this.#terms(chance.pick(WORKSPACES), null);
      const stream = () => Readable.from([Buffer.from(body)]);
      const outcome = await this.#ask(process, () => this.#receive(process, stream(), terms, queueLimit));
      if (outcome.type === 'answered' && outcome.answer.type === 'accepted')
        this.#world.violated(`${body} was accepted`);
      // A create that died or failed before its refusal may leave a log, which start-up removes; never a batch.
      for (const { id } of await this.#world.unknownBatches()) this.#world.violated(`${id} was refused and is stored`);
    });
  }

  #terms(workspaceId: WorkspaceId, budgetNanoUsd: number | null): BatchTerms {
    const options = { counts: 'live', markers: this.#world.chance.pick(MARKERS), budgetNanoUsd } as const;
    return { workspaceId, apiVersion: '2023-06-01', betas: [], userProfileId: null, options };
  }

  #submit(body: () => Readable, terms: BatchTerms, names: readonly string[]): Promise<void> {
    return this.#inTurn(() => this.#receiveAndPromise(this.#world.process, body(), terms, names));
  }

  /** One create at a time: of one whose answer was lost it must be known which batch it made. */
  #inTurn(run: () => Promise<void>): Promise<void> {
    const turn = this.#creating.then(run);
    this.#creating = turn.catch(() => undefined);
    return turn;
  }

  async #receiveAndPromise(
    process: ServerProcess,
    body: Readable,
    terms: BatchTerms,
    names: readonly string[],
  ): Promise<void> {
    const fromCall = this.#world.upstream.callCount;
    const excuses = this.#world.excuses();
    const outcome = await this.#ask(process, () => this.#receive(process, body, terms, null));
    if (outcome.type !== 'answered') return this.#promiseUnanswered(names, fromCall);
    if (outcome.answer.type === 'accepted') {
      this.#world.promised.push(promise(outcome.answer.batch, names, fromCall));
      return process.engine.scheduler.batchCreated(outcome.answer.batch);
    }
    this.#world.counts.refusals++;
    const { answer } = outcome;
    const problem = answer.type === 'refused' ? answer.problem.type : null;
    if (problem !== 'storage_full' || !excuses.full())
      this.#world.violated(`a good batch was ${JSON.stringify(answer)}`);
    for (const { id } of await this.#world.unknownBatches()) this.#world.violated(`${id} was refused and is stored`);
  }

  #receive(process: ServerProcess, body: Readable, terms: BatchTerms, queueLimit: number | null) {
    const randomBytes = (length: number) => this.#world.chance.bytes(length);
    return withIntake({ ...process, randomBytes }, (intake) => intake.receive(body, terms, queueLimit));
  }

  /** A create whose answer was lost may have stored its batch: the client finds it by listing, and it counts like any. */
  async #promiseUnanswered(names: readonly string[], fromCall: number): Promise<void> {
    // What the process had begun when it died comes to its end.
    await this.#world.rest.turn();
    for (const batch of await this.#world.unknownBatches()) {
      this.#world.counts.lostAnswers++;
      this.#world.promised.push(promise(batch, names, fromCall));
      if (this.#world.process.life.isAlive) this.#world.process.engine.scheduler.batchCreated(batch);
    }
  }

  async #setBudget({ workspaceId, id }: Promised, budgetNanoUsd: number | null): Promise<void> {
    const { process } = this.#world;
    const outcome = await this.#ask(process, () => process.catalog.batches.setBudget(workspaceId, id, budgetNanoUsd));
    if (outcome.type !== 'answered') return;
    if (outcome.answer === 'missing') return this.#world.violated(`${id} went missing`);
    process.engine.scheduler.budgetChanged(outcome.answer);
  }

  async #openFailed({ spool }: ServerProcess, { id }: Promised) {
    const reader = await spool.readResults(id);
    if (reader === null) return null;
    const failed = await selectRequests(await spool.settledLines(id, reader.bytes), reader, FAILED);
    await reader.close();
    return failed.length === 0 ? null : { log: await spool.openRequestLog(id), failed };
  }

  #namesOf({ customIds }: RequestIndex, of: Uint32Array) {
    return [...of].map((request) => Buffer.from(customIds.of(request)).toString());
  }

  async #lookAround({ catalog }: ServerProcess, workspaceId: WorkspaceId): Promise<void> {
    const { nowUs } = this.#world;
    const key = { id: 'apikey_01x' as KeyId, workspaceId, name: 'x', hint: 'x', sha256: 'ab', expiresAtUs: null };
    await catalog.ping();
    await catalog.workspaces.default();
    await catalog.workspaces.find(workspaceId);
    await catalog.workspaces.list();
    await catalog.workspaces.create({ id: workspaceId, name: workspaceId, createdAtUs: nowUs });
    await catalog.workspaces.addKey({ ...key, createdAtUs: nowUs });
    await catalog.workspaces.findKey('ab', nowUs);
    await catalog.workspaces.listKeys();
    await catalog.workspaces.revokeKey(key.id, nowUs);
    await catalog.workspaces.usage(workspaceId, '2026-01-01', '2026-12-31');
    await catalog.batches.list(workspaceId, { type: 'first' }, 20);
    await catalog.batches.tally();
  }

  async #lookInto({ catalog, spool }: ServerProcess, batch: Promised): Promise<void> {
    const { workspaceId, id } = batch;
    const record = await catalog.batches.find(workspaceId, id);
    await catalog.batches.account(workspaceId, id);
    // A lease that is not held renews nothing.
    if (record !== null) await catalog.shards.renew({ batch: record, shard: 0, epoch: -1 }, this.#world.nowUs, 1);
    if (record === null || record.archivedAtUs !== null) return;
    // Of a log that nobody writes to any more, all is durable; the API asks so as well.
    const reader = await (record.status === 'ended' ? spool.readResults(id) : spool.readDurableResults(id));
    if (reader !== null) await this.#readOn(batch, reader);
    const log = await spool.openRequestLog(id);
    await log.readParams(0);
    await log.readBody(new Uint8Array(16), 0);
    await log.close();
  }

  /** Results once shown stay, whatever dies: what is durable now begins with what was durable then. */
  async #readOn(batch: Promised, reader: ResultReader): Promise<void> {
    const bytes = new Uint8Array(reader.bytes);
    for (let at = 0; at < bytes.length;) at += await reader.read(bytes.subarray(at), at);
    await reader.close();
    const text = Buffer.from(bytes).toString();
    if (!text.startsWith(batch.shown)) this.#world.violated(`results of ${batch.id} were shown and taken back`);
    batch.shown = text;
  }

  /** Asks a process; it may die before it answers, and on a bad disk it may fail. */
  async #ask<T>(process: ServerProcess, ask: () => Promise<T>): Promise<Outcome<T>> {
    const excuses = this.#world.excuses();
    const answered = ask().then(
      (answer) => ({ type: 'answered', answer }) as const,
      (error: unknown) => {
        if (!(error instanceof SpoolFullError ? excuses.full() : excuses.full() || excuses.failing())) throw error;
        return { type: 'failed' } as const;
      },
    );
    return Promise.race([answered, process.life.gone.then((type) => ({ type }))]);
  }

  #pickLive(): Promised | null {
    const live = this.#world.promised.filter((batch) => !batch.ended && !batch.deleted);
    return live.length === 0 ? null : this.#world.chance.pick(live);
  }

  #pickEnded(suits: (batch: Promised) => boolean = () => true): Promised | null {
    const ended = this.#world.promised.filter((batch) => batch.ended && !batch.deleted && suits(batch));
    return ended.length === 0 ? null : this.#world.chance.pick(ended);
  }
}

function contentOf(customId: string, shared: string | null): string | readonly object[] {
  if (shared === null) return customId;
  return [
    { type: 'text', text: shared, cache_control: { type: 'ephemeral' } },
    { type: 'text', text: customId },
  ];
}
