import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Counts what is under way and not waiting for the clock: disk writes, catalog calls, reads of params. A virtual clock
 * asks it before it moves on, so that everything an instant caused has happened before the next instant begins.
 */
export class Activity {
  #underWay = 0;

  /** Counts a promise until it settles, and hands it back. */
  track<T>(promise: Promise<T>): Promise<T> {
    this.begin();
    const end = (): void => this.end();
    promise.then(end, end);
    return promise;
  }

  begin(): void {
    this.#underWay++;
  }

  end(): void {
    this.#underWay--;
  }

  /** Resolves when nothing is under way and two turns of the event loop brought nothing new. */
  async quiet(): Promise<void> {
    let calmTurns = 0;
    while (calmTurns < 2) {
      await nextTurn();
      calmTurns = this.#underWay === 0 ? calmTurns + 1 : 0;
    }
  }
}
