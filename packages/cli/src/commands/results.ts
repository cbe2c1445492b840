import { resolveBatch, type BatchService } from '@batchwright/client';
import type { MessageBatch } from '@batchwright/protocol';
import { STANDARD_OUTPUT } from '../answers/answer-format.ts';
import { openAnswerWriter } from '../answers/answer-output.ts';
import { checkOutput } from '../answers/output-check.ts';
import { EXIT_FAILED, EXIT_OK, complain } from '../host.ts';
import type { Host } from '../host.ts';
import { settledOf, requestsOf } from '../output/batch-words.ts';
import { counted, grouped } from '../output/figures.ts';
import { customIdOf } from './one-batch.ts';
import { resultLines } from './result-lines.ts';
import { withService, type ServiceOptions } from './with-service.ts';

export interface ResultsOptions extends ServiceOptions {
  readonly output?: string;
  readonly format?: string;
  readonly escapeFormulas?: boolean;
  readonly partial?: boolean;
}

/** Prints the results of a batch, or writes them to a file, whole or not at all. */
export async function results(text: string, options: ResultsOptions, host: Host): Promise<number> {
  return withService(options, host, async (service) => {
    const output = options.output ?? STANDARD_OUTPUT;
    const escapesFormulas = options.escapeFormulas === true;
    const format = await checkOutput(output, options.format, escapesFormulas);
    const id = await resolveBatch(service, text);
    const { batch } = await service.retrieve(id);
    const pieces = piecesOf(service, batch, options);
    if (typeof pieces === 'string') {
      complain(host, pieces);
      return EXIT_FAILED;
    }
    const writer = await openAnswerWriter(output, format, { escapesFormulas });
    let count = 0;
    try {
      for await (const { bytes: line } of resultLines(pieces, id)) {
        await writer.write({ customId: customIdOf({ line }), line, rejection: null });
        count += 1;
      }
      await writer.finish();
    } finally {
      await writer.discard();
    }
    if (output !== STANDARD_OUTPUT) tell(id, output, count, options, host);
    return EXIT_OK;
  });
}

/** The results there are, or why there are none. */
function piecesOf(
  service: BatchService,
  batch: MessageBatch,
  { partial }: ResultsOptions,
): AsyncIterable<Uint8Array> | string {
  const { id, processing_status: status, request_counts: counts } = batch;
  if (status === 'ended') return service.results(id);
  if (partial !== true) {
    const soFar = `${grouped(settledOf(counts))} of ${counted(requestsOf(counts), 'request')} settled`;
    const hint = service.extras === null ? '' : ', or print what there is with --partial';
    return `${id} has not ended (${soFar}). Wait for it with batchwright watch ${id}${hint}.`;
  }
  if (service.extras === null) {
    return `${service.name} tells no results before a batch has ended. Wait for it with batchwright watch ${id}, and leave --partial out.`;
  }
  return partialResults(service.extras, batch);
}

/** What was settled when the batch was asked for; asking beyond would wait for what comes next. */
async function* partialResults(
  extras: NonNullable<BatchService['extras']>,
  { id, request_counts: counts }: MessageBatch,
): AsyncGenerator<Uint8Array> {
  const wanted = settledOf(counts);
  let cursor: string | null = null;
  for (let lines = 0; lines < wanted;) {
    const page = await extras.partialResults(id, cursor);
    yield page.bytes;
    lines += countLines(page.bytes);
    ({ cursor } = page);
    if (page.isComplete) return;
  }
}

const LINE_FEED = 0x0a;

function countLines(bytes: Uint8Array): number {
  let lines = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines += 1;
  return lines;
}

function tell(id: string, output: string, count: number, { json }: ResultsOptions, host: Host): void {
  if (json === true) host.out(`${JSON.stringify({ id, output, results: count })}\n`);
  else host.err(`${counted(count, 'result')} of ${id} in ${output}.\n`);
}
