import type { Peer } from './peer.ts';

/** What `npm run bench:peers -- …` was asked for. */
export interface PeerOrder {
  readonly peers: readonly Peer[];
  /** 0 leaves only the crash. */
  readonly rounds: number;
  /** The page that the tables are written to; null writes none. */
  readonly markdownFile: string | null;
}

export type ReadPeerOrder =
  | { readonly type: 'order'; readonly order: PeerOrder }
  | { readonly type: 'misused'; readonly line: string };

const DEFAULT_ROUNDS = 3;
const MOST_ROUNDS = 20;

/** Reads `[sdk-append bullmq-queue …] [--rounds N] [--markdown FILE]`. */
export function readPeerOrder(args: readonly string[], known: readonly Peer[]): ReadPeerOrder {
  const chosen = new Set<Peer>();
  let rounds = DEFAULT_ROUNDS;
  let markdownFile: string | null = null;
  const misused = (line: string): ReadPeerOrder => ({ type: 'misused', line });
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (arg === '--rounds') {
      rounds = Number(args[++at]);
      if (!Number.isInteger(rounds) || rounds < 0 || rounds > MOST_ROUNDS) {
        return misused(`--rounds takes a whole number from 0 to ${MOST_ROUNDS}, not ${args[at] ?? ''}`);
      }
    } else if (arg === '--markdown') {
      markdownFile = args[++at] ?? null;
      if (markdownFile === null) return misused('--markdown takes a file');
    } else {
      const peer = known.find(({ id }) => id === arg);
      if (peer === undefined) return misused(`no peer ${arg}; there are ${known.map(({ id }) => id).join(', ')}`);
      chosen.add(peer);
    }
  }
  const peers = chosen.size === 0 ? known : known.filter((peer) => chosen.has(peer));
  return { type: 'order', order: { peers, rounds, markdownFile } };
}
