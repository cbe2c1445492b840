import type { BatchRecord } from '@batchwright/core';
import type { Problem } from '@batchwright/protocol';
import type { Readable } from 'node:stream';
import type { NewBatch } from '../catalog/catalog.ts';
import type { EstimateAsked, EstimateOutcome } from './estimate.ts';

/** What the create call decided before its body arrived: whose batch it will be, and under which terms. */
export type BatchTerms = Omit<NewBatch, 'id' | 'requestCount'>;

export type IntakeOutcome =
  /** Body, index, plan and catalog row are durable. */
  | { readonly type: 'accepted'; readonly batch: BatchRecord }
  /** Nothing was stored. The rest of the body may not have been read. */
  | { readonly type: 'refused'; readonly problem: Problem }
  /** The client went away before its body was complete. Nothing was stored. */
  | { readonly type: 'broken_off' };

/** A body that passes by. One that has `release` wants each chunk back as soon as it is read. */
export interface PassingBody extends Readable {
  readonly release?: (chunk: Uint8Array) => void;
}

/**
 * Intake makes a submitted batch durable, and does nothing after. It streams the body to the request log byte for byte
 * while one pass checks it; memory is bounded whatever the body's size, and a refused body leaves no trace.
 */
export interface Intake {
  /** `body` carries decoded bytes. Resolves once the outcome is durable; rejects only when the world fails. */
  receive(body: PassingBody, terms: BatchTerms, queueLimit: number | null): Promise<IntakeOutcome>;
  /** Reads and checks a body as `receive` does, in the same turn as others, and stores nothing of it. */
  estimate(body: PassingBody, asked: EstimateAsked): Promise<EstimateOutcome>;
}
