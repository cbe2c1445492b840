import type { FailureKind } from '@batchwright/client';

const ADVICE: Readonly<Record<string, string>> = {
  invalid_request_error: 'Mend these requests in the input; another try cannot help.',
  authentication_error: 'Check the API key.',
  billing_error: 'Check the account’s balance.',
  permission_error: 'Use a key that may do this.',
  not_found_error: 'Check the names of models and files.',
  request_too_large: 'Make these requests shorter.',
  rate_limit_error: 'Try these again later with --retry-failed, or raise --attempts.',
  overloaded_error: 'Try these again later with --retry-failed, or raise --attempts.',
  api_error: 'Try these again later with --retry-failed, or raise --attempts.',
  timeout_error: 'Try these again later with --retry-failed, or raise --attempts.',
  expired: 'Try these again with --retry-failed; fewer at once end sooner.',
  canceled: 'Try these again with --retry-failed.',
  rejected: 'Say in the prompt what an answer must look like.',
};

/** What helps against failures of a kind, in one sentence. */
export function adviceOn({ type, isPermanent }: FailureKind): string {
  return ADVICE[type] ?? (isPermanent ? 'Another try cannot help.' : 'Try these again later with --retry-failed.');
}
