import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchProcesses } from '../processes/bench-processes.ts';
import { API_KEY } from '../processes/wire.ts';
import type { Peer } from './peer.ts';
import { CONCURRENCY } from './peer-requests.ts';
import type { RunningStore } from './stores.ts';

/** A peer at work. A script says when it begins and when it is done; a command begins when it starts, and ends. */
export interface StartedPeer {
  readonly child: ChildProcess;
  readonly ready: Promise<void>;
  /** Rejects with what it complained of when it ends before it is done. */
  readonly done: Promise<void>;
}

const PEERS_DIRECTORY = fileURLToPath(new URL('../../peers/', import.meta.url));
const COMMAND = fileURLToPath(new URL('../../../packages/cli/bin/batchwright.js', import.meta.url));

/** Where and with what a peer works. */
export interface PeerTerms {
  readonly processes: BenchProcesses;
  readonly directory: string;
  readonly upstreamUrl: string;
  readonly store: RunningStore | null;
}

export function startPeer(peer: Peer, { processes, directory, upstreamUrl, store }: PeerTerms): StartedPeer {
  const url = store?.url ?? upstreamUrl;
  if (peer.program === 'batchwright run') {
    const files = [join(directory, 'requests.jsonl'), '-o', join(directory, 'answers.jsonl')];
    const child = processes.spawn(process.execPath, [COMMAND, 'run', ...files, '--server', url, '--quiet'], {
      env: { ANTHROPIC_API_KEY: API_KEY },
    });
    return { child, ready: Promise.resolve(), done: endOf(child) };
  }
  const orders = JSON.stringify({ url, directory, concurrency: CONCURRENCY, store: store?.terms ?? null });
  const child = processes.spawn(process.execPath, [join(PEERS_DIRECTORY, `${peer.id}.js`), orders]);
  const end = endOf(child);
  const unlessOver = (words: string): Promise<void> => heard(Promise.race([said(child, words), end]));
  return { child, ready: unlessOver('ready'), done: unlessOver('done') };
}

/** Resolves when a line of these words came; never rejects. */
function said(child: ChildProcess, words: string): Promise<void> {
  let output = '';
  return new Promise((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      if (output.split('\n').includes(words)) resolve();
    });
  });
}

function endOf(child: ChildProcess): Promise<void> {
  let complaint = '';
  child.stdout?.resume();
  child.stderr?.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString('utf8')).slice(-2000)));
  const end = new Promise<void>((resolve, reject) => {
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`ended with ${code ?? signal ?? 'nothing'}: ${complaint.trim()}`));
    });
  });
  return heard(end);
}

/** Whoever kills a peer waits for nothing any more, and what it then ends with is no fault. */
function heard(promise: Promise<void>): Promise<void> {
  promise.catch(() => {});
  return promise;
}
