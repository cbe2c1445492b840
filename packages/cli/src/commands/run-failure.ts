import {
  BadRequestsError,
  BatchFaultError,
  JournalDamageError,
  RunInUseError,
  ServiceError,
  StoreFullError,
  UnpricedRunError,
} from '@batchwright/client';
import { BadOutputError } from '../answers/bad-output.ts';
import { OutputFailedError } from '../answers/output-failure.ts';
import { BadSchemaError } from '../answers/schema-judge.ts';
import { EXIT_FAILED, EXIT_MISUSED } from '../host.ts';
import { KeptRunError } from './kept-run.ts';

/** A failure in words: each line names the thing, the value and the remedy. */
export interface ExplainedFailure {
  readonly lines: readonly string[];
  readonly exitCode: number;
}

/** What the user asked for cannot be, or not so. */
const MISUSES = [BadRequestsError, BadOutputError, BadSchemaError, KeptRunError] as const;
/** The world, or the state of things, did not allow it. */
const FAILURES = [
  ServiceError,
  BatchFaultError,
  RunInUseError,
  StoreFullError,
  JournalDamageError,
  OutputFailedError,
] as const;

/** The client names its own options. */
const UNPRICED =
  '--max-cost: some requests name a model without a known price, so nobody can say what they cost. Give its prices with --prices, or leave --max-cost out.';

/** The failures of a run whose remedy is known; null for any other, which is ours. */
export function explainFailure(error: unknown): ExplainedFailure | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof UnpricedRunError) return { lines: [UNPRICED], exitCode: EXIT_MISUSED };
  if (error instanceof BatchFaultError && error.fault === 'gone')
    return { lines: [goneText(error)], exitCode: EXIT_FAILED };
  const lines = error.message.split('\n');
  if (MISUSES.some((kind) => error instanceof kind)) return { lines, exitCode: EXIT_MISUSED };
  if (isKeyMissing(error)) return { lines, exitCode: EXIT_MISUSED };
  if (FAILURES.some((kind) => error instanceof kind)) return { lines, exitCode: EXIT_FAILED };
  return null;
}

/** The client speaks of its store, which is cleared by an option here. */
function goneText({ batchId }: BatchFaultError): string {
  return `the server knows no batch ${batchId} of the run any more: it was deleted, its results were archived, or the key is of another workspace. Use the key it was created with, or add --restart --cancel-old to forget the run and begin anew.`;
}

/** Nothing was asked of anybody, since there was nothing to say who asks. */
function isKeyMissing(error: Error): boolean {
  return error instanceof ServiceError && error.status === null && error.type === 'authentication_error';
}
