import type { UsageSum } from './ledger.ts';

/** Tokens written for each that had to be; 1 is the optimum. Null when nothing had to be written, or was. */
export function writeAmplification(sum: UsageSum): number | null {
  const least = leastWritten(sum);
  return least === 0 ? null : writtenTokens(sum) / least;
}

/** The part of the tokens that could be read that were; 1 is the optimum. Null when nothing could be. */
export function hitShare(sum: UsageSum): number | null {
  const readable = sum.sharedTokens - leastWritten(sum);
  return readable <= 0 ? null : Math.min(1, sum.readTokens / readable);
}

/** Tokens by what is paid for them, under the names by which they are told. */
export function tokensByKind(sum: UsageSum) {
  return {
    input: sum.inputTokens,
    cache_creation_5m: sum.write5mTokens,
    cache_creation_1h: sum.write1hTokens,
    cache_read: sum.readTokens,
    output: sum.outputTokens,
  };
}

function writtenTokens({ write5mTokens, write1hTokens }: UsageSum): number {
  return write5mTokens + write1hTokens;
}

/** Less than the prompts call for where other batches had written some of it before. */
function leastWritten(sum: UsageSum): number {
  return Math.min(sum.leastTokens, writtenTokens(sum));
}
