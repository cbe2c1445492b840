/** Options that cannot be meant: which, what it is, and what it may be. */
export class RunOptionsError extends Error {
  override readonly name = 'RunOptionsError';
}

/** The run's cost is bounded, and some of its requests have no known price. */
export class UnpricedRunError extends Error {
  override readonly name = 'UnpricedRunError';
}

/** What is kept is another run's: what differs, and what helps. */
export class RunMismatchError extends Error {
  override readonly name = 'RunMismatchError';
  /** The names of what differs. */
  readonly differing: readonly string[];

  constructor(message: string, differing: readonly string[]) {
    super(message);
    this.differing = differing;
  }
}

/** The server does not stand by a batch of the run: it is gone, or its results are not those of its requests. */
export class BatchFaultError extends Error {
  override readonly name = 'BatchFaultError';
  /** `gone`: the server knows no such batch any more, so that the run can only be begun anew. */
  readonly fault: 'gone' | 'wrong_results';
  /** The server's id of it. */
  readonly batchId: string;

  constructor(message: string, fault: BatchFaultError['fault'], batchId: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
    this.batchId = batchId;
  }
}
