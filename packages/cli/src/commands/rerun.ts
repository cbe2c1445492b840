import { resolveBatch, type BatchService, type RerunChoice } from '@batchwright/client';
import { isJsonObject } from '@batchwright/core';
import type { MessageBatch } from '@batchwright/protocol';
import { EXIT_FAILED, EXIT_MISUSED, complain } from '../host.ts';
import type { Host } from '../host.ts';
import type { InputOptions } from '../input/input-options.ts';
import { openRequestSource } from '../input/open-request-source.ts';
import { counted } from '../output/figures.ts';
import { announce, batchBody, createOneBatch } from './one-batch.ts';
import { resultLines } from './result-lines.ts';
import { rereadable } from './rereadable-requests.ts';
import { withService, type ServiceOptions } from './with-service.ts';

export interface RerunOptions extends ServiceOptions, InputOptions {
  readonly types?: string;
  readonly errorTypes?: string;
  readonly input?: string;
}

/** Runs the requests of a batch that failed again, as a new batch: from the server's own copy, or from the file it was made of. */
export async function rerun(text: string, options: RerunOptions, host: Host): Promise<number> {
  const choice = choiceOf(options);
  if (choice === null) {
    complain(host, `--types is "${options.types}", but must be of ${FAILED_TYPES.join(', ')}, separated by commas.`);
    return EXIT_MISUSED;
  }
  return withService(options, host, async (service) => {
    const id = await resolveBatch(service, text);
    const { batch } = await service.retrieve(id);
    const { input } = options;
    const fault = faultOf(service, batch, input);
    if (fault !== null) {
      complain(host, fault);
      return EXIT_FAILED;
    }
    if (input !== undefined) return rerunFromFile({ service, id, input, choice }, options, host);
    const made = await service.extras?.rerun(id, choice);
    if (made === undefined) return EXIT_FAILED;
    host.err(`${counted(made.requests, 'request')} of ${made.from} again.\n`);
    return announce(made.batch, options, host);
  });
}

function faultOf({ extras, name }: BatchService, batch: MessageBatch, input: string | undefined): string | null {
  const { id, processing_status: status } = batch;
  if (status !== 'ended') {
    return `${id} has not ended (${status}), so that what failed is not known. Wait for it with batchwright watch ${id}.`;
  }
  if (input === undefined && extras === null) {
    return `${name} does not give requests back. Name the file the batch was made of: batchwright rerun ${id} --input FILE`;
  }
  return null;
}

/** Null when a type is none. */
function choiceOf({ types, errorTypes }: RerunOptions): RerunChoice | null {
  const words = types === undefined ? null : listOf(types);
  const known = words?.flatMap((word) => FAILED_TYPES.filter((type) => type === word)) ?? null;
  if (known?.length !== words?.length) return null;
  return {
    ...(known !== null && { types: known }),
    ...(errorTypes !== undefined && { errorTypes: listOf(errorTypes) }),
  };
}

function listOf(text: string): readonly string[] {
  return text.split(',').map((word) => word.trim());
}

/** What is run again of which file. */
interface FileRerun {
  readonly service: BatchService;
  readonly id: string;
  readonly input: string;
  readonly choice: RerunChoice;
}

async function rerunFromFile(
  { service, id, input, choice }: FileRerun,
  options: RerunOptions,
  host: Host,
): Promise<number> {
  const failed = await failedRequests(service, id, choice);
  if (failed.size === 0) {
    complain(host, `no request of ${id} ${howText(choice)}, so there is nothing to run again.`);
    return EXIT_FAILED;
  }
  const source = await openRequestSource(input, options, host);
  const requests = await rereadable(source, host);
  try {
    const left = new Set(failed);
    const isWanted = (customId: string): boolean => {
      left.delete(customId);
      return failed.has(customId);
    };
    const body = await batchBody({ name: source.name, requests, isWanted });
    if (left.size > 0) {
      const [example] = left;
      complain(
        host,
        `${source.name} lacks ${counted(left.size, 'request')} that failed, such as ${example}. Name the file ${id} was made of.`,
      );
      return EXIT_FAILED;
    }
    const batch = await createOneBatch(service, body, host);
    if (batch !== null) host.err(`${counted(body.requests, 'request')} of ${id} again.\n`);
    return announce(batch, options, host);
  } finally {
    await requests.close();
  }
}

const FAILED_TYPES = ['errored', 'expired', 'canceled'] as const;

function howText({ types = FAILED_TYPES, errorTypes }: RerunChoice): string {
  return `${types.join(' or ')}${errorTypes === undefined ? '' : ` with ${errorTypes.join(' or ')}`}`;
}

/** The custom_ids of those that failed in one of the ways asked for. */
async function failedRequests(
  service: BatchService,
  id: string,
  { types = FAILED_TYPES, errorTypes }: RerunChoice,
): Promise<ReadonlySet<string>> {
  const failed = new Set<string>();
  for await (const { bytes } of resultLines(service.results(id), id)) {
    const { customId, type, errorType } = readFailure(bytes);
    if (!types.some((wanted) => wanted === type)) continue;
    const isWanted = type !== 'errored' || errorTypes === undefined || errorTypes.includes(errorType);
    if (isWanted) failed.add(customId);
  }
  return failed;
}

function readFailure(line: Buffer): { readonly customId: string; readonly type: string; readonly errorType: string } {
  const value = objectIn(JSON.parse(line.toString('utf8')));
  const result = objectIn(value['result']);
  const error = objectIn(objectIn(result['error'])['error']);
  return { customId: String(value['custom_id']), type: String(result['type']), errorType: String(error['type']) };
}

function objectIn(value: unknown): Readonly<Record<string, unknown>> {
  return isJsonObject(value) ? value : {};
}
