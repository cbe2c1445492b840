import { BadRequestsError } from '@batchwright/client';

/** More would not help anybody to see what is wrong. */
const MOST_FAULTS = 10;

/**
 * What is wrong with single rows. A run is refused whole, so one look at the input should find as much as can be mended
 * in one go.
 */
export class Faults {
  readonly #messages: string[] = [];

  get isEmpty(): boolean {
    return this.#messages.length === 0;
  }

  /** Notes what a row was refused for; anything that is not about a row is thrown on. */
  note(error: unknown): void {
    if (!(error instanceof RowError)) throw error;
    this.#messages.push(error.message);
    if (this.#messages.length === MOST_FAULTS) this.throwIfAny();
  }

  /** Rejects the input for all that was noted, a line each. */
  throwIfAny(): void {
    if (!this.isEmpty) throw new BadRequestsError(this.#messages.join('\n'));
  }
}

/** One row that no request can be made of, while others may be sound. */
export class RowError extends BadRequestsError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RowError';
  }
}
