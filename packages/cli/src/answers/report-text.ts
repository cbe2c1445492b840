/**
 * The closing report of a run, for people: what became of the requests, what went wrong most, what it cost, and what
 * that saved. Nothing is said of what did not happen.
 */
import type { FailureKind, RunCost, RunReport } from '@batchwright/client';
import { sumOfModels, type UsageSum } from '@batchwright/core';
import { compact, counted, grouped, money, moneyAlike, percent, timeText } from '../output/figures.ts';
import { flowed } from '../progress/flowed-text.ts';
import type { Paint } from '../progress/paint.ts';
import { adviceOn } from './failure-advice.ts';
import { harmless, widthOf, wrapped } from './terminal-text.ts';

/** What a report is printed on. */
export interface ReportView {
  readonly columns: number;
  readonly paint: Paint;
}

/** Lines of the report, each with its end. */
export function reportText(report: RunReport, { columns, paint }: ReportView): string {
  const width = Math.max(NARROWEST, Math.min(columns, WIDEST));
  const sections = [
    headline(report, width, paint),
    section('Outcomes', outcomeLines(report, width, paint), paint),
    section(
      'Commonest failures',
      report.failures.slice(0, MOST_FAILURES).flatMap((kind) => failureLines(kind, width, paint)),
      paint,
    ),
    section(report.cost === null ? 'Tokens' : 'Tokens and cost', tokenLines(report, width, paint), paint),
    section('Models', modelLines(report, width), paint),
    section('Saved', savedLines(report.cost, width, paint), paint),
    flowed(courseParts(report), width),
  ];
  const lines = sections
    .filter((section) => section.length > 0)
    .flatMap((section, i) => (i === 0 ? section : ['', ...section]));
  return `${lines.join('\n')}\n`;
}

const NARROWEST = 30;
const WIDEST = 100;
const MOST_FAILURES = 5;
const INDENT = '  ';
const DEEP = '      ';

function section(title: string, lines: readonly string[], paint: Paint): readonly string[] {
  return lines.length === 0 ? [] : [paint.bold(title), ...lines];
}

function headline(report: RunReport, width: number, paint: Paint): readonly string[] {
  const { requests, unsettled } = report;
  const taken = takenCount(report);
  if (unsettled > 0) {
    const text = `Left with ${grouped(unsettled)} of ${counted(requests, 'request')} to go.`;
    return wrapped(text, width).map((line) => paint.yellow(line));
  }
  if (taken === requests) {
    const text = requests === 1 ? 'The request succeeded.' : `All ${counted(requests, 'request')} succeeded.`;
    return wrapped(text, width).map((line) => paint.green(line));
  }
  const text = `${grouped(taken)} of ${counted(requests, 'request')} succeeded.`;
  return wrapped(text, width).map((line) => paint.red(line));
}

function takenCount({ counts, rejected }: RunReport): number {
  return counts.succeeded - rejected;
}

function outcomeLines(report: RunReport, width: number, paint: Paint): readonly string[] {
  const { requests, counts, rejected, unsettled, retried } = report;
  const kinds = (
    [
      ['succeeded', takenCount(report), paint.green],
      ['answers not taken', rejected, paint.red],
      ['errored', counts.errored, paint.red],
      ['expired', counts.expired, paint.red],
      ['canceled', counts.canceled, paint.yellow],
      ['to go', unsettled, paint.yellow],
    ] as const
  ).filter(([, count]) => count > 0);
  const rows = kinds.map(([name, count]) => [name, grouped(count), percent(count, requests)]);
  const lines = kinds.length < 2 ? [] : aligned(rows).map((line, i) => kinds[i]?.[2](line) ?? line);
  if (retried.requests === 0) return lines;
  const again = `${counted(retried.requests, 'request')} tried again, ${counted(retried.attempts, 'more try', 'more tries')}`;
  return [...lines, ...indented(again, INDENT, width)];
}

function failureLines(kind: FailureKind, width: number, paint: Paint): readonly string[] {
  const { type, message, count, example } = kind;
  const shown = example.message === message ? [] : [`such as ${example.customId}: ${example.message}`];
  return [
    ...indented(`${grouped(count)} × ${type}`, INDENT, width).map((line) => paint.red(line)),
    ...indented(message, DEEP, width),
    ...indented(shown[0] ?? `such as ${example.customId}`, DEEP, width).map((line) => paint.dim(line)),
    ...indented(adviceOn(kind), DEEP, width),
  ];
}

/** Kinds of tokens, as they are billed. */
const TOKEN_KINDS = [
  ['input', 'inputTokens', 'input'],
  ['cache write, 5 min', 'write5mTokens', 'write5m'],
  ['cache write, 1 h', 'write1hTokens', 'write1h'],
  ['cache read', 'readTokens', 'read'],
  ['output', 'outputTokens', 'output'],
] as const satisfies readonly (readonly [string, keyof UsageSum, keyof RunCost['byKind']])[];

function tokenLines({ totals, cost }: RunReport, width: number, paint: Paint): readonly string[] {
  const sum = sumOfModels(totals);
  const prompt = sum.inputTokens + sum.write5mTokens + sum.write1hTokens + sum.readTokens;
  if (prompt + sum.outputTokens === 0) return [];
  const table = (figure: (count: number) => string): readonly string[] => {
    const kinds = TOKEN_KINDS.filter(([, field]) => sum[field] > 0);
    const rows = [
      ...kinds.map(([name, field]) => [name, figure(sum[field])]),
      ['in all', figure(prompt + sum.outputTokens)],
    ];
    if (cost === null) return aligned(rows);
    const amounts = moneyAlike([...kinds.map(([, , kind]) => cost.byKind[kind]), cost.nanoUsd]);
    return aligned(rows.map((row, i) => [...row, amounts[i] ?? '']));
  };
  const exact = table(grouped);
  const lines = exact.every((line) => widthOf(line) <= width) ? exact : table(compact);
  const share =
    sum.readTokens === 0 ? [] : [`${percent(sum.readTokens, prompt)} of prompt tokens were read from the cache`];
  return [
    ...lines.slice(0, -1),
    ...lines.slice(-1).map((line) => paint.bold(line)),
    ...[...share, ...unpricedNote(totals, cost)].flatMap((note) => indented(note, INDENT, width)),
  ];
}

function unpricedNote(totals: RunReport['totals'], cost: RunCost | null): readonly string[] {
  if (cost !== null) return [];
  const models = [...totals].filter(([, sum]) => sum.unpricedRequests > 0).map(([model]) => model);
  return models.length === 0 ? [] : [`No cost: no price is known of ${models.join(', ')}.`];
}

function modelLines({ totals }: RunReport, width: number): readonly string[] {
  if (totals.size < 2) return [];
  const amounts = moneyAlike([...totals].map(([, sum]) => sum.costNanoUsd));
  const rows = [...totals].map(([model, sum], i) => [
    harmless(model),
    counted(sum.requests, 'answer'),
    sum.unpricedRequests > 0 ? 'no price' : (amounts[i] ?? ''),
  ]);
  const lines = aligned(rows);
  if (lines.every((line) => widthOf(line) <= width)) return lines;
  return rows.flatMap(([model = '', ...figures]) => [
    ...indented(model, INDENT, width),
    ...flowed(figures, width - DEEP.length).map((line) => `${DEEP}${line}`),
  ]);
}

function savedLines(cost: RunCost | null, width: number, paint: Paint): readonly string[] {
  if (cost === null || cost.nanoUsd === 0) return [];
  const { nanoUsd, withoutBatchNanoUsd, withoutCachingNanoUsd } = cost;
  // The discount is the same for every kind of token, so what is missing of the four bills follows from the three.
  const naive = withoutCachingNanoUsd * (withoutBatchNanoUsd / nanoUsd);
  const savings = (
    [
      ['by batching', withoutBatchNanoUsd],
      ['by caching', withoutCachingNanoUsd],
      ['in all', naive],
    ] as const
  ).filter(([, without]) => Math.round(without) !== nanoUsd);
  // Of one saving the sum is the same again.
  const shown = savings.length === 2 ? savings.slice(0, 1) : savings;
  const amounts = moneyAlike(shown.map(([, without]) => Math.round(without) - nanoUsd));
  const rows = shown.map(([name, without], i) => [name, amounts[i] ?? '', percentSaved(without, nanoUsd)]);
  if (rows.length === 0) return [];
  const against = `Call by call and without a cache it would have been ${money(Math.round(naive))}.`;
  return [
    ...aligned(rows).map((line, i) => ((shown[i]?.[1] ?? 0) < nanoUsd ? paint.yellow(line) : paint.green(line))),
    ...indented(against, INDENT, width),
  ];
}

/** Negative where more was paid. */
function percentSaved(without: number, nanoUsd: number): string {
  return nanoUsd > without ? `-${percent(nanoUsd - without, without)}` : percent(without - nanoUsd, without);
}

function courseParts({ batches, waves, elapsedMs }: RunReport): readonly string[] {
  return [timeText(elapsedMs), counted(batches, 'batch', 'batches'), ...(waves > 1 ? [counted(waves, 'wave')] : [])];
}

/** Rows as lines: names to the left, figures to the right. */
function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ''))));
  const padding = (cell: string, column: number): string => ' '.repeat((widths[column] ?? 0) - widthOf(cell));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? `${INDENT}${cell}${padding(cell, column)}` : `${padding(cell, column)}${cell}`,
      )
      .join(INDENT),
  );
}

function indented(text: string, indent: string, width: number): readonly string[] {
  const flat = harmless(text).replaceAll('\n', ' ');
  return wrapped(flat, width - indent.length).map((line) => `${indent}${line}`);
}
