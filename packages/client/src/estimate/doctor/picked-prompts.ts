import { BadRequestsError } from '../../plan/bulk-request.ts';
import { checkRequest } from '../../plan/request-line.ts';
import type { Requests } from '../scan-requests.ts';
import { promptParts, type PromptParts } from './prompt-parts.ts';

/** What picked requests may take together; those that come later and do not fit are not looked at. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Reads the requests again and keeps those that were picked, by number. */
export async function pickPrompts(
  requests: Requests,
  picked: ReadonlySet<number>,
  count: number,
): Promise<PickedPrompts> {
  const lines = new Map<number, Uint8Array>();
  let number = 0;
  let bytes = 0;
  for await (const request of requests) {
    if (picked.has(number)) {
      const checked = checkRequest(request, number);
      if (checked.type === 'fault') throw new BadRequestsError(changed());
      bytes += checked.line.length;
      // Lines may be views of a buffer that the next ones fill anew.
      if (bytes <= MOST_BYTES) lines.set(number, checked.line.slice());
    }
    number += 1;
  }
  if (number !== count) throw new BadRequestsError(changed());
  return new PickedPrompts(lines);
}

function changed(): string {
  return 'The input changed while it was read. Try again once nobody writes to it.';
}

/** The prompts of picked requests, taken apart when they are asked for. */
export class PickedPrompts {
  readonly #lines: ReadonlyMap<number, Uint8Array>;
  /** Pairs follow one another, so that a prompt is asked for twice in a row and then never again. */
  #latest: readonly (readonly [number, PromptParts])[] = [];

  constructor(lines: ReadonlyMap<number, Uint8Array>) {
    this.#lines = lines;
  }

  /** Null when it was too large to be kept. */
  at(request: number): PromptParts | null {
    const known = this.#latest.find(([number]) => number === request);
    if (known !== undefined) return known[1];
    const line = this.#lines.get(request);
    if (line === undefined) return null;
    const parts = promptParts(line);
    this.#latest = [[request, parts] as const, ...this.#latest].slice(0, 2);
    return parts;
  }
}
