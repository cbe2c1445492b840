import type { FailureKind } from '@batchwright/client';

const ADVICE: Readonly<Record<string, string>> = {
  invalid_request_error: 'Mend these requests in the input; another try cannot help.',
  authentication_error: 'Check the API key.',
  billing_error: 'Check the account’s balance.',
  permission_error: 'Use a key that may do this.',
  not_found_error: 'Check the names of models and files.',
  request_too_large: 'Make these requests shorter.',
  rate_limit_error: 'Run these again later, or raise --attempts.',
  overloaded_error: 'Run these again later, or raise --attempts.',
  api_error: 'Run these again later, or raise --attempts.',
  timeout_error: 'Run these again later, or raise --attempts.',
  expired: 'Run these again; fewer at once are reached in time more likely.',
  canceled: 'Run these again.',
  rejected: 'Say in the prompt what an answer must look like.',
};

/** What helps against failures of a kind, in one sentence. */
export function adviceOn({ type, isPermanent }: FailureKind): string {
  return ADVICE[type] ?? (isPermanent ? 'Another try cannot help.' : 'Run these again later.');
}
