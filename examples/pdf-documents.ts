/**
 * A request per document: each carries a PDF in base64 and asks for a summary. Documents may also be given by URL.
 *
 *     node examples/dist/pdf-documents.js [file.pdf …]
 */
import Anthropic from '@anthropic-ai/sdk';
import { readFile } from 'node:fs/promises';
import { type Polling, untilEnded } from './poll.ts';
import { resultsById } from './results-by-id.ts';
import { smallPdf } from './small-pdf.ts';

/** A document and the name its request goes by. */
export interface Pdf {
  readonly id: string;
  readonly bytes: Buffer;
}

const SAMPLES: readonly Pdf[] = [
  { id: 'minutes', bytes: smallPdf(['Minutes of the harbour council', 'The new crane was approved.']) },
  { id: 'invoice', bytes: smallPdf(['Invoice 1009: four lamps (brass)']) },
];

function summarize({ id, bytes }: Pdf): Anthropic.Messages.BatchCreateParams.Request {
  return {
    custom_id: `doc-${id}`,
    params: {
      model: 'claude-haiku-4-5',
      max_tokens: 2048,
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'document',
              source: { type: 'base64', media_type: 'application/pdf', data: bytes.toString('base64') },
            },
            { type: 'text', text: 'Summarize this document.' },
          ],
        },
      ],
    },
  };
}

/** Summarizes the documents given, or two made up for the purpose. */
export async function main(client: Anthropic, polling?: Polling, pdfs = SAMPLES): Promise<Map<string, string>> {
  const created = await client.messages.batches.create({ requests: pdfs.map(summarize) });
  await untilEnded(client, created.id, polling);
  const summaries = await resultsById(client, created.id);
  for (const { id } of pdfs) console.log(`doc-${id}: ${summaries.get(`doc-${id}`)}`);
  return summaries;
}

async function pdfsFromFiles(paths: readonly string[]): Promise<readonly Pdf[]> {
  return Promise.all(paths.map(async (path, i) => ({ id: String(i), bytes: await readFile(path) })));
}

if (process.argv[1] === import.meta.filename) {
  const paths = process.argv.slice(2);
  await main(new Anthropic(), {}, paths.length === 0 ? SAMPLES : await pdfsFromFiles(paths));
}
