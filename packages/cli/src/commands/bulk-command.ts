import type { Judge, SettledResult } from '@batchwright/client';
import type { AnswerFormat } from '../answers/answer-format.ts';
import type { PriceTable } from '../endpoint/price-table.ts';
import type { RequestSource } from '../input/request-source.ts';
import type { RunDisplay } from '../progress/run-display.ts';
import type { Identity } from './kept-run.ts';
import type { RunSettings } from './run-settings.ts';

/** A run, with everything about it checked that can be before it starts. */
export interface BulkCommand {
  readonly source: RequestSource;
  readonly settings: RunSettings;
  readonly prices: PriceTable;
  readonly judge: Judge | null;
  readonly output: { readonly path: string; readonly format: AnswerFormat };
  /** Where the run is kept until it is done. */
  readonly runDir: string;
  /** Whether a finished run of other requests makes room, since answers of both can lie beside each other. */
  readonly addsAnswers: boolean;
  /** Told of each final result as it is known; null: nobody asks. */
  readonly onResult: ((result: SettledResult, display: RunDisplay) => void) | null;
}

/** A run is taken up only with the same input, planned the same way, and at the API where its batches are. */
export function identityOf({ source, settings }: BulkCommand): Identity {
  const { endpoint } = settings;
  return { ...source.identity, ...settings.planning, server: endpoint.type === 'api' ? endpoint.baseUrl : 'simulated' };
}
