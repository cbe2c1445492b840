import type { ResultType } from '@batchwright/protocol';

/** The inner life of one request. Kept as one byte each in the shard's state array. */
export type RequestState = 'pending' | 'dispatched' | 'backing_off' | 'settled';

export type RequestEvent =
  | { readonly type: 'dispatch' }
  | { readonly type: 'retry_later' }
  | { readonly type: 'backoff_elapsed' }
  | { readonly type: 'give_back' }
  | { readonly type: 'settle'; readonly as: ResultType };

export type RequestTransition =
  | { readonly type: 'changed'; readonly state: RequestState }
  | { readonly type: 'ignored'; readonly reason: string };
