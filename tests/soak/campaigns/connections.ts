import { connect, type Socket } from 'node:net';
import type { MessageBatch } from '@batchwright/protocol';
import { BATCHES, retrieve, list } from '../../harness/batches.ts';
import { bodyOf, createBatch, untilEnded } from '../../crash/crash-batches.ts';
import { startCountingUpstream, type CountingUpstream } from '../../crash/counting-upstream.ts';
import {
  openDescriptors,
  openHome,
  pause,
  residentBytes,
  until,
  type Home,
  type ServerProcess,
} from '../../crash/server-process.ts';
import { Chance } from '../../simulation/chance.ts';
import type { Campaign, RoundReport } from '../campaign.ts';

/**
 * R5: a thousand connections that upload and download slowly, stand still, or are cut, in shares drawn from the seed. Memory
 * stays bounded, whoever behaves is served meanwhile, and nothing is left of them afterwards.
 */
export const connections: Campaign = {
  id: 'R5',
  name: '1,000 slow, stalled and aborted connections',
  rounds: 50,
  round: async (seed) => {
    const round = await CrowdRound.open(seed);
    try {
      return await round.run();
    } finally {
      await round.close();
    }
  },
};

const CONNECTIONS = 1000;
const MEGABYTE = 1024 * 1024;
const RESULTS = 40;
const WAYS = [
  'idle',
  'half a head',
  'slow upload',
  'stalled upload',
  'aborted upload',
  'slow download',
  'stalled download',
  'aborted download',
] as const;
type Way = (typeof WAYS)[number];

/** What a round may add to the server's memory: eight uploads at once with a scanner each, and two buffers for each download. */
const UPLOADS_BYTES = 400 * MEGABYTE;
const DOWNLOAD_BYTES = 4 * MEGABYTE;
/** While the crowd is there, calls of somebody who behaves. Each must be answered; how fast is counted, and the machine's affair. */
const CALLS = 100;

class CrowdRound {
  readonly #chance: Chance;
  readonly #home: Home;
  readonly #upstream: CountingUpstream;
  readonly #sockets: Socket[] = [];
  readonly #violations: string[] = [];
  readonly #counts: Record<string, number> = {};

  static async open(seed: number): Promise<CrowdRound> {
    const upstream = await startCountingUpstream(() => ({ padding: MEGABYTE / 2 }));
    return new CrowdRound(new Chance(seed), await openHome(), upstream);
  }

  private constructor(chance: Chance, home: Home, upstream: CountingUpstream) {
    this.#chance = chance;
    this.#home = home;
    this.#upstream = upstream;
  }

  async run(): Promise<RoundReport> {
    const server = await this.#home.start(['--upstream', this.#upstream.url, '--log-level', 'warn']);
    const batch = await createBatch(server, 'item', RESULTS);
    await untilEnded(server, batch);
    const before = { bytes: residentBytes(server.pid), descriptors: openDescriptors(server.pid) };
    const ways = Array.from({ length: CONNECTIONS }, () => this.#chance.pick(WAYS));
    await Promise.all(ways.map((way) => this.#behave(way, server, batch)));
    const peak = await this.#serveOthers(server, batch);
    this.#checkMemory(ways, peak - before.bytes);
    for (const socket of this.#sockets.splice(0)) socket.destroy();
    await until('connections and files are let go', () => openDescriptors(server.pid) < before.descriptors + 30);
    await this.#checkNothingLeft(server, batch);
    this.#counts['connections'] = CONNECTIONS;
    this.#counts['MB over idle at the peak, summed'] = Math.round((peak - before.bytes) / MEGABYTE);
    return { violations: this.#violations, counts: this.#counts };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.#home.close();
    await this.#upstream.close();
  }

  /** Opens a connection and does what it will; resolves once it has begun. */
  async #behave(way: Way, server: ServerProcess, batch: MessageBatch): Promise<void> {
    this.#counts[way] = (this.#counts[way] ?? 0) + 1;
    const socket = await this.#open(server);
    switch (way) {
      case 'idle':
        return;
      case 'half a head':
        return void socket.write(`GET ${BATCHES} HTTP/1.1\r\nhost: a\r\n`);
      case 'slow upload':
        socket.write(uploadHead(server, UPLOAD.length));
        return this.#trickle(socket, UPLOAD);
      case 'stalled upload':
        return void socket.write(
          Buffer.concat([uploadHead(server, UPLOAD.length), UPLOAD.subarray(0, this.#chance.between(1, 30_000))]),
        );
      case 'aborted upload':
        socket.write(
          Buffer.concat([uploadHead(server, UPLOAD.length), UPLOAD.subarray(0, this.#chance.between(1, 60_000))]),
        );
        await pause(this.#chance.between(0, 50));
        return void socket.resetAndDestroy();
      case 'slow download':
        socket.write(downloadHead(server, batch));
        return this.#sip(socket);
      case 'stalled download':
        socket.write(downloadHead(server, batch));
        return void socket.pause();
      case 'aborted download':
        socket.write(downloadHead(server, batch));
        socket.once('data', () => socket.resetAndDestroy());
        return;
      default:
        return way satisfies never;
    }
  }

  async #open(server: ServerProcess): Promise<Socket> {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    this.#sockets.push(socket);
    socket.on('error', () => undefined); // The server may hang up on any of these.
    await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', resolve));
    return socket;
  }

  /** Some bytes now and then, until the connection is gone. */
  #trickle(socket: Socket, bytes: Buffer): void {
    let sent = 0;
    const timer = setInterval(() => {
      socket.write(bytes.subarray(sent, sent + 50));
      sent += 50;
    }, 100);
    socket.once('close', () => clearInterval(timer));
  }

  #sip(socket: Socket): void {
    socket.on('data', () => {
      socket.pause();
      const timer = setTimeout(() => socket.resume(), 200);
      socket.once('close', () => clearTimeout(timer));
    });
  }

  /** Somebody who behaves: polls, lists, and has a batch run; answers the most memory that was seen meanwhile. */
  async #serveOthers(server: ServerProcess, batch: MessageBatch): Promise<number> {
    let peak = residentBytes(server.pid);
    const durations: number[] = [];
    for (let i = 0; i < CALLS; i++) {
      const startedMs = performance.now();
      await (i % 2 === 0 ? retrieve(server.client, batch.id) : list(server.client));
      durations.push(performance.now() - startedMs);
      peak = Math.max(peak, residentBytes(server.pid));
    }
    this.#counts['calls of others'] = CALLS;
    this.#counts['answered within a second'] = durations.filter((ms) => ms < 1000).length;
    return peak;
  }

  #checkMemory(ways: readonly Way[], grown: number): void {
    const downloads = ways.filter((way) => way.endsWith('download')).length;
    const bound = UPLOADS_BYTES + downloads * DOWNLOAD_BYTES;
    if (grown > bound) this.#violations.push(`${grown} bytes more for ${downloads} downloads, ${bound} at most`);
  }

  async #checkNothingLeft(server: ServerProcess, batch: MessageBatch): Promise<void> {
    const next = await createBatch(server, 'next', 3);
    await untilEnded(server, next);
    const kept = [batch.id, next.id].toSorted().join();
    await until(
      'nothing is left of the uploads',
      async () => (await this.#home.storedBatches()).toSorted().join() === kept,
    );
    if (server.err() !== '') this.#violations.push(`it complained: ${server.err().split('\n')[0]}`);
  }
}

const UPLOAD = Buffer.from(JSON.stringify(bodyOf('upload', 20, 4000)));

function uploadHead(server: ServerProcess, length: number): Buffer {
  const type = `content-type: application/json\r\ncontent-length: ${length}\r\n`;
  return Buffer.from(`POST ${BATCHES} HTTP/1.1\r\n${credentials(server)}${type}\r\n`);
}

function downloadHead(server: ServerProcess, { id }: MessageBatch): string {
  return `GET ${BATCHES}/${id}/results HTTP/1.1\r\n${credentials(server)}connection: close\r\n\r\n`;
}

function credentials({ client }: ServerProcess): string {
  return `host: a\r\nx-api-key: ${client.key}\r\nanthropic-version: 2023-06-01\r\n`;
}
