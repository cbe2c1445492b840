import type { Host } from '../host.ts';
import { visibleLength } from './flowed-text.ts';

/** Lines at the end of a terminal that are drawn over themselves. */
export interface LiveBlock {
  /** Puts other lines in place of those before. */
  draw(lines: readonly string[]): void;
  /** Writes a line above the block, to stay. */
  note(line: string): void;
  /** Takes the block away while something else is written to the same terminal. */
  aside(write: () => void): void;
  /** Leaves what was drawn last where it is. */
  end(): void;
}

/** Terminals that know it show nothing between the two; others pass it over. */
const BEGIN_FRAME = '\u001B[?2026h';
const END_FRAME = '\u001B[?2026l';
const ERASE_TO_LINE_END = '\u001B[K';
const ERASE_BELOW = '\u001B[J';

/**
 * Draws on standard error, which must be a terminal. A frame is one write that goes over the last one and erases what it
 * leaves, so that nothing flickers; the cursor is never hidden, so that no way of leaving, `kill -9` among them, leaves a
 * terminal without one.
 */
export function liveBlock(host: Host): LiveBlock {
  let drawn: readonly string[] = [];
  let ended = false;

  const write = (above: string, lines: readonly string[]): void => {
    const columns = host.errSize()?.columns ?? 80;
    const up = rowsOf(drawn, columns);
    const start = up === 0 ? '\r' : `\r\u001B[${up}A`;
    const body = lines.map((line) => `${line}${ERASE_TO_LINE_END}\n`).join('');
    host.err(`${BEGIN_FRAME}${start}${above}${body}${ERASE_BELOW}${END_FRAME}`);
    drawn = lines;
  };
  return {
    draw: (lines) => {
      if (!ended) write('', lines);
    },
    note: (line) => {
      if (ended) host.err(`${line}\n`);
      else write(`${line}${ERASE_TO_LINE_END}\n`, drawn);
    },
    aside: (other) => {
      const lines = drawn;
      if (!ended) write('', []);
      other();
      if (!ended) write('', lines);
    },
    end: () => {
      ended = true;
    },
  };
}

/** The rows lines take on a terminal that has become narrower since they were drawn wraps them to more. */
function rowsOf(lines: readonly string[], columns: number): number {
  return lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(visibleLength(line) / columns)), 0);
}
