import type { RunEstimate, WaveForecast } from '@batchwright/client';
import { warningText, type Forecast, type PrefixSaving } from '@batchwright/core';
import { wrapped } from '../answers/terminal-text.ts';
import { flowed } from '../progress/flowed-text.ts';
import { formatFields, type Field } from './fields.ts';
import { compact, counted, grouped, money, percent } from './figures.ts';
import { formatTable } from './table.ts';

const INDENT = '  ';
const NARROWEST = 30;
const WIDEST = 100;
const MOST_WAVES = 6;
const MOST_PREFIXES = 5;

/** An estimate for people: what it costs, what it would cost otherwise, how it goes, and what to mend first. */
export function estimateText(estimate: RunEstimate, columns: number): string {
  const width = Math.max(NARROWEST, Math.min(columns, WIDEST));
  const sections = [
    headLines(estimate, width),
    titled('Against', againstText(estimate, width)),
    titled('Models', modelsText(estimate, width)),
    titled('Waves', wavesText(estimate.waves, width)),
    titled('Prefixes that save most', prefixesText(estimate.plan.top, width)),
    warningsText(estimate, width),
    wrapped(
      `Prompts are estimated from their size, answers as 300 tokens or max_tokens; at the batch prices of today.`,
      width,
    ),
  ];
  const filled = sections.filter((section) => section.length > 0);
  return `${filled.map((section) => section.join('\n')).join('\n\n')}\n`;
}

function titled(title: string, text: string): readonly string[] {
  if (text === '') return [];
  return [
    title,
    ...text
      .trimEnd()
      .split('\n')
      .map((line) => `${INDENT}${line}`.trimEnd()),
  ];
}

function headLines(estimate: RunEstimate, width: number): readonly string[] {
  const { requests, nanoUsd, tokens } = estimate;
  const cost =
    nanoUsd === null
      ? 'no price is known'
      : `about ${money(nanoUsd.expected)}, from ${money(nanoUsd.low)} to ${money(nanoUsd.high)}`;
  const kinds = [
    [tokens.input, 'input'],
    [tokens.written5m, 'written for 5 minutes'],
    [tokens.written1h, 'written for an hour'],
    [tokens.read, 'read from the cache'],
    [tokens.output.expected, 'output'],
  ] as const;
  return [
    ...wrapped(`${counted(requests, 'request')}: ${cost}.`, width),
    ...flowed(
      kinds.filter(([count]) => count > 0).map(([count, word]) => `${compact(count)} ${word}`),
      width,
    ),
  ];
}

function againstText({ nanoUsd, against }: RunEstimate, width: number): string {
  const fields = (
    [
      ['this run', nanoUsd],
      ['nothing cached', against.noCaching.nanoUsd],
      ['markers, all at once', against.plainMarkers?.nanoUsd ?? null],
      ['a warm-up call each', against.warmUpRecipe?.nanoUsd ?? null],
    ] as const
  ).flatMap(([label, cost]): Field[] => (cost === null ? [] : [[label, comparison(cost, nanoUsd)]]));
  return fields.length < 2 ? '' : formatFields(fields, true, width - INDENT.length);
}

function comparison(other: NonNullable<Forecast['nanoUsd']>, own: Forecast['nanoUsd']): string {
  const cost = money(other.expected);
  if (own === null || other === own) return cost;
  const more = other.expected - own.expected;
  if (more === 0) return `${cost}, the same`;
  return `${cost}, ${money(Math.abs(more))} ${more > 0 ? 'more' : 'less'} (${percent(Math.abs(more), other.expected)})`;
}

function modelsText({ models }: RunEstimate, width: number): string {
  if (models.length < 2) return '';
  const rows = models.map(({ model, requests, nanoUsd }) => [
    model === '' ? 'no model' : model,
    grouped(requests),
    nanoUsd === null ? 'no known price' : money(nanoUsd.expected),
  ]);
  return formatTable(['MODEL', 'REQUESTS', 'COST'], rows, true, width - INDENT.length);
}

function wavesText(waves: readonly WaveForecast[], width: number): string {
  const rows = waves
    .slice(0, MOST_WAVES)
    .map(({ requests, leaders, batches, tokens }, i) => [
      String(i + 1),
      grouped(requests),
      grouped(leaders),
      grouped(batches),
      compact(tokens.written1h + tokens.written5m),
      compact(tokens.read),
      compact(tokens.input),
    ]);
  const headings = ['WAVE', 'REQUESTS', 'LEADERS', 'BATCHES', 'WRITTEN', 'READ', 'INPUT'];
  const more = waves.length - MOST_WAVES;
  const table = rows.length === 0 ? '' : formatTable(headings, rows, true, width - INDENT.length);
  return more > 0 ? `${table}and ${grouped(more)} more\n` : table;
}

function prefixesText(top: readonly PrefixSaving[], width: number): string {
  const rows = top
    .slice(0, MOST_PREFIXES)
    .map(({ tokens, requests, block, model, nanoUsd }) => [
      nanoUsd === null ? '' : money(nanoUsd),
      grouped(tokens),
      grouped(requests),
      String(block + 1),
      model,
    ]);
  return rows.length === 0
    ? ''
    : formatTable(['SAVES', 'TOKENS', 'REQUESTS', 'BLOCKS', 'MODEL'], rows, true, width - INDENT.length);
}

function warningsText({ warnings }: RunEstimate, width: number): readonly string[] {
  if (warnings.length === 0) return [];
  const each = warnings.flatMap(({ warning, customIds }) => {
    const text = `- ${warningText(warning)} For example ${customIds.join(', ')}.`;
    return wrapped(text, width - INDENT.length).map((line) => `${INDENT}${line}`);
  });
  return ['Warnings (batchwright doctor tells more)', ...each];
}
