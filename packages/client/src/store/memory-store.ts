import { assert } from '@batchwright/core';
import type { JournalEntry } from '../journal/journal-entry.ts';
import type { ByteLog, LogName, RunStore } from './run-store.ts';

/** A run kept in memory: gone with its process. */
export function memoryStore(): RunStore {
  const journal: string[] = [];
  const logs = new Map<LogName, MemoryLog>();
  return {
    readJournal: async () => journal.map((line) => JSON.parse(line) as JournalEntry),
    async appendJournal(entry) {
      // As text, so that nobody holds an object that changes, and what is read is what a file would give.
      journal.push(JSON.stringify(entry));
    },
    async openLog(name) {
      const log = logs.get(name) ?? new MemoryLog();
      logs.set(name, log);
      return log.open(name);
    },
    async removeLog(name) {
      assert(logs.get(name)?.isOpen !== true, () => `the log ${name} is removed while it is open`);
      logs.delete(name);
    },
    async clear() {
      for (const [name, log] of logs) assert(!log.isOpen, () => `the log ${name} is cleared while it is open`);
      journal.length = 0;
      logs.clear();
    },
    close: async () => undefined,
  };
}

/** Bytes are kept in pieces of this size, since one growing array would be copied again and again. */
const PIECE_BYTES = 256 * 1024;

class MemoryLog {
  isOpen = false;
  #size = 0;
  readonly #pieces: Uint8Array[] = [];

  open(name: LogName): ByteLog {
    assert(!this.isOpen, () => `the log ${name} is open already`);
    this.isOpen = true;
    const size = (): number => this.#size;
    return {
      get size() {
        return size();
      },
      append: async (bytes) => this.#append(bytes),
      read: async (offset, length) => this.#read(offset, length),
      truncate: async (length) => this.#truncate(length),
      sync: async () => undefined,
      close: async () => {
        this.isOpen = false;
      },
    };
  }

  #append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const start = this.#size % PIECE_BYTES;
      if (start === 0) this.#pieces.push(new Uint8Array(Math.min(PIECE_BYTES, Math.max(1024, bytes.length - at))));
      const piece = this.#roomyPiece(start, bytes.length - at);
      const part = bytes.subarray(at, at + piece.length - start);
      piece.set(part, start);
      at += part.length;
      this.#size += part.length;
    }
  }

  /** The last piece, with room for some more than `start` bytes; small logs need no whole piece. */
  #roomyPiece(start: number, more: number): Uint8Array {
    const last = this.#pieces.at(-1) as Uint8Array;
    const wanted = Math.min(PIECE_BYTES, start + more);
    if (last.length >= wanted) return last;
    const wider = new Uint8Array(Math.min(PIECE_BYTES, Math.max(wanted, 2 * last.length)));
    wider.set(last.subarray(0, start));
    this.#pieces[this.#pieces.length - 1] = wider;
    return wider;
  }

  #read(offset: number, length: number): Uint8Array {
    if (offset < 0 || length < 0 || offset + length > this.#size) {
      throw new RangeError(`bytes ${offset} to ${offset + length} of a log of ${this.#size} were asked for`);
    }
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length;) {
      const start = (offset + at) % PIECE_BYTES;
      const piece = this.#pieces[Math.floor((offset + at) / PIECE_BYTES)] as Uint8Array;
      const part = piece.subarray(start, Math.min(PIECE_BYTES, start + length - at));
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  #truncate(size: number): void {
    assert(size >= 0 && size <= this.#size, () => `a log of ${this.#size} bytes is cut to ${size}`);
    this.#size = size;
    this.#pieces.length = Math.ceil(size / PIECE_BYTES);
  }
}
