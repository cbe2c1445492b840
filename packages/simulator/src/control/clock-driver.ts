import type { Settle, VirtualClock } from '@batchwright/core';
import type { Simulator } from '../simulator.ts';

/** Turns of the event loop that replies need to reach their readers and come back as new calls. */
const SETTLING_TURNS = 6;

/**
 * Moves a virtual clock: by steps on request, or by itself. Left to itself it jumps to the next event whenever calls
 * are in flight, or native batches run, and nothing else is going on; otherwise time stands still, so that an idle
 * server does not race through the centuries.
 */
export class ClockDriver {
  readonly #clock: VirtualClock;
  readonly #simulator: Simulator;
  readonly #settle: Settle;
  #auto = false;
  #isDriving = false;

  /** `settle` resolves when nothing but time can move things on; a host that knows better than counting turns gives its own. */
  constructor(clock: VirtualClock, simulator: Simulator, settle: Settle = settleByTurns) {
    this.#clock = clock;
    this.#simulator = simulator;
    this.#settle = settle;
  }

  get isAuto(): boolean {
    return this.#auto;
  }

  nextAt(): number | null {
    return this.#clock.nextAt();
  }

  async advance(ms: number): Promise<void> {
    // What was sent before time was told to move happens before it does.
    await this.#settle();
    await this.#clock.advance(ms, this.#settle);
  }

  setAuto(auto: boolean): void {
    this.#auto = auto;
    this.nudge();
  }

  /** To be called when something arrived that waits for time to move. */
  nudge(): void {
    if (!this.#auto || this.#isDriving) return;
    this.#isDriving = true;
    void this.#drive().finally(() => {
      this.#isDriving = false;
    });
  }

  #isWaitedFor(): boolean {
    return this.#simulator.inFlightCount > 0 || this.#simulator.runningBatches.batches > 0;
  }

  async #drive(): Promise<void> {
    for (;;) {
      await this.#settle();
      const next = this.#clock.nextAt();
      if (!this.#auto || !this.#isWaitedFor() || next === null) return;
      await this.#clock.advance(next - this.#clock.now(), this.#settle);
    }
  }
}

/** Lets I/O that is under way finish, as far as this process can see it. */
async function settleByTurns(): Promise<void> {
  for (let turn = 0; turn < SETTLING_TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
