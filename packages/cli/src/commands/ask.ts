import { createColors } from 'picocolors';
import { fieldsOf } from '../answers/answer-fields.ts';
import { answerText } from '../answers/answer-text.ts';
import type { Host } from '../host.ts';
import { askRequests } from '../input/ask/ask-requests.ts';
import type { AskOptions } from '../input/input-options.ts';
import { allowsColour } from '../progress/paint.ts';
import type { RunCommandOptions } from './run-options.ts';
import { prepareAndDrive, type RunInput } from './run.ts';

/** A file for each answer. */
const DEFAULT_OUTPUT = 'output/';

/** Asks every question of every document, prints answers as they come, and writes each to a file of its own. */
export async function ask(
  documents: readonly string[],
  options: AskOptions & RunCommandOptions,
  host: Host,
): Promise<number> {
  return prepareAndDrive(documents, { ...options, output: options.output ?? DEFAULT_OUTPUT }, host, async () => {
    const source = await askRequests(documents, options, host);
    const onResult = options.output === '-' ? null : printing(source, options, host);
    return { source, addsAnswers: true, onResult };
  });
}

function printing(
  source: Awaited<ReturnType<typeof askRequests>>,
  options: AskOptions & RunCommandOptions,
  host: Host,
): NonNullable<RunInput['onResult']> {
  const isStructured = options.schema !== undefined;
  const view = {
    columns: host.outIsTerminal ? host.columns : null,
    paint: createColors(host.outIsTerminal && options.color !== false && allowsColour(host.env)),
  };
  return (result, display) => {
    const asked = source.asked(result.customId);
    if (asked === null) throw new Error(`nobody asked ${result.customId}`);
    const fields = fieldsOf(result, isStructured);
    display.event({ type: 'answer', ...asked, ...fields });
    display.print(answerText({ ...asked, fields }, view));
  };
}
