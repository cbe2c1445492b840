import { BadRequestsError } from './bulk-request.ts';

/** More would not help anybody to see what is wrong. */
const SHOWN_FAULTS = 10;
/** Beyond these nobody wants to know how many there are, and reading on would cost time for nothing. */
const COUNTED_FAULTS = 10_000;

/**
 * What is wrong with single requests. All are refused or none, so one look should find as much as can be mended in one go:
 * the first are told, and the others counted.
 */
export class FaultList {
  readonly #shown: string[] = [];
  #count = 0;
  #ofSource: BadRequestsError | null = null;

  get isEmpty(): boolean {
    return this.#count === 0 && this.#ofSource === null;
  }

  /** Whether counting on is worth nothing. */
  get isFull(): boolean {
    return this.#count >= COUNTED_FAULTS;
  }

  /** Notes a fault, one line. */
  add(message: string): void {
    this.#count += 1;
    if (this.#shown.length < SHOWN_FAULTS) this.#shown.push(message);
  }

  /** Notes what a source of requests ended with; what is not about the requests is thrown on. */
  addError(error: unknown): void {
    if (!(error instanceof BadRequestsError)) throw error;
    this.#ofSource = error;
  }

  /** Rejects the requests for all that was noted, a line each. */
  throwIfAny(): void {
    const ofSource = this.#ofSource;
    if (ofSource !== null && this.#count === 0) throw ofSource;
    if (this.#count === 0) return;
    const lines = [...(ofSource === null ? [] : [ofSource.message]), ...this.#shown, ...this.#more()];
    throw new BadRequestsError(lines.join('\n'), ofSource === null ? undefined : { cause: ofSource });
  }

  #more(): readonly string[] {
    const more = this.#count - this.#shown.length;
    if (more === 0) return [];
    return [this.isFull ? `… and ${more} more, where reading stopped.` : `… and ${more} more.`];
  }
}
