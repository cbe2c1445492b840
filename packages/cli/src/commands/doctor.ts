import { examineRun } from '@batchwright/client';
import { EXIT_FAILED, EXIT_OK } from '../host.ts';
import type { Host } from '../host.ts';
import type { InputOptions } from '../input/input-options.ts';
import { openRequestSource } from '../input/open-request-source.ts';
import { examinationJson, examinationText } from '../output/examination-text.ts';
import { allowsColour } from '../progress/paint.ts';
import { createColors } from 'picocolors';
import { readTerms, type ReckoningOptions } from './reckoning-terms.ts';
import { rereadable } from './rereadable-requests.ts';
import { explained } from './with-service.ts';

export interface DoctorOptions extends InputOptions, ReckoningOptions {
  /** False with `--no-color`. */
  readonly color?: boolean;
}

/** Explains which prompts of a run would not be cached, the dearest reason first. */
export async function doctor(input: string, options: DoctorOptions, host: Host): Promise<number> {
  const terms = await readTerms(options, host);
  if (typeof terms === 'number') return terms;
  return explained(host, async () => {
    const source = await openRequestSource(input, options, host);
    const requests = await rereadable(source, host);
    try {
      const found = await examineRun(() => requests.requests(), terms);
      if (options.json === true) host.out(`${JSON.stringify(examinationJson(found))}\n`);
      else {
        const paint = createColors(host.outIsTerminal && options.color !== false && allowsColour(host.env));
        host.out(examinationText(found, { columns: host.outIsTerminal ? host.columns : Infinity, paint }));
      }
      return found.findings.length === 0 ? EXIT_OK : EXIT_FAILED;
    } finally {
      await requests.close();
    }
  });
}
