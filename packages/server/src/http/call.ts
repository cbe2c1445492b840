import type { ApiVersion, KeyId, WorkspaceId } from '@batchwright/protocol';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallRate } from './call-rate.ts';
import type { HttpServices } from './services.ts';
import type { Watches } from './watches.ts';

/** One HTTP exchange, from its head to the end of its response. */
export interface Call {
  readonly requestId: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** Without the query and without the public URL's prefix; still percent-encoded. */
  readonly path: string;
  /** As sent, without its `?`. */
  readonly query: string;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  readonly startedMs: number;
  /** Facts for the access log, filled in as they become known. Never the raw URL. */
  readonly facts: CallFacts;
}

export interface CallFacts {
  route: string;
  workspaceId?: WorkspaceId;
  batchId?: string;
  bytes?: number;
  /** When the answer was complete, if that was before the connection was done with. */
  answeredMs?: number;
}

/** Path parameters, percent-decoded. */
export type Params = Readonly<Record<string, string>>;

/** Who calls, as the credential and headers say it. */
export interface Caller {
  readonly keyId: KeyId;
  readonly workspaceId: WorkspaceId;
  readonly apiVersion: ApiVersion;
  readonly betas: readonly string[];
}

/** What handlers work with: the services, and the state the HTTP room itself keeps. */
export interface Room {
  readonly services: HttpServices;
  readonly rate: CallRate;
  /** Bytes of Messages bodies held in memory. */
  readonly buffered: BufferedBytes;
  /** Calls that stay open to hear of a batch. */
  readonly watches: Watches;
  isShuttingDown(): boolean;
}

export interface BufferedBytes {
  /** Takes `count` bytes of the budget; false when it is spent. */
  take(count: number): boolean;
  giveBack(count: number): void;
}

/** A budget of `limit` bytes. */
export function bufferedBytes(limit: number): BufferedBytes {
  let taken = 0;
  return {
    take(count) {
      if (taken + count > limit) return false;
      taken += count;
      return true;
    },
    giveBack(count) {
      taken -= count;
    },
  };
}
