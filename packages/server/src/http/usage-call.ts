import { mergeTotals, type LedgerTotals } from '@batchwright/core';
import { formatDay, microsecondsFromMs, type Problem } from '@batchwright/protocol';
import type { Call, Caller, Params, Room } from './call.ts';
import { usageObject } from './ledger-object.ts';
import { json, refuse, type Reply } from './reply.ts';

const DAY_MS = 86_400_000;
/** What is shown unless `from` says otherwise. */
const USUAL_DAYS = 30;
const MOST_DAYS = 366;

/** `GET /ext/v1/usage`: what the workspace's batches used and cost, day by day. */
export async function retrieveUsage(room: Room, call: Call, _params: Params, caller: Caller): Promise<Reply> {
  const { catalog, clock } = room.services;
  const span = readSpan(call.query, clock.now());
  if (span.type === 'refused') return refuse(span.problem);
  const days = await catalog.workspaces.usage(caller.workspaceId, span.from, span.to);
  const all = days.reduce<LedgerTotals>((sum, { totals }) => mergeTotals(sum, totals), new Map());
  return json({
    type: 'usage',
    from: span.from,
    to: span.to,
    ...usageObject(all),
    days: days.map(({ day, totals }) => ({ date: day, ...usageObject(totals) })),
  });
}

type Span =
  | { readonly type: 'days'; readonly from: string; readonly to: string }
  | { readonly type: 'refused'; readonly problem: Problem };

/**
 * Reads `from` and `to`, days of UTC that both belong to the answer. Whatever else is asked for is refused: the sums of
 * other days than were meant look as good as the right ones.
 */
function readSpan(query: string, nowMs: number): Span {
  const params = new URLSearchParams(query);
  const unknown = [...params.keys()].find((name) => name !== 'from' && name !== 'to');
  if (unknown !== undefined) return wrong(unknown.slice(0, SHOWN), 'Extra inputs are not permitted');
  const to = params.get('to') ?? dayOf(nowMs);
  if (!isDay(to)) return wrong('to', NOT_A_DAY);
  const from = params.get('from') ?? dayOf(Date.parse(to) - (USUAL_DAYS - 1) * DAY_MS);
  if (!isDay(from)) return wrong('from', NOT_A_DAY);
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  if (days < 1) return wrong('from', `\`${from}\` is after \`${to}\`, the last day asked for`);
  if (days > MOST_DAYS) return wrong('from', `At most ${MOST_DAYS} days can be asked for at once, not ${days}`);
  return { type: 'days', from, to };
}

/** Characters of a name that are said back to whoever sent it. */
const SHOWN = 100;
const NOT_A_DAY = 'Input should be a date in the form YYYY-MM-DD';

function wrong(path: string, reason: string): Span {
  return { type: 'refused', problem: { type: 'field_wrong', path, reason } };
}

/** February has no thirtieth, and a date that rolls over is not what was asked for. */
function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) && dayOf(Date.parse(text)) === text;
}

function dayOf(ms: number): string {
  return formatDay(microsecondsFromMs(ms));
}
