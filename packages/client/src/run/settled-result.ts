import type { MessageBatchResult } from '@anthropic-ai/sdk/resources/messages';

/** What finally became of one request of a run. */
export interface SettledResult {
  readonly customId: string;
  /** Its number in the input, from 0. */
  readonly request: number;
  /** As the server sent it, and the SDK types it. */
  readonly result: MessageBatchResult;
  /** The line of the results file, as the server sent it, without its end. */
  readonly line: Uint8Array;
  /** How often it was tried. */
  readonly attempts: number;
  /** Why a succeeded answer was not taken; null: it was. */
  readonly rejection: string | null;
}
