import { REQUEST_MAX_TOKENS, TOOL_COUNTS, TOOL_SETS } from './layout';

/** What an estimate needs of each request beside its blocks. A batch that is stored needs none of it: 14 bytes each. */

let isNoted: bool = true;

/** Whether requests of the next body are noted. */
export function noteRequests(noted: bool): void {
  isNoted = noted;
}

export function areRequestsNoted(): bool {
  return isNoted;
}

export function noteMaxTokens(request: i32, maxTokens: u32): void {
  if (isNoted) store<u32>(REQUEST_MAX_TOKENS + ((<usize>request) << 2), maxTokens);
}

/** `set` names the set of its tools whatever their order. */
export function noteToolSet(request: i32, set: f64, count: i32): void {
  store<f64>(TOOL_SETS + ((<usize>request) << 3), set);
  store<u16>(TOOL_COUNTS + ((<usize>request) << 1), <u16>count);
}
