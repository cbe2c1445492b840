import type { BatchService } from '@batchwright/client';
import { chooseEndpoint } from '../endpoint/endpoint-choice.ts';
import { openApi } from '../endpoint/endpoint.ts';
import { EXIT_FAILED, EXIT_MISUSED, EXIT_OK, complain } from '../host.ts';
import type { Host } from '../host.ts';

/** What every command has that calls an API. */
export interface ServiceOptions {
  readonly server?: string;
  readonly json?: boolean;
}

const NO_SERVER =
  'there is no server to ask: neither ANTHROPIC_BASE_URL nor ANTHROPIC_API_KEY is set. Set them, or name a server with ' +
  '--server; batchwright serve starts one here.';
const NO_SIMULATED =
  'the simulated server lasts no longer than a run, so it has no batches to show. Start one that stays with batchwright serve.';

/** Connects to the API that a command was pointed at. What goes wrong is one line for people, and the exit code. */
export async function withService(
  options: ServiceOptions,
  host: Host,
  action: (service: BatchService) => Promise<number>,
): Promise<number> {
  const choice = chooseEndpoint(options.server, host.env);
  if (choice.type === 'fault' || choice.type === 'simulated') {
    complain(host, choice.type === 'fault' ? choice.line : options.server === undefined ? NO_SERVER : NO_SIMULATED);
    return EXIT_MISUSED;
  }
  return explained(host, async () => {
    const { service } = await openApi(choice, host);
    return action(service);
  });
}

/** Runs a command; a failure whose remedy is known is told in a line or several, any other is thrown on. */
export async function explained(host: Host, action: () => Promise<number>): Promise<number> {
  try {
    return await action();
  } catch (error) {
    // Loaded when something fails: it knows the failures of all that a run is made of.
    const { explainFailure } = await import('./run-failure.ts');
    const failure = explainFailure(error);
    if (failure === null) throw error;
    if (isReaderGone(error)) return EXIT_OK;
    for (const line of failure.lines) complain(host, line);
    return failure.exitCode;
  }
}

/** As `batchwright results … | head` leaves it. */
function isReaderGone(error: unknown): boolean {
  return error instanceof Error && 'isReaderGone' in error && error.isReaderGone === true;
}

/** Does something to one batch after another. One that fails does not keep the others from it. */
export async function forEachBatch(
  ids: readonly string[],
  host: Host,
  action: (id: string) => Promise<number>,
): Promise<number> {
  let exitCode = EXIT_OK;
  for (const id of ids) {
    const code = await explained(host, async () => action(id));
    exitCode = Math.max(exitCode, code);
  }
  return exitCode === EXIT_OK ? EXIT_OK : EXIT_FAILED;
}
