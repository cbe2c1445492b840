import type { BatchDetails } from '@batchwright/client';
import type { MessageBatch } from '@batchwright/protocol';
import { agoText, countsText, momentText } from '../output/batch-words.ts';
import type { Field } from '../output/fields.ts';
import { compact, counted, grouped, money, percent, timeText } from '../output/figures.ts';

/** What the API says of a batch, for people. */
export function batchFields(batch: MessageBatch, nowMs: number): readonly Field[] {
  const moments = [
    ['created', batch.created_at],
    ['canceled', batch.cancel_initiated_at],
    ['ended', batch.ended_at],
    ['archived', batch.archived_at],
  ] as const;
  return [
    ['id', batch.id],
    ['status', batch.processing_status],
    ['requests', countsText(batch.request_counts)],
    ...moments.flatMap(([label, at]): Field[] => (at === null ? [] : [[label, pastText(at, nowMs)]])),
    ...(batch.processing_status === 'ended' ? [] : [['expires', futureText(batch.expires_at, nowMs)] as const]),
  ];
}

function pastText(at: string, nowMs: number): string {
  return `${momentText(at)}, ${agoText(at, nowMs)} ago`;
}

function futureText(at: string, nowMs: number): string {
  return `${momentText(at)}, in ${timeText(Math.max(0, Date.parse(at) - nowMs))}`;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * What a Batchwright says of it beside. Read with care, since a newer server may say it differently: what is not there is
 * left out.
 */
export function detailFields(details: BatchDetails, nowMs: number): readonly Field[] {
  const { json } = details;
  return [
    ...progressFields(details, nowMs),
    ...planFields(objectOf(json['plan'])),
    ...ledgerFields(objectOf(json['ledger'])),
    ...budgetFields(objectOf(json['budget'])),
    ...scheduleFields(objectOf(json['schedule'])),
  ];
}

function progressFields({ batch, json, resultsPerSecond, eta }: BatchDetails, nowMs: number): readonly Field[] {
  if (batch.processing_status === 'ended') return [];
  const progress = objectOf(json['progress']);
  const states = (['in_flight', 'backing_off', 'pending'] as const)
    .filter((state) => numberOf(progress[state]) > 0)
    .map((state) => `${grouped(numberOf(progress[state]))} ${state.replace('_', ' ')}`);
  const speed = resultsPerSecond === null ? [] : [`${compact(resultsPerSecond)} results a second`];
  const end = eta === null ? [] : [`done in about ${timeText(Math.max(0, Date.parse(eta) - nowMs))}`];
  const parts = [...states, ...speed, ...end];
  return parts.length === 0 ? [] : [['progress', parts.join(', ')]];
}

function planFields(plan: Json): readonly Field[] {
  if (plan['prefixes'] === undefined || plan['prefixes'] === null) return [];
  const prefixes = counted(numberOf(plan['prefixes']), 'prefix', 'prefixes');
  const text = `${prefixes} shared by ${counted(numberOf(plan['requests_sharing']), 'request')}; markers: ${String(plan['markers'])}`;
  const predicted = moneyOf(objectOf(plan['predicted']));
  return [['plan', predicted === null ? text : `${text}; prompts expected to cost ${predicted}`]];
}

function ledgerFields(ledger: Json): readonly Field[] {
  if (ledger['tokens'] === undefined) return [];
  const tokens = objectOf(ledger['tokens']);
  const kinds = (
    [
      ['input', 'input'],
      ['cache_creation_5m', 'written for 5 minutes'],
      ['cache_creation_1h', 'written for an hour'],
      ['cache_read', 'read'],
      ['output', 'output'],
    ] as const
  )
    .filter(([kind]) => numberOf(tokens[kind]) > 0)
    .map(([kind, word]) => `${compact(numberOf(tokens[kind]))} ${word}`);
  const fields: Field[] = kinds.length === 0 ? [] : [['tokens', kinds.join(', ')]];
  const cost = moneyOf(ledger);
  if (cost !== null) fields.push(['cost', `${cost}${savedText(ledger)}`]);
  const hitShare = objectOf(ledger['cache'])['hit_share'];
  if (typeof hitShare === 'number') fields.push(['cache', `${percent(hitShare, 1)} of what could be read was`]);
  return fields;
}

function savedText(ledger: Json): string {
  const without = objectOf(objectOf(ledger['against'])['no_caching']);
  const saved = numberOf(without['nano_usd']) - numberOf(ledger['nano_usd']);
  return saved > 0
    ? `; without caching ${moneyOf(without) ?? ''}, so ${percent(saved, numberOf(without['nano_usd']))} saved`
    : '';
}

function budgetFields(budget: Json): readonly Field[] {
  if (typeof budget['usd'] !== 'string') return [];
  const { usd, spent_usd: spent, reserved_usd: reserved, state } = budget;
  const isExhausted = state === 'exhausted' ? '; exhausted: nothing more is sent until it is raised' : '';
  return [['budget', `$${usd}, of which $${String(spent)} spent and $${String(reserved)} reserved${isExhausted}`]];
}

function scheduleFields(schedule: Json): readonly Field[] {
  const waiting = numberOf(schedule['waiting_for_leader']);
  return waiting === 0 ? [] : [['schedule', `${counted(waiting, 'request')} wait for their prefix to be written`]];
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function moneyOf(value: Json): string | null {
  return typeof value['nano_usd'] === 'number' ? money(value['nano_usd']) : null;
}
