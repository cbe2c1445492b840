import type { MessageBatch, RequestCounts } from '@batchwright/protocol';
import { counted, grouped, timeText } from './figures.ts';

/** Requests of a batch in all. */
export function requestsOf(counts: RequestCounts): number {
  return counts.processing + settledOf(counts);
}

/** Those whose result is there. */
export function settledOf(counts: RequestCounts): number {
  return counts.succeeded + failedOf(counts);
}

/** Those that have a result other than an answer. */
export function failedOf({ errored, expired, canceled }: RequestCounts): number {
  return errored + expired + canceled;
}

/** `1,000 requests: 848 succeeded, 2 errored, 150 to go`; what there is none of is left out. */
export function countsText(counts: RequestCounts): string {
  const parts = (['succeeded', 'errored', 'expired', 'canceled'] as const)
    .filter((kind) => counts[kind] > 0)
    .map((kind) => `${grouped(counts[kind])} ${kind}`);
  if (counts.processing > 0) parts.push(`${grouped(counts.processing)} to go`);
  const requests = counted(requestsOf(counts), 'request');
  return parts.length === 0 ? requests : `${requests}: ${parts.join(', ')}`;
}

/** How long ago a moment was; an empty text for none. */
export function agoText(timestamp: string | null, nowMs: number): string {
  if (timestamp === null) return '';
  return timeText(Math.max(0, nowMs - Date.parse(timestamp)));
}

/** How long is left of an unfinished batch; an empty text once it has ended. */
export function expiryText({ processing_status: status, expires_at: expiresAt }: MessageBatch, nowMs: number): string {
  return status === 'ended' ? '' : `in ${timeText(Math.max(0, Date.parse(expiresAt) - nowMs))}`;
}

/** `2026-11-21 09:12:03Z`: no finer than people read. */
export function momentText(timestamp: string): string {
  return `${timestamp.slice(0, 10)} ${timestamp.slice(11, 19)}Z`;
}
