import { BadRequestsError, FaultList, type RequestLine } from '@batchwright/client';
import { outline } from '@batchwright/scan';
import type { InputItem } from './bytes/lines.ts';
import type { TemplateOptions } from './input-options.ts';
import { joined } from './wording.ts';

/**
 * Requests as they stand. Whoever runs them checks each as a request; here rows are told from requests, by the first, and
 * each is looked at for what no model can do without.
 */
export async function* wholeRequests(items: AsyncIterable<InputItem>, name: string): AsyncGenerator<RequestLine> {
  const faults = new FaultList();
  let [count, sound] = [0, 0];
  for await (const { bytes, origin } of items) {
    if (count++ === 0) checkFirst(bytes, name);
    const missing = missingField(bytes);
    if (missing !== null) faults.add(`${origin}: params.${missing}: Field required. Add it to the request.`);
    if (faults.isFull) break;
    // Where the very first is wrong all is told before anything is begun; else those that are sound are looked at on.
    if (missing !== null || (sound === 0 && !faults.isEmpty)) continue;
    sound++;
    yield { line: bytes, origin };
  }
  faults.throwIfAny();
  if (count === 0)
    throw new BadRequestsError(`${name} holds no requests. Put one on each line: {"custom_id":…,"params":{…}}.`);
}

const REQUIRED = ['model', 'max_tokens', 'messages'] as const;

/** What the params lack, of what they must have; fields that are not known here may be right. */
function missingField(bytes: Buffer): string | null {
  // Almost every request has all of them, and finding their names takes no time beside following its JSON. A name that
  // stands elsewhere in it hides that one is missing; then the API says so.
  if (REQUIRED.every((field) => bytes.includes(`"${field}"`))) return null;
  const params = outline(bytes)?.find('params') ?? null;
  const fields = params?.kind === 'object' ? outline(bytes, params) : null;
  return fields === null ? null : (REQUIRED.find((field) => fields.find(field) === null) ?? null);
}

function checkFirst(bytes: Buffer, name: string): void {
  const first = outline(bytes);
  if (first === null || first.find('params') !== null) return;
  const columns = first.keys().filter((key) => key !== 'custom_id');
  if (first.find('body') !== null && first.find('url') !== null) {
    throw new BadRequestsError(
      `${name} holds requests for another API, {custom_id, method, url, body}. Write each as {"custom_id":…,"params":{…}}.`,
    );
  }
  const [column] = columns;
  if (column !== undefined) throw templateError(name, missingFlags({}), column);
}

/** The flags without which no request can be made of a row, as far as they are not there. */
export function missingFlags({ model, params, prompt }: TemplateOptions): readonly string[] {
  const isModelMissing = model === undefined && params === undefined;
  return [...(isModelMissing ? ['--model'] : []), ...(prompt === undefined ? ['--prompt'] : [])];
}

/** Of rows for which flags are missing; with a column they have, for example. */
export function templateError(name: string, missing: readonly string[], column: string): BadRequestsError {
  return new BadRequestsError(
    `Requests are made of the rows of ${name} by a template, of which ${joined(missing)} ${missing.length === 1 ? 'is' : 'are'} missing. For example: --model claude-haiku-5-5 --prompt 'Classify: {{${column}}}'`,
  );
}

/** Of a request that is whole, and flags that are about rows. */
export function wholeRequestError(origin: string, given: readonly string[]): BadRequestsError {
  const isOne = given.length === 1;
  return new BadRequestsError(
    `${origin} is a whole request, {custom_id, params}, which is sent as it is: ${joined(given)} ${isOne ? 'does' : 'do'} not apply. Leave ${isOne ? 'it' : 'them'} out.`,
  );
}
