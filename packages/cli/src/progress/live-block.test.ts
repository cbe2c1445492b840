import { describe, expect, it } from 'vitest';
import type { Host } from '../host.ts';
import { liveBlock } from './live-block.ts';

/** A terminal that knows what the block uses, and no more: it wraps, goes up, and erases. */
class Screen {
  columns: number;
  readonly rows: string[] = [''];
  #row = 0;
  #column = 0;

  constructor(columns: number) {
    this.columns = columns;
  }

  write(text: string): void {
    // oxlint-disable-next-line no-control-regex -- it is about control characters
    for (const [token] of text.matchAll(/\u001B\[\??[0-9;]*[A-Za-z]|[\s\S]/g)) this.#take(token);
  }

  /** What a person sees. */
  get text(): string {
    return this.rows.join('\n').trimEnd();
  }

  /** Narrower, with the lines wrapped anew as most terminals do. */
  resize(columns: number): void {
    const wrapped = this.rows.flatMap((row) => row.match(new RegExp(`.{1,${columns}}`, 'g')) ?? ['']);
    this.rows.splice(0, this.rows.length, ...wrapped);
    this.columns = columns;
    this.#row = this.rows.length - 1;
  }

  #take(token: string): void {
    // oxlint-disable-next-line no-control-regex -- it is about control characters
    const up = /^\u001B\[(\d+)A$/.exec(token);
    if (up !== null) this.#row = Math.max(0, this.#row - Number(up[1]));
    else if (token === '\r') this.#column = 0;
    else if (token === '\n') {
      this.#row += 1;
      this.#column = 0;
      this.rows[this.#row] ??= '';
    } else if (token === '\u001B[K') this.rows[this.#row] = this.#current.slice(0, this.#column);
    else if (token === '\u001B[J') {
      this.rows[this.#row] = this.#current.slice(0, this.#column);
      this.rows.splice(this.#row + 1);
    } else if (!token.startsWith('\u001B')) {
      this.rows[this.#row] = `${this.#current.slice(0, this.#column)}${token}${this.#current.slice(this.#column + 1)}`;
      this.#column += 1;
    }
  }

  get #current(): string {
    return this.rows[this.#row] ?? '';
  }
}

function blockOn(columns: number): { readonly screen: Screen; readonly block: ReturnType<typeof liveBlock> } {
  const screen = new Screen(columns);
  const host: Partial<Host> = {
    err: (text) => screen.write(text),
    errSize: () => ({ columns: screen.columns, rows: 24 }),
  };
  return { screen, block: liveBlock(host as Host) };
}

describe('a live block', () => {
  it('is drawn over, whether it grows or shrinks', () => {
    const { screen, block } = blockOn(40);
    block.draw(['one', 'a longer line']);
    block.draw(['two', 'short', 'more']);
    expect(screen.text).toBe('two\nshort\nmore');
    block.draw(['three']);
    expect(screen.text).toBe('three');
  });

  it('keeps notes above it', () => {
    const { screen, block } = blockOn(40);
    screen.write('$ batchwright run\n');
    block.draw(['running', 'bar']);
    block.note('something happened');
    block.draw(['running on', 'bar']);
    block.note('and more');
    expect(screen.text).toBe('$ batchwright run\nsomething happened\nand more\nrunning on\nbar');
  });

  it('leaves nothing of a wider frame on a terminal that became narrower', () => {
    const { screen, block } = blockOn(40);
    screen.write('$ x\n');
    block.draw(['a line of exactly thirty letters', 'bar']);
    screen.resize(16);
    block.draw(['a line of', 'thirty', 'bar']);
    expect(screen.text).toBe('$ x\na line of\nthirty\nbar');
  });

  it('stays where it is once it has ended', () => {
    const { screen, block } = blockOn(40);
    block.draw(['done']);
    block.end();
    block.draw(['never seen']);
    block.note('the report');
    expect(screen.text).toBe('done\nthe report');
  });

  it('makes room for what others write to the same terminal', () => {
    const { screen, block } = blockOn(40);
    block.draw(['running', 'bar']);
    block.aside(() => screen.write('an answer\n'));
    block.draw(['running on', 'bar']);
    expect(screen.text).toBe('an answer\nrunning on\nbar');
  });

  it('never hides the cursor', () => {
    let written = '';
    const host: Partial<Host> = { err: (text) => void (written += text), errSize: () => ({ columns: 40, rows: 24 }) };
    const block = liveBlock(host as Host);
    block.draw(['one']);
    block.note('two');
    expect(written).not.toContain('?25l');
  });
});
