import type { JournalEntry } from '../journal/journal-entry.ts';
import type { ByteLog, LogName, RunStore } from '../store/run-store.ts';

/** What a process that died gets to hear from then on. */
export class Crash extends Error {}

interface Disk {
  readonly journal: string[];
  readonly logs: Map<LogName, { bytes: Buffer; synced: number }>;
}

/** A store whose process can die: what was not synced may be lost then, in part. */
export class MortalStore implements RunStore {
  /** Called around every note; the process may die in there, before the note is durable or before it knows. */
  onNote: (moment: 'before' | 'after', entry: JournalEntry) => void = () => undefined;
  readonly #disk: Disk;
  #isDead = false;

  constructor(disk: Disk = { journal: [], logs: new Map() }) {
    this.#disk = disk;
  }

  get entries(): readonly JournalEntry[] {
    return this.#disk.journal.map((line) => JSON.parse(line) as JournalEntry);
  }

  get logNames(): readonly LogName[] {
    return [...this.#disk.logs.keys()];
  }

  /** The process dies; the store as the next one finds it. `kept` answers how much of what was not synced survived. */
  die(kept: (unsynced: number) => number = () => 0): MortalStore {
    this.#isDead = true;
    const logs: Disk['logs'] = new Map();
    for (const [name, { bytes, synced }] of this.#disk.logs) {
      const size = synced + Math.min(bytes.length - synced, kept(bytes.length - synced));
      logs.set(name, { bytes: Buffer.from(bytes.subarray(0, size)), synced: size });
    }
    return new MortalStore({ journal: [...this.#disk.journal], logs });
  }

  async readJournal(): Promise<readonly JournalEntry[]> {
    this.#live();
    return this.entries;
  }

  async appendJournal(entry: JournalEntry): Promise<void> {
    this.#live();
    this.onNote('before', entry);
    this.#disk.journal.push(JSON.stringify(entry));
    this.onNote('after', entry);
  }

  async openLog(name: LogName): Promise<ByteLog> {
    this.#live();
    const log = this.#disk.logs.get(name) ?? { bytes: Buffer.alloc(0), synced: 0 };
    this.#disk.logs.set(name, log);
    const live = (): void => this.#live();
    return {
      get size() {
        return log.bytes.length;
      },
      async append(bytes) {
        live();
        log.bytes = Buffer.concat([log.bytes, bytes]);
      },
      async read(offset, length) {
        live();
        if (offset + length > log.bytes.length) throw new RangeError('beyond the end');
        return Uint8Array.from(log.bytes.subarray(offset, offset + length));
      },
      async truncate(size) {
        live();
        log.bytes = log.bytes.subarray(0, size);
        log.synced = Math.min(log.synced, size);
      },
      async sync() {
        live();
        log.synced = log.bytes.length;
      },
      close: async () => undefined,
    };
  }

  async removeLog(name: LogName): Promise<void> {
    this.#live();
    this.#disk.logs.delete(name);
  }

  async clear(): Promise<void> {
    this.#live();
    this.#disk.journal.length = 0;
    this.#disk.logs.clear();
  }

  close = async (): Promise<void> => undefined;

  #live(): void {
    if (this.#isDead) throw new Crash('the process is dead');
  }
}
