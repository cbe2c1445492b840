import type { Clock } from '@batchwright/core';
import type { JournalEntry } from '../journal/journal-entry.ts';
import { replay, type RunRecord } from '../journal/run-record.ts';
import type { RunStore } from '../store/run-store.ts';

type Untimed<Entry> = Entry extends JournalEntry ? Omit<Entry, 'atMs'> : never;

/** A run's journal while the run is under way: what is noted is durable first, and counts then. */
export class RunJournal {
  readonly #store: RunStore;
  readonly #clock: Clock;
  readonly #noted: () => void;
  readonly record: RunRecord;

  static async open(store: RunStore, clock: Clock, noted: () => void): Promise<RunJournal> {
    return new RunJournal(store, clock, noted, replay(await store.readJournal()));
  }

  private constructor(store: RunStore, clock: Clock, noted: () => void, record: RunRecord) {
    this.#store = store;
    this.#clock = clock;
    this.#noted = noted;
    this.record = record;
  }

  async note(entry: Untimed<JournalEntry>): Promise<void> {
    const timed = { ...entry, atMs: this.#clock.now() } as JournalEntry;
    await this.#store.appendJournal(timed);
    this.record.add(timed);
    this.#noted();
  }
}
