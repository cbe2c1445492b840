import type { MessageBatch } from '@batchwright/protocol';
import { BATCHES, list, results, retrieve } from '../../harness/batches.ts';
import { answerText, bodyOf } from '../../crash/crash-batches.ts';
import { answerTo, startCountingUpstream, type CountingUpstream } from '../../crash/counting-upstream.ts';
import { hostileMachine, type HostileMachine } from '../../crash/hostile-machine.ts';
import { limitDescriptors, openHome, pause, until, type Home, type ServerProcess } from '../../crash/server-process.ts';
import { mountSmallDisk, type SmallDisk } from '../../crash/small-disk.ts';
import { Chance } from '../../simulation/chance.ts';
import type { Campaign, RoundReport } from '../campaign.ts';

/**
 * R4, and the rest of what a machine can do to a server: the disk is filled, made read-only, made to fail and made slow, descriptors
 * run out, the clock is set, the process stands still, is stopped and is killed, in an order drawn from the seed, while batches
 * come in and run. Afterwards all is well again, and everything that was accepted must end whole.
 */
export const fullDisk: Campaign = {
  id: 'R4',
  name: 'disks, clocks and limits that fail',
  rounds: 100,
  round: async (seed) => {
    const round = await MachineRound.open(seed);
    try {
      return await round.run();
    } finally {
      await round.close();
    }
  },
};

const TROUBLES = [
  'full',
  'EROFS',
  'EIO',
  'EDQUOT',
  'slow',
  'descriptors',
  'clock',
  'standstill',
  'stop',
  'kill',
] as const;
type Trouble = (typeof TROUBLES)[number];

const DISK_BYTES = 64 * 1024 * 1024;
const STEPS = 12;
const HOUR_MS = 3_600_000;
const PATIENCE_MS = 180_000;
const CONCURRENCY = 16;
/** Refusals that say what they are about. */
const CLEAR = /disk|files and connections|shutting down/;

interface Accepted {
  readonly name: string;
  readonly batch: MessageBatch;
  readonly count: number;
}

class MachineRound {
  readonly #chance: Chance;
  readonly #machine: HostileMachine;
  readonly #disk: SmallDisk;
  readonly #home: Home;
  readonly #upstream: CountingUpstream;
  readonly #accepted: Accepted[] = [];
  readonly #violations: string[] = [];
  readonly #counts: Record<string, number> = { created: 0, requests: 0, refused: 0, calls: 0, lives: 0 };
  #server: ServerProcess | null = null;
  #isFull = false;

  static async open(seed: number): Promise<MachineRound> {
    const machine = hostileMachine();
    if (machine === null) throw new Error('this campaign needs a C compiler');
    const disk = mountSmallDisk(DISK_BYTES);
    if (disk === null) {
      machine.remove();
      throw new Error('this campaign needs the right to mount');
    }
    const chance = new Chance(seed);
    const answers = chance.fork();
    const upstream = await startCountingUpstream(() => ({
      after: answers.isLucky(0.05) ? answers.between(5, 300) : 0,
      padding: answers.isLucky(0.02) ? 100_000 : answers.between(0, 2000),
      failure: answers.isLucky(0.02) ? 500 : null,
    }));
    const home = await openHome({ root: disk.path, env: machine.env });
    return new MachineRound(chance, machine, disk, home, upstream);
  }

  private constructor(
    chance: Chance,
    machine: HostileMachine,
    disk: SmallDisk,
    home: Home,
    upstream: CountingUpstream,
  ) {
    this.#chance = chance;
    this.#machine = machine;
    this.#disk = disk;
    this.#home = home;
    this.#upstream = upstream;
  }

  async run(): Promise<RoundReport> {
    await this.#start();
    for (let step = 0; step < STEPS; step++) {
      await this.#create();
      const trouble = this.#chance.pick(TROUBLES);
      this.#counts[trouble] = (this.#counts[trouble] ?? 0) + 1;
      await this.#suffer(trouble);
      await this.#create();
      await pause(this.#chance.between(0, 150));
      if (this.#chance.isLucky(0.6)) await this.#recover();
    }
    await this.#recover();
    // What a refusal could not remove from a disk that took no writes goes at the next start.
    await this.#suffer('stop');
    await this.#checkAll();
    return { violations: this.#violations, counts: { ...this.#counts, calls: this.#upstream.calls.length } };
  }

  async close(): Promise<void> {
    await this.#home.close();
    await this.#upstream.close();
    this.#disk.remove();
    this.#machine.remove();
  }

  async #suffer(trouble: Trouble): Promise<void> {
    const server = this.#server as ServerProcess;
    switch (trouble) {
      case 'full':
        if (!this.#isFull) await this.#disk.fill();
        this.#isFull = true;
        return;
      case 'EROFS':
      case 'EIO':
      case 'EDQUOT':
        return this.#machine.failWrites(trouble);
      case 'slow':
        return this.#machine.delaySyncs(50);
      case 'descriptors':
        return void limitDescriptors(server.pid, this.#chance.between(0, 6));
      case 'clock':
        // Never as far as a batch lives: then it would rightly expire.
        return this.#machine.stepClock(this.#chance.between(-2, 1) * HOUR_MS);
      case 'standstill':
        server.signal('SIGSTOP');
        await pause(1200);
        return server.signal('SIGCONT');
      case 'stop':
        server.signal('SIGTERM');
        await this.#expectExit(server);
        await this.#recover();
        return this.#start();
      case 'kill':
        await server.kill();
        await this.#recover();
        return this.#start();
      default:
        return trouble satisfies never;
    }
  }

  async #expectExit(server: ServerProcess): Promise<void> {
    const code = await server.ended;
    if (code !== 0) this.#violations.push(`SIGTERM ended it with ${code}: ${server.err().split('\n').at(-2)}`);
  }

  async #recover(): Promise<void> {
    this.#machine.failWrites(null);
    this.#machine.delaySyncs(0);
    if (this.#isFull) await this.#disk.free();
    this.#isFull = false;
    const server = this.#server as ServerProcess;
    if (!(await hasEnded(server))) limitDescriptors(server.pid, 'enough');
  }

  async #start(): Promise<void> {
    this.#upstream.beginLife();
    this.#counts['lives'] = (this.#counts['lives'] ?? 0) + 1;
    const options = ['--concurrency', String(CONCURRENCY), '--shutdown-grace-seconds', '1', '--log-level', 'warn'];
    this.#server = await this.#home.start([
      '--upstream',
      this.#upstream.url,
      ...options,
      '--upstream-timeout-seconds',
      '2',
    ]);
  }

  /** Accepted whole, or refused with words that help. */
  async #create(): Promise<void> {
    const { client } = this.#server as ServerProcess;
    const name = `b${this.#accepted.length}-${this.#counts['refused']}`;
    const count = this.#chance.between(1, 150);
    const response = await client
      .post(BATCHES, bodyOf(name, count, this.#chance.isLucky(0.2) ? 20_000 : 100))
      .catch(() => null);
    if (response?.status === 200) {
      this.#accepted.push({ name, batch: JSON.parse(response.text) as MessageBatch, count });
      this.#add('created', 1);
      return this.#add('requests', count);
    }
    this.#add('refused', 1);
    if (response === null) {
      if (await hasEnded(this.#server as ServerProcess))
        this.#violations.push(`it ended by itself: ${this.#server?.err().split('\n').at(-2)}`);
    } else if (!CLEAR.test(response.text)) this.#violations.push(`refused with ${response.status} ${response.text}`);
  }

  #add(name: string, count: number): void {
    this.#counts[name] = (this.#counts[name] ?? 0) + count;
  }

  async #checkAll(): Promise<void> {
    const server = this.#server as ServerProcess;
    for (const accepted of this.#accepted) await this.#check(server, accepted);
    const listed = (await list(server.client, '?limit=1000')).data.map((batch) => batch.id as string);
    const stored = await this.#home.storedBatches();
    if (listed.toSorted().join() !== stored.toSorted().join())
      this.#violations.push(`stored ${stored}, listed ${listed}`);
    for (const { batch } of this.#accepted)
      if (!listed.includes(batch.id)) this.#violations.push(`${batch.id} was lost`);
  }

  async #check(server: ServerProcess, { batch, name, count }: Accepted): Promise<void> {
    const isOver = async () => (await retrieve(server.client, batch.id)).processing_status === 'ended';
    await until(`${batch.id} has ended`, isOver, PATIENCE_MS);
    const rows = await results(server.client, batch.id);
    const ids = bodyOf(name, count).requests.map((item) => item.custom_id);
    if (
      rows
        .map((row) => row.custom_id)
        .toSorted()
        .join() !== ids.toSorted().join()
    ) {
      this.#violations.push(`${batch.id} has ${rows.length} rows of ${count}`);
    }
    for (const row of rows) {
      const text = answerText(row).trimEnd();
      if (text !== answerTo(row.custom_id)) this.#violations.push(`${row.custom_id} has ${text.slice(0, 80)}`);
    }
  }
}

const PENDING = Symbol('pending');

async function hasEnded(server: ServerProcess): Promise<boolean> {
  return (await Promise.race([server.ended, Promise.resolve(PENDING)])) !== PENDING;
}
