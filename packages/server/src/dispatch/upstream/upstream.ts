/**
 * An upstream as dispatch and the Messages front see it: something that answers one HTTP-shaped exchange. `messages`
 * speaks to any base URL, `simulated` to the simulator in the same process; both go through the same classification.
 * Callbacks and not promises, since this is the hot path: an object exists per call in flight and no other.
 */
export interface Upstream {
  readonly name: string;
  /** A simulator is told which batch request a call serves, for its fault rules; a real upstream never is. */
  readonly isSimulated: boolean;
  /** Starts the exchange. Exactly one of `onEnd` and `onFailure` follows, unless the returned function cancelled it first. */
  call(request: UpstreamCall, events: UpstreamEvents): CancelCall;
  /** From now on every call fails, and so do those under way. */
  close(): Promise<void>;
}

/**
 * A body up to this long is copied when it goes out. Of a longer one some may be on its way when its answer is over
 * already, where an upstream answers before it has read all.
 */
export const COPIED_BODY_BYTES = 32 * 1024;

export interface UpstreamCall {
  readonly method: 'GET' | 'POST';
  /** Path and query below the base URL, from `/v1`. */
  readonly path: string;
  /** Lower-case names; credentials are the upstream's own business and never come from here. */
  readonly headers: Readonly<Record<string, string>>;
  /** The exact bytes to send, or null for none. Must not change until the call is over; if too long to be copied, never. */
  readonly body: Uint8Array | null;
  /**
   * Calls of one affinity had best meet at one replica, because of what they share; null or absent for a call that may
   * go anywhere. Nothing of it is sent.
   */
  readonly affinity?: number | null;
}

export interface UpstreamEvents {
  onHead(status: number, headers: Readonly<Record<string, string | readonly string[] | undefined>>): void;
  /** The chunk is the receiver's to keep; but one that is the last is valid until `onEnd` returns, which is called at once. */
  onData(chunk: Uint8Array, isLast?: boolean): void;
  onEnd(): void;
  /** The connection failed or a time limit passed; `timeout` tells which. */
  onFailure(reason: string, timeout: boolean): void;
}

/** Ends the exchange at once; no event follows. Calling it late or twice is harmless. */
export type CancelCall = () => void;
