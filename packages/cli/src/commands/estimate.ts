import { estimateRun } from '@batchwright/client';
import { EXIT_OK } from '../host.ts';
import type { Host } from '../host.ts';
import type { InputOptions } from '../input/input-options.ts';
import { openRequestSource } from '../input/open-request-source.ts';
import { estimateJson } from '../output/estimate-json.ts';
import { estimateText } from '../output/estimate-text.ts';
import { readTerms, type ReckoningOptions } from './reckoning-terms.ts';
import { tellingTo } from './told-notes.ts';
import { explained } from './with-service.ts';

export type EstimateCommandOptions = InputOptions & ReckoningOptions;

/** Prints what a run would use and cost. */
export async function estimate(input: string, options: EstimateCommandOptions, host: Host): Promise<number> {
  const terms = await readTerms(options, host);
  if (typeof terms === 'number') return terms;
  return explained(host, async () => {
    const source = await openRequestSource(input, options, host);
    const found = await estimateRun(source.requests(tellingTo(host)), terms);
    const columns = host.outIsTerminal ? host.columns : Infinity;
    host.out(options.json === true ? `${JSON.stringify(estimateJson(found))}\n` : estimateText(found, columns));
    return EXIT_OK;
  });
}
