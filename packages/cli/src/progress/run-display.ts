import type { RunProgress } from '@batchwright/client';
import { wrapped } from '../answers/terminal-text.ts';
import { complain, type Host } from '../host.ts';
import { liveBlock } from './live-block.ts';
import { paintFor } from './paint.ts';
import { ProgressWatch, type KnownBatch, type ProgressChange } from './progress-changes.ts';
import { batchEvent, progressEvent, type RunEvent } from './run-event.ts';
import { progressFrame } from './progress-frame.ts';
import type { InputProgress } from './progress-figures.ts';
import { changeLine, progressLine } from './progress-line.ts';

/** Where a run's progress is told: on standard error, or as events on standard output. */
export interface RunDisplay {
  /** Batches of a run that is taken up: what happened to them before is not told again. */
  know(batches: readonly KnownBatch[]): void;
  /** Given the latest now and then; shows it as often as it is worth. */
  show(progress: RunProgress, input: InputProgress): void;
  /** A line for people, to stay. */
  say(line: string): void;
  /** Answers for people, on standard output; machines get events. */
  print(text: string): void;
  /** A line about something that is wrong. */
  warn(line: string): void;
  /** For machines; where people are told otherwise, nothing. */
  event(event: RunEvent): void;
  /** Nothing is drawn over any more; what is said afterwards stands below the latest state, or in place of it. */
  end(last: 'stays' | 'goes'): void;
}

export interface DisplayOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly colour: boolean;
}

/** A block that is drawn over on a terminal, lines now and then elsewhere, events for machines, or next to nothing. */
export function openDisplay(options: DisplayOptions, host: Host): RunDisplay {
  if (options.json) return eventDisplay(host);
  if (options.quiet) return { ...SILENT, print: host.out, warn: (line) => complain(host, line) };
  return host.errSize() !== null && host.env['TERM'] !== 'dumb' ? liveDisplay(options.colour, host) : lineDisplay(host);
}

const SILENT: Omit<RunDisplay, 'warn' | 'print'> = {
  know: () => undefined,
  show: () => undefined,
  say: () => undefined,
  event: () => undefined,
  end: () => undefined,
};

/** Says what helps against what a run waits for, each once: what it waits for is shown all the time. */
class Remedies {
  readonly #said = new Set<string>();
  readonly #say: (line: string) => void;

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  look({ waitingFor, remedy }: RunProgress): void {
    if (remedy === null || this.#said.has(remedy)) return;
    this.#said.add(remedy);
    this.#say(`${waitingFor ?? ''}. ${remedy}`);
  }
}

/** As often as somebody can read it, and no more than a slow terminal at the other end of the world can take. */
const FRAME_MS = 200;

function liveDisplay(colour: boolean, host: Host): RunDisplay {
  const block = liveBlock(host);
  const paint = paintFor(host, colour);
  let shownAtMs = Number.NEGATIVE_INFINITY;
  let latest: (() => readonly string[]) | null = null;
  const say = (text: string): void => {
    const { columns } = host.errSize() ?? DEFAULT_SIZE;
    for (const line of wrapped(text, columns - 1)) block.note(line);
  };
  const remedies = new Remedies(say);
  return {
    ...SILENT,
    show(progress, input) {
      remedies.look(progress);
      latest = () => progressFrame(progress, { ...(host.errSize() ?? DEFAULT_SIZE), paint, input });
      if (host.now() - shownAtMs < FRAME_MS) return;
      shownAtMs = host.now();
      block.draw(latest());
    },
    say,
    print: (text) => block.aside(() => host.out(text)),
    warn: (line) => say(`batchwright: ${line}`),
    end(last) {
      if (latest !== null) block.draw(last === 'stays' ? latest() : []);
      block.end();
    },
  };
}

const DEFAULT_SIZE = { columns: 80, rows: 24 };
const LINE_MS = 10_000;

function lineDisplay(host: Host): RunDisplay {
  const watch = new ProgressWatch();
  const remedies = new Remedies((line) => host.err(`${line}\n`));
  let saidAtMs = host.now();
  return {
    ...SILENT,
    know: (batches) => watch.know(batches),
    show(progress, input) {
      remedies.look(progress);
      const changes = watch.look(progress);
      for (const change of changes) if (!isLast(change)) host.err(`${changeLine(change, progress, input)}\n`);
      const isDue = host.now() - saidAtMs >= LINE_MS;
      if (isDue && changes.length === 0) host.err(`${progressLine(progress, input)}\n`);
      if (isDue || changes.length > 0) saidAtMs = host.now();
    },
    say: (line) => host.err(`${line}\n`),
    print: host.out,
    warn: (line) => complain(host, line),
  };
}

/** The report says it. */
function isLast(change: ProgressChange): boolean {
  return change.type === 'phase' && change.phase === 'finished';
}

const EVENT_MS = 1000;

/** Events on standard output, one JSON object a line; what is for people stays on standard error. */
function eventDisplay(host: Host): RunDisplay {
  const watch = new ProgressWatch();
  let toldAtMs = Number.NEGATIVE_INFINITY;
  const event = (one: RunEvent): void => host.out(`${JSON.stringify(one)}\n`);
  const remedies = new Remedies((line) => host.err(`${line}\n`));
  return {
    know: (batches) => watch.know(batches),
    show(progress) {
      remedies.look(progress);
      const changes = watch.look(progress);
      for (const change of changes) if (change.type !== 'phase') event(batchEvent(change));
      if (host.now() - toldAtMs < EVENT_MS && !changes.some(({ type }) => type === 'phase')) return;
      toldAtMs = host.now();
      event(progressEvent(progress));
    },
    say: (line) => host.err(`${line}\n`),
    print: () => undefined,
    warn: (line) => complain(host, line),
    event,
    end: () => undefined,
  };
}
