import type { BulkRequest } from '../../plan/bulk-request.ts';

/** Text that says nothing, of about so many tokens, the same for the same seed; texts of two seeds have nothing in common. */
export function prose(seed: number, tokens: number): string {
  let state = (seed * 2_654_435_761 + 12_345) >>> 0;
  const words: string[] = [];
  let length = 0;
  while (length < tokens * 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const word = `${SYLLABLES[state >>> 28]}${SYLLABLES[(state >>> 24) & 15]}${SYLLABLES[(state >>> 20) & 15]}`;
    words.push(word);
    length += word.length + 1;
  }
  return words.join(' ');
}

const SYLLABLES = ['ba', 'de', 'fi', 'go', 'hu', 'ka', 'le', 'mi', 'no', 'pu', 'ra', 'se', 'ti', 'vo', 'wu', 'zy'];

export const SONNET = 'claude-sonnet-4-5';

/** A request by its params; what is not said of them is as usual. */
export function request(customId: string, params: Readonly<Record<string, unknown>>): BulkRequest {
  return { custom_id: customId, params: { model: SONNET, max_tokens: 100, ...params } };
}

export function text(value: string, marker?: object): object {
  return { type: 'text', text: value, ...(marker === undefined ? {} : { cache_control: marker }) };
}

export function user(...content: readonly object[]): object {
  return { role: 'user', content };
}

/** `count` requests numbered from 0, named `r0`, `r1`, … */
export function many(count: number, params: (i: number) => Readonly<Record<string, unknown>>): readonly BulkRequest[] {
  return Array.from({ length: count }, (_, i) => request(`r${i}`, params(i)));
}

/** A question that has nothing in common with others. */
export function question(i: number): object {
  return text(prose(1_000_000 + i, 12));
}
