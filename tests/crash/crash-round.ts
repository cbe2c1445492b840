import type { MessageBatch, RequestCounts } from '@batchwright/protocol';
import { BATCHES } from '../harness/batches.ts';
import { Chance } from '../simulation/chance.ts';
import { question } from './crash-batches.ts';
import { startCountingUpstream, type CountingUpstream } from './counting-upstream.ts';
import { openHome, pause, until, type Home, type ServerProcess } from './server-process.ts';
import { startUpload } from './slow-upload.ts';

/** At which point of its work a server is killed. */
export const KILL_MOMENTS = ['upload', 'create', 'commit', 'cancel', 'ending', 'draining', 'recovery'] as const;
export type KillMoment = (typeof KILL_MOMENTS)[number];

/** Requests in the batches that are killed half done: from the first number to the second. */
export type RoundSize = keyof typeof SIZES;
const SIZES = { small: [200, 1000], large: [5000, 20_000], huge: [100_000, 100_000] } as const;
/** A huge round answers a few hundred thousand requests, on a machine that may be busy with others. */
const PATIENCE_MS: Readonly<Record<RoundSize, number>> = { small: 30_000, large: 180_000, huge: 600_000 };

/** A batch as its client knows it. */
export interface Submitted {
  readonly customIds: readonly string[];
  /** Null until 200 was received: then the batch may exist, whole, or not at all. */
  id: string | null;
  /** In which life a cancel was answered with 200; null without. */
  cancelledInLife: number | null;
  /** Somebody asked to cancel it, whatever was answered. */
  cancelAsked: boolean;
  /** The furthest that polls have seen its counters go. */
  seen: RequestCounts | null;
  hasEnded: boolean;
}

/** What was known when a life ended by SIGKILL. */
export interface Kill {
  readonly life: number;
  readonly moment: KillMoment;
  readonly atMs: number;
  /** Of each batch, how many requests polls had reported succeeded, which they are only when durable. */
  readonly reported: ReadonlyMap<Submitted, number>;
}

export const CONCURRENCY = 24;
const OPTIONS = ['--concurrency', String(CONCURRENCY), '--log-level', 'warn', '--cancel-grace-seconds', '1'];

/** One data directory that lives through several kills, all drawn from one seed but for the timing of the machine. */
export class CrashRound {
  readonly submitted: Submitted[] = [];
  readonly kills: Kill[] = [];
  readonly violations: string[] = [];
  /** When each poll that was answered had been sent, by `performance.now()`. */
  readonly pollsMs: number[] = [];
  readonly home: Home;
  readonly upstream: CountingUpstream;
  readonly patienceMs: number;
  readonly #chance: Chance;
  readonly #size: RoundSize;
  readonly #moments: readonly KillMoment[];
  #life = 0;
  #startupMs = 300;

  static async open(seed: number, size: RoundSize = 'small'): Promise<CrashRound> {
    const chance = new Chance(seed);
    const delays = chance.fork();
    const script = () => ({ after: delays.isLucky(0.03) ? delays.between(5, 150) : 0 });
    return new CrashRound(seed, size, chance, await openHome(), await startCountingUpstream(script));
  }

  private constructor(seed: number, size: RoundSize, chance: Chance, home: Home, upstream: CountingUpstream) {
    this.#size = size;
    this.patienceMs = PATIENCE_MS[size];
    this.#chance = chance;
    this.home = home;
    this.upstream = upstream;
    // Drawn in turn and not by chance, so that a few rounds meet every moment.
    const count = 2 + (seed % 2);
    this.#moments = Array.from(
      { length: count },
      (_, i) => KILL_MOMENTS[(seed + 2 * i) % KILL_MOMENTS.length] ?? 'commit',
    );
  }

  /** Lives through its kills, and answers the server of the last life when everything has ended. */
  async run(): Promise<ServerProcess> {
    for (const moment of this.#moments) await this.#liveUntilKilled(moment);
    const server = await this.#start();
    const pending = () => this.submitted.filter((batch) => batch.id !== null && !batch.hasEnded);
    const haveEnded = async (): Promise<boolean> => {
      await this.#poll(server);
      return pending().length === 0;
    };
    await until('every accepted batch has ended', haveEnded, this.patienceMs);
    return server;
  }

  async close(): Promise<void> {
    await this.home.close();
    await this.upstream.close();
  }

  async #liveUntilKilled(moment: KillMoment): Promise<void> {
    if (moment === 'recovery') return this.#killWhileStarting();
    const server = await this.#start();
    let isAlive = true;
    // A server that was told to stop may be gone before it is killed.
    const polling = this.#pollWhile(server, () => isAlive, moment === 'draining');
    try {
      await this.#reach(moment, server);
      this.#noteKill(moment);
    } finally {
      isAlive = false;
      await server.kill();
    }
    await polling;
    this.#beginLife();
  }

  async #killWhileStarting(): Promise<void> {
    const command = this.home.spawn([...OPTIONS, '--upstream', this.upstream.url]);
    await pause(this.#chance.next() * this.#startupMs * 1.2);
    this.#noteKill('recovery');
    command.kill('SIGKILL');
    await command.ended;
    this.#beginLife();
  }

  /** Brings the server to the instant at which it is to die. */
  async #reach(moment: Exclude<KillMoment, 'recovery'>, server: ServerProcess): Promise<void> {
    const chance = this.#chance;
    switch (moment) {
      case 'upload': {
        await this.#create(server, this.#newBatch(chance.between(1, 20)));
        return this.#uploadPart(server, chance.isLucky(0.5) ? chance.next() : 1);
      }
      case 'create':
        await this.#create(server, this.#newBatch(chance.isLucky(0.5) ? 1 : 1200));
        return this.#moment(3);
      case 'commit':
        await this.#createAndAnswer(server, this.#drawSize(), chance.next());
        return;
      case 'draining': {
        await this.#createAndAnswer(server, this.#drawSize(), chance.next() * 0.7);
        server.signal('SIGTERM');
        return this.#moment(150);
      }
      case 'cancel': {
        const batch = await this.#createAndAnswer(server, this.#drawSize(), chance.next() * 0.7);
        const cancelled = this.#cancel(server, batch);
        if (chance.isLucky(0.5)) await cancelled;
        return this.#moment(5);
      }
      case 'ending':
        await this.#createAndAnswer(server, chance.between(1, 60), 1);
        return this.#moment(20);
      default:
        return moment satisfies never;
    }
  }

  async #start(): Promise<ServerProcess> {
    const startedMs = performance.now();
    const server = await this.home.start([...OPTIONS, '--upstream', this.upstream.url]);
    this.#startupMs = performance.now() - startedMs;
    return server;
  }

  /** Creates a batch and waits until this share of its requests was answered. */
  async #createAndAnswer(server: ServerProcess, count: number, share: number): Promise<Submitted> {
    const batch = this.#newBatch(count);
    await this.#create(server, batch);
    const isAnswered = (id: string): boolean => (this.upstream.callsOf(id)[0]?.answeredMs ?? null) !== null;
    const answered = () => batch.customIds.filter(isAnswered).length;
    const enough = Math.floor(count * share);
    await until('enough requests were answered', () => answered() >= enough, this.patienceMs);
    return batch;
  }

  #drawSize(): number {
    const [least, most] = SIZES[this.#size];
    return this.#chance.between(least, most);
  }

  #newBatch(count: number): Submitted {
    const number = this.submitted.length;
    const customIds = Array.from({ length: count }, (_, i) => `b${number}-${i}`);
    const batch = { customIds, id: null, cancelledInLife: null, cancelAsked: false, seen: null, hasEnded: false };
    this.submitted.push(batch);
    return batch;
  }

  async #create(server: ServerProcess, batch: Submitted): Promise<void> {
    const response = await server.client.post(BATCHES, { requests: batch.customIds.map((id) => question(id, 0)) });
    if (response.status !== 200) this.violations.push(`a good batch was answered ${response.status} ${response.text}`);
    else batch.id = (JSON.parse(response.text) as MessageBatch).id;
  }

  /** Sends this share of a body of several blocks. Whoever sent all of it waits a moment for the answer. */
  async #uploadPart(server: ServerProcess, share: number): Promise<void> {
    const batch = this.#newBatch(this.#chance.between(300, 700));
    const body = Buffer.from(JSON.stringify({ requests: batch.customIds.map((id) => question(id, 12_000)) }));
    const upload = startUpload(server.client, body);
    void upload.answer.then((answer) => {
      if (answer?.status === 200) batch.id = (JSON.parse(answer.text) as MessageBatch).id;
    });
    await upload.send(Math.floor(body.length * share));
    await this.#moment(share === 1 ? 40 : 2);
  }

  async #cancel(server: ServerProcess, batch: Submitted): Promise<void> {
    batch.cancelAsked = true;
    const life = this.#life;
    const answer = await server.client.post(`${BATCHES}/${batch.id}/cancel`).catch(() => null);
    if (answer === null) return;
    if (answer.status !== 200) this.violations.push(`cancel was answered ${answer.status}`);
    else batch.cancelledInLife = life;
  }

  #moment(upToMs: number): Promise<void> {
    return pause(this.#chance.next() * upToMs);
  }

  #noteKill(moment: KillMoment): void {
    const reported = new Map(this.submitted.map((batch) => [batch, batch.seen?.succeeded ?? 0]));
    this.kills.push({ life: this.#life, moment, atMs: performance.now(), reported });
  }

  /** Only once the dead process is gone: what it sent before is read by then, and counts as its own. */
  #beginLife(): void {
    this.#life++;
    this.upstream.beginLife();
  }

  async #pollWhile(server: ServerProcess, isAlive: () => boolean, mayLeave: boolean): Promise<void> {
    while (isAlive()) {
      await this.#poll(server).catch((error: unknown) => {
        if (isAlive() && !mayLeave) throw error;
      });
      await pause(3);
    }
  }

  /** Counters never go back, not even across a crash, and an end is final. */
  async #poll(server: ServerProcess): Promise<void> {
    for (const batch of this.submitted) {
      if (batch.id === null || batch.hasEnded) continue;
      const sentMs = performance.now();
      const response = await server.client.get(`${BATCHES}/${batch.id}`);
      this.pollsMs.push(sentMs);
      if (response.status !== 200) {
        this.violations.push(`${batch.id} was accepted and answers ${response.status}`);
        batch.hasEnded = true;
        continue;
      }
      const { request_counts: counts, processing_status: status } = JSON.parse(response.text) as MessageBatch;
      this.#compare(batch, counts);
      batch.seen = counts;
      batch.hasEnded = status === 'ended';
    }
  }

  #compare(batch: Submitted, counts: RequestCounts): void {
    const { seen } = batch;
    if (settledOf(counts) + counts.processing !== batch.customIds.length) {
      this.violations.push(`${batch.id} counts ${JSON.stringify(counts)} of ${batch.customIds.length}`);
    }
    if (seen !== null && (['succeeded', 'errored', 'canceled', 'expired'] as const).some((k) => counts[k] < seen[k])) {
      this.violations.push(`${batch.id} went back from ${JSON.stringify(seen)} to ${JSON.stringify(counts)}`);
    }
  }
}

function settledOf(counts: RequestCounts): number {
  return counts.succeeded + counts.errored + counts.canceled + counts.expired;
}
