import { Activity } from '../../packages/server/src/runtime/activity.ts';

/** Turns of the event loop without a stir after which nothing more can come of what was begun. */
const CALM_TURNS = 3;

/**
 * Knows when everything an instant caused has happened, so that virtual time may move on. What waits for virtual time
 * itself, as on a slow disk, is at rest; what runs in this very instant stirs at least every few turns of the event loop.
 */
export class Rest {
  #isStirred = true;

  readonly stir = (): void => {
    this.#isStirred = true;
  };

  /** One turn of the event loop, after which it is looked again whether something goes on. */
  async turn(): Promise<void> {
    this.#isStirred = true;
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Cheap when nothing happened since it was last asked. */
  async settle(): Promise<void> {
    if (!this.#isStirred) return;
    for (let calmTurns = 0; calmTurns < CALM_TURNS; calmTurns++) {
      this.#isStirred = false;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#isStirred) calmTurns = -1;
    }
  }
}

/** An activity that stirs. */
export class WatchedActivity extends Activity {
  readonly #rest: Rest;

  constructor(rest: Rest) {
    super();
    this.#rest = rest;
  }

  override begin(): void {
    this.#rest.stir();
    super.begin();
  }

  override end(): void {
    this.#rest.stir();
    super.end();
  }
}
