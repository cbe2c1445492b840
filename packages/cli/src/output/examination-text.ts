import { findingText, type Difference, type Examination, type Finding } from '@batchwright/client';
import { usdOf } from '@batchwright/core';
import type { Paint } from '../progress/paint.ts';
import { harmless, wrapped } from '../answers/terminal-text.ts';
import { compactCounted, counted, money } from './figures.ts';

/** What an examination is printed on. */
export interface ExaminationView {
  readonly columns: number;
  readonly paint: Paint;
}

const INDENT = '  ';
const NARROWEST = 30;
const WIDEST = 100;

/** What an examination found, for people: each finding with its cost, what is the matter, an example, and what to change. */
export function examinationText({ requests, findings, expectedNanoUsd }: Examination, view: ExaminationView): string {
  const { columns, paint } = view;
  const width = Math.max(NARROWEST, Math.min(columns, WIDEST));
  if (findings.length === 0) {
    const nothing = `${counted(requests, 'request')}: nothing keeps their prompts from being cached.`;
    return lines(wrapped(nothing, width).map((line) => paint.green(line)));
  }
  const expected = expectedNanoUsd === null ? '' : `, expected to cost ${money(expectedNanoUsd)}`;
  const head = wrapped(`${counted(requests, 'request')}${expected}; ${counted(findings.length, 'finding')}:`, width);
  const body = findings.flatMap((finding, i) => ['', ...findingLines(finding, i + 1, width, paint)]);
  return lines([...head, ...body]);
}

function findingLines(finding: Finding, number: number, width: number, paint: Paint): readonly string[] {
  const { problem, remedy } = findingText(finding);
  const room = width - INDENT.length;
  const indented = (text: string): readonly string[] => wrapped(harmless(text), room).map((line) => `${INDENT}${line}`);
  return [
    paint.bold(`${number}. ${paint.red(lossText(finding))}`),
    ...indented(problem),
    ...exampleLines(finding, room, paint).map((line) => `${INDENT}${line}`),
    ...indented(remedy).map((line) => paint.green(line)),
  ];
}

function lossText({ loss, isSampled }: Finding): string {
  const about = isSampled ? 'about ' : '';
  if (loss.nanoUsd === null) return `${about}${compactCounted(loss.tokens, 'token')} at the price of input`;
  return `${about}${money(loss.nanoUsd)} lost`;
}

function exampleLines(finding: Finding, room: number, paint: Paint): readonly string[] {
  const { customIds } = finding;
  if (!('difference' in finding))
    return wrapped(`For example ${customIds.join(', ')}`, room).map((line) => paint.dim(line));
  const { left, right } = finding.difference;
  const ids = Math.max(...customIds.map((id) => id.length));
  // Side by side where there is room for the texts, else each text below its id.
  const isBeside = ids + 1 + LEAST_SHOWN <= room;
  return [left, right].flatMap((text, i) => {
    const id = customIds[i] ?? '';
    const shown = markedText(finding.difference, text, isBeside ? room - ids - 1 : room, paint);
    return isBeside ? [`${paint.dim(id.padEnd(ids))} ${shown}`] : [paint.dim(id), shown];
  });
}

/** Characters of an example that still show something. */
const LEAST_SHOWN = 40;

/** What both have, then what this one has, marked: by colour, and by brackets for those who see none. */
function markedText({ before, look }: Difference, text: string, room: number, paint: Paint): string {
  const own = look === null ? Math.min(text.length, FEWEST_MARKED) : valueLength(text);
  const parts = [harmless(before), harmless(text.slice(0, own)), harmless(text.slice(own))].map((part) =>
    part.replaceAll('\n', ' '),
  );
  const [shared = '', marked = '', rest = ''] = parts;
  const shownMark = marked.slice(0, Math.max(1, room - 4));
  const left = Math.max(0, room - shownMark.length - 2);
  const shownBefore = shared.slice(Math.max(0, shared.length - Math.ceil(left / 2)));
  const shownRest = rest.slice(0, Math.max(0, left - shownBefore.length));
  return `${shownBefore}${paint.red(`[${shownMark}]`)}${shownRest}`;
}

/** Of a difference that looks like nothing known, so many characters are marked. */
const FEWEST_MARKED = 1;

/** The value goes on as long as there are characters of values. */
function valueLength(text: string): number {
  return Math.max(1, /^[A-Za-z0-9_:+.-]*/.exec(text)?.[0].replace(/[.:]+$/, '').length ?? 1);
}

function lines(each: readonly string[]): string {
  return each.map((line) => `${line}\n`).join('');
}

/** The same for programs; keys are only ever added. */
export function examinationJson({ requests, findings, expectedNanoUsd }: Examination) {
  return {
    type: 'examination',
    requests,
    expected_cost_usd: expectedNanoUsd === null ? null : usdOf(expectedNanoUsd),
    findings: findings.map(findingJson),
  };
}

function findingJson(finding: Finding) {
  const { code, count, isSampled, customIds, loss } = finding;
  const { problem, remedy } = findingText(finding);
  return {
    code,
    count,
    is_sampled: isSampled,
    custom_ids: customIds,
    lost_usd: loss.nanoUsd === null ? null : usdOf(loss.nanoUsd),
    lost_tokens: loss.tokens,
    problem,
    remedy,
    difference: 'difference' in finding ? differenceJson(finding.difference) : null,
  };
}

function differenceJson({ path, offset, before, left, right, look }: Difference): Readonly<Record<string, unknown>> {
  return { path, offset, looks_like: look, before, left, right };
}
