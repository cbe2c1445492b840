import { errorEnvelope, type WireError } from '@batchwright/protocol';

/**
 * Results lines as they are stored and served: `{"custom_id":…,"result":{…}}` and a newline, built from bytes. A
 * custom_id needs no escaping, since intake admits only letters, digits, `_` and `-`.
 */
const OPEN = Buffer.from('{"custom_id":"');
const SUCCEEDED = Buffer.from('","result":{"type":"succeeded","message":');
const ERRORED = Buffer.from('","result":{"type":"errored","error":');
const CLOSE = Buffer.from('}}\n');
const CANCELED = Buffer.from('","result":{"type":"canceled"}}\n');
const EXPIRED = Buffer.from('","result":{"type":"expired"}}\n');

/** `message` is the upstream's own bytes, which hold no raw newline. */
export function succeededLine(customId: Uint8Array, message: readonly Uint8Array[]): readonly Uint8Array[] {
  return [OPEN, customId, SUCCEEDED, ...message, CLOSE];
}

/** `requestId` is null for what was found before execution. */
export function erroredLine(customId: Uint8Array, error: WireError, requestId: string | null): readonly Uint8Array[] {
  return [OPEN, customId, ERRORED, Buffer.from(JSON.stringify(errorEnvelope(error, requestId))), CLOSE];
}

export function unstartedLine(customId: Uint8Array, type: 'canceled' | 'expired'): readonly Uint8Array[] {
  return [OPEN, customId, type === 'canceled' ? CANCELED : EXPIRED];
}

/** Where the result lies within a line that settles a request with this custom_id: without the braces around and the newline. */
export function resultSpan(customId: string, lineBytes: number): { readonly from: number; readonly to: number } {
  return { from: OPEN.length + customId.length + '","result":'.length, to: lineBytes - '}\n'.length };
}
