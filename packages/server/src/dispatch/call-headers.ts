import type { BatchRecord, TurnReason } from '@batchwright/core';
import type { CustomIds } from '@batchwright/scan';
import type { Upstream } from './upstream/upstream.ts';

/** Betas that concern the batch endpoints and mean nothing to an upstream's `/v1/messages`. */
const BATCH_BETAS = /^message-batches-/;

interface CallTerms {
  readonly upstream: Upstream;
  readonly isCacheShared: boolean;
}

/** The headers of a batch's calls to the upstream: the same for all of its requests, but for what a simulator is told. */
export class CallHeaders {
  readonly #shared: Readonly<Record<string, string>>;
  readonly #annotated: boolean;
  readonly #workspace: string;

  constructor(batch: BatchRecord, { upstream, isCacheShared }: CallTerms) {
    const betas = batch.betas.filter((token) => !BATCH_BETAS.test(token));
    this.#shared = {
      'content-type': 'application/json',
      accept: 'application/json',
      'anthropic-version': batch.apiVersion,
      ...(betas.length === 0 ? {} : { 'anthropic-beta': betas.join(',') }),
      ...(batch.userProfileId === null ? {} : { 'anthropic-user-profile-id': batch.userProfileId }),
    };
    this.#annotated = upstream.isSimulated;
    this.#workspace = isCacheShared ? 'all' : batch.workspaceId;
  }

  of(customIds: CustomIds, request: number, reason: TurnReason): Readonly<Record<string, string>> {
    if (!this.#annotated) return this.#shared;
    return {
      ...this.#shared,
      'batchwright-surface': 'batch',
      'batchwright-workspace': this.#workspace,
      'batchwright-custom-id': Buffer.from(customIds.of(request)).toString('latin1'),
      'batchwright-turn': reason,
    };
  }
}
