import { createHash, randomFillSync } from 'node:crypto';
import { planPrefixes } from '@batchwright/core';
import { BodyScanner } from '@batchwright/scan';
import { answerCommands } from './commands.ts';
import { makeGroupedBody } from './grouped-body.ts';

/**
 * Finds what the requests of one body share, twice over: as the server does, and as a handler would that has the body
 * in memory, by the serialised blocks' digests. A process of its own, since either leaves much behind.
 */
export type PrefixGrouping = {
  readonly bytes: () => number;
  /** Reading, checking and noting the body, and planning it. */
  readonly grouped: () => Grouping;
  readonly naive: () => Grouping;
};

export interface Grouping {
  readonly seconds: number;
  /** Of the time, what the plan alone took. */
  readonly planSeconds: number;
  /** Prefixes that requests share. */
  readonly prefixes: number;
}

/** As intake holds its scanner. */
const RING_BLOCKS = 6;
const BLOCK_BYTES = 4 * 1024 * 1024;

const DOCUMENTS = 100;
const QUESTIONS = 1000;
const REQUESTS = DOCUMENTS * QUESTIONS;
const body = makeGroupedBody(DOCUMENTS, QUESTIONS);
const scanner = new BodyScanner(RING_BLOCKS, BLOCK_BYTES);

answerCommands({ bytes: () => body.length, grouped, naive } satisfies PrefixGrouping);

function grouped(): Grouping {
  const startedMs = performance.now();
  scan();
  const blocks = scanner.promptBlocks();
  const scannedMs = performance.now();
  // The documents are small, so that 100,000 requests fit a body; what is too small to cache is grouped all the same.
  const plan = planPrefixes(blocks, { markers: 'auto', profile: 'required', minimumTokens: () => 0 });
  const endedMs = performance.now();
  const seconds = (endedMs - startedMs) / 1000;
  return { seconds, planSeconds: (endedMs - scannedMs) / 1000, prefixes: plan.nodeCount };
}

function scan(): void {
  scanner.begin((length) => randomFillSync(new Uint8Array(length)), 0n);
  for (let at = 0, turn = 0; at < body.length; at += BLOCK_BYTES, turn++) {
    const bytes = body.subarray(at, at + BLOCK_BYTES);
    const block = scanner.blocks[turn % RING_BLOCKS]!;
    block.set(bytes);
    if (scanner.feed(block.subarray(0, bytes.length)) !== null) throw new Error('the body was refused');
  }
  const verdict = scanner.finish();
  if (verdict.type !== 'accepted' || verdict.count !== REQUESTS) throw new Error('the body was not accepted whole');
}

interface ParsedBody {
  readonly requests: readonly {
    readonly params: {
      readonly model: string;
      readonly messages: readonly { readonly role: string; readonly content: readonly object[] }[];
    };
  }[];
}

/** The chain of a prompt's blocks by their digests, and how many requests go through each link. */
function naive(): Grouping {
  const startedMs = performance.now();
  const { requests } = JSON.parse(body.toString('utf8')) as ParsedBody;
  const through = new Map<string, number>();
  for (const { params } of requests) {
    let link = params.model;
    for (const { role, content } of params.messages) {
      for (const block of content) {
        const digest = createHash('sha256').update(link).update(role).update(JSON.stringify(block)).digest('base64');
        through.set(digest, (through.get(digest) ?? 0) + 1);
        link = digest;
      }
    }
  }
  const prefixes = [...through.values()].filter((count) => count > 1).length;
  return { seconds: (performance.now() - startedMs) / 1000, planSeconds: 0, prefixes };
}
