import { assert } from '@batchwright/core';
import { wireError } from '@batchwright/protocol';
import type { BulkRequest } from './bulk-request.ts';
import { CustomIds } from './custom-ids.ts';
import { LineScan } from './line-scan.ts';
import { checkRequest, fault, originOf, type RequestFault } from './request-line.ts';
import type { ScannedRequests } from './scanned-parts.ts';

/**
 * One pass over requests of which nothing is known: finds what is wrong with them, and notes what their prompts have in
 * common. Of a request nothing is kept but its notes and its id, so that any number of them can pass.
 */
export class RequestScan {
  readonly #lines = new LineScan();
  readonly #ids = new CustomIds();
  #taken = 0;
  #isSound = true;

  /** Takes the next request; says what is wrong with it. Those that come after a fault are checked, and no more. */
  add(request: BulkRequest): RequestFault | null {
    const number = this.#taken++;
    const checked = checkRequest(request, number);
    const found = checked.type === 'fault' ? checked : this.#repeated(checked.customId, originOf(request, number));
    if (checked.type === 'fault' || found !== null) {
      this.#isSound = false;
      this.#ids.add('');
      return found;
    }
    this.#ids.add(checked.customId);
    if (this.#isSound) this.#lines.add(checked.line);
    return null;
  }

  /** What was noted, once all requests were taken and none had a fault; `ids` are in the order of the requests. */
  finish(): ScannedRequests & { readonly ids: CustomIds } {
    assert(this.#isSound, () => 'a scan that found a fault was asked for its notes');
    return { ...this.#lines.finish(), ids: this.#ids };
  }

  #repeated(customId: string, origin: string): RequestFault | null {
    const first = this.#ids.find(customId);
    return first < 0 ? null : fault(origin, whyRepeated(customId, first));
  }
}

/** Of a custom_id that the request of number `first` has too. */
export function whyRepeated(customId: string, first: number): string {
  const { message } = wireError({ type: 'custom_id_duplicate', customId });
  return `${message.replace('requests: ', '')}; request ${first + 1} has it too. Give every request an id of its own.`;
}
