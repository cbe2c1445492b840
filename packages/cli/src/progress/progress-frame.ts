import type { BatchProgress, RunProgress } from '@batchwright/client';
import { counted, grouped, percent } from '../output/figures.ts';
import { clipped, flowed } from './flowed-text.ts';
import type { Paint } from './paint.ts';
import { stackedBar } from './progress-bar.ts';
import {
  failedCount,
  headline,
  moneyParts,
  settledCount,
  speedParts,
  tokenParts,
  underWayCount,
  type InputProgress,
} from './progress-figures.ts';

/** What a frame is drawn for. */
export interface FrameView {
  /** Of the terminal. A frame is never wider, and always lower. */
  readonly columns: number;
  readonly rows: number;
  readonly paint: Paint;
  readonly input: InputProgress;
}

/** More batches than this are a crowd. */
const MOST_BATCH_LINES = 8;
const WIDEST_BAR = 60;
/** The last column stays free: some terminals wrap as soon as it is filled. */
const MARGIN = 1;

/**
 * How far a run is, as lines for a terminal:
 *
 *     running 4,210 of 10,000 (42%) · 118/s · about 49 s left
 *     ████████████████████▓▒▒▒▒▒▒▒▒▒▒▒░░░░░░░░░░░░░░░░░░░░░░░
 *     4,190 succeeded · 20 failed · 5,000 under way
 *     1  msgbatch_01AbCdEf…  ended        5,000 of 5,000  ▮▮▮▮▮▮▮▮▮▮
 *     2  msgbatch_01GhIjKl…  in progress  2,105 of 5,000  ▮▮▮▮▯▯▯▯▯▯
 *     and 12 more
 *     1.2M tokens in · 77% from the cache · 120k out · $1.23 so far · about $2.90 in all
 */
export function progressFrame(progress: RunProgress, view: FrameView): readonly string[] {
  const width = Math.max(10, view.columns - MARGIN);
  const head = [
    ...flowed([view.paint.bold(headline(progress, view.input)), ...speedParts(progress)], width),
    ...(progress.phase === 'running' ? runningLines(progress, width, view.paint) : []),
  ];
  const foot = [
    ...flowed([...tokenParts(progress), ...moneyParts(progress)], width),
    ...flowed(progress.waitingFor?.split(' ') ?? [], width, ' ').map(view.paint.yellow),
  ];
  // One row stays free, or the terminal would scroll and the frame could not be drawn over.
  const room = Math.min(MOST_BATCH_LINES + 1, view.rows - 1 - head.length - foot.length);
  const batches = progress.phase === 'running' ? batchLines(progress.batches, room, width, view.paint) : [];
  return [...head, ...batches, ...foot].slice(0, Math.max(1, view.rows - 1));
}

function runningLines(progress: RunProgress, width: number, paint: Paint): readonly string[] {
  const { requests, counts, retrying } = progress;
  const [failed, underWay] = [failedCount(progress), underWayCount(progress)];
  const parts = { succeeded: counts.succeeded, failed, underWay, whole: requests };
  const unsent = Math.max(0, requests - settledCount(progress) - underWay);
  const words = [
    paint.green(`${grouped(counts.succeeded)} succeeded`),
    ...(failed === 0 ? [] : [paint.red(`${grouped(failed)} failed`)]),
    ...(underWay === 0 ? [] : [paint.cyan(`${grouped(underWay)} under way`)]),
    ...(unsent === 0 ? [] : [`${grouped(unsent)} to be sent`]),
    ...(retrying === 0 ? [] : [paint.yellow(`${grouped(retrying)} tried again`)]),
  ];
  return [stackedBar(parts, Math.min(width, WIDEST_BAR), paint), ...flowed(words, width)];
}

/** The batches that say most: those under way, then the ones that ended last, then those that come next. */
function batchLines(batches: readonly BatchProgress[], room: number, width: number, paint: Paint): readonly string[] {
  if (room < 2 || batches.length === 0) return [];
  const most = batches.length <= room ? room : room - 1;
  const shown = new Set(batches.toSorted(byInterest).slice(0, most));
  const inOrder = batches.filter((batch) => shown.has(batch));
  const columns = columnsOf(inOrder, width, new Set(batches.map(({ wave }) => wave)).size > 1);
  const lines = inOrder.map((batch) => batchLine(batch, columns, width, paint));
  const hidden = batches.filter((batch) => !shown.has(batch));
  return hidden.length === 0 ? lines : [...lines, paint.dim(clipped(hiddenText(hidden), width))];
}

const INTEREST: Readonly<Record<BatchProgress['state'], number>> = {
  canceling: 0,
  in_progress: 0,
  sending: 0,
  ended: 1,
  downloaded: 2,
  planned: 3,
};

function byInterest(a: BatchProgress, b: BatchProgress): number {
  const difference = INTEREST[a.state] - INTEREST[b.state];
  if (difference !== 0) return difference;
  // Of what is over the latest says most, of what comes the next.
  return a.state === 'downloaded' ? b.number - a.number : a.number - b.number;
}

function hiddenText(hidden: readonly BatchProgress[]): string {
  const over = hidden.filter(({ state }) => state === 'downloaded').length;
  const planned = hidden.filter(({ state }) => state === 'planned').length;
  const rest = hidden.length - over - planned;
  const kinds = [
    ...(over === 0 ? [] : [`${grouped(over)} over`]),
    ...(rest === 0 ? [] : [`${grouped(rest)} under way`]),
    ...(planned === 0 ? [] : [`${grouped(planned)} to come`]),
  ];
  return `and ${grouped(hidden.length)} more (${kinds.join(', ')})`;
}

/** What there is room for beside a batch's number, state and share. */
interface BatchColumns {
  readonly number: number;
  readonly id: number;
  readonly requests: number;
  readonly hasWave: boolean;
  readonly bar: number;
}

const ID_PREFIX = 'msgbatch_';
const FULL_ID = 33;
const SHORT_ID = 8;
const STATE_TEXT: Readonly<Record<BatchProgress['state'], string>> = {
  planned: 'to come',
  sending: 'sending',
  in_progress: 'in progress',
  canceling: 'canceling',
  ended: 'ended',
  downloaded: 'over',
};
const STATE_WIDTH = Math.max(...Object.values(STATE_TEXT).map((text) => text.length));
const SHARE_WIDTH = 4;
const GAP = 2;
const WAVE_WIDTH = 7;
const BAR_WIDTH = 10;

/** As much as fits: full ids are worth more than a bar, the requests more than full ids. */
function columnsOf(batches: readonly BatchProgress[], width: number, hasWaves: boolean): BatchColumns {
  const number = Math.max(...batches.map((batch) => String(batch.number + 1).length));
  let left = width - number - STATE_WIDTH - SHARE_WIDTH - 2 * GAP;
  const take = (wanted: number): number => {
    if (left < wanted + GAP) return 0;
    left -= wanted + GAP;
    return wanted;
  };
  const shortId = take(SHORT_ID);
  const requests = take(Math.max(...batches.map((batch) => requestsText(batch).length)));
  const hasWave = hasWaves && take(WAVE_WIDTH) > 0;
  const id = shortId > 0 && left >= FULL_ID - SHORT_ID ? FULL_ID : shortId;
  if (id === FULL_ID) left -= FULL_ID - SHORT_ID;
  return { number, id, requests, hasWave, bar: take(BAR_WIDTH) };
}

function batchLine(batch: BatchProgress, columns: BatchColumns, width: number, paint: Paint): string {
  const { settled, requests, state } = batch;
  const cells = [
    String(batch.number + 1).padStart(columns.number),
    ...(columns.id === 0 ? [] : [idText(batch.id, columns.id)]),
    ...(columns.hasWave ? [`wave ${batch.wave + 1}`.padEnd(WAVE_WIDTH)] : []),
    STATE_TEXT[state].padEnd(STATE_WIDTH),
    ...(columns.requests === 0 ? [] : [requestsText(batch).padStart(columns.requests)]),
    (batch.id === null ? '' : percent(settled, requests)).padStart(SHARE_WIDTH),
  ];
  const text = cells.join(' '.repeat(GAP));
  const hasBar = columns.bar > 0 && batch.id !== null;
  const bar = hasBar ? `${' '.repeat(GAP)}${smallBar(settled, requests, columns.bar)}` : '';
  const line = clipped(`${text}${bar}`, width).trimEnd();
  return state === 'downloaded' || state === 'planned' ? paint.dim(line) : line;
}

function requestsText({ id, settled, requests }: BatchProgress): string {
  return id === null ? counted(requests, 'request') : `${grouped(settled)} of ${grouped(requests)}`;
}

function idText(id: string | null, width: number): string {
  const own = id?.startsWith(ID_PREFIX) === true ? id.slice(ID_PREFIX.length) : (id ?? '');
  return (width >= FULL_ID ? clipped(id ?? '', width) : clipped(own, width)).padEnd(width);
}

function smallBar(part: number, whole: number, width: number): string {
  const filled = whole === 0 ? 0 : Math.floor((part * width) / whole);
  return `${'▮'.repeat(filled)}${'▯'.repeat(width - filled)}`;
}
