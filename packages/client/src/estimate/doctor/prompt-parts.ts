import { editParams, keyName, Members, outline, skipSpace } from '@batchwright/scan';

/** A block of a prompt as it was written, markers left out. */
export interface PromptPart {
  /** For people: `tools[2]`, `system`, `messages[0].content[1]`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A prompt in the order it is rendered, and what of the params beside it decides how. */
export interface PromptParts {
  readonly toolCount: number;
  readonly parts: readonly PromptPart[];
  /** Name and raw value of each member of params that may change how the prompt is rendered. */
  readonly settings: ReadonlyMap<string, string>;
}

/** Takes a checked line apart: `{"custom_id":…,"params":{…}}`. */
export function promptParts(line: Uint8Array): PromptParts {
  const span = outline(line)?.find('params');
  if (span === null || span === undefined) throw new Error('A request without params was let in.');
  // Copied where nothing is cut out, since lines are views of larger buffers that may be filled anew.
  const params = editParams(line.subarray(span.start, span.end), { dropMarkers: true });
  return new PartsWalk(params).run();
}

/** What of params has no part in the prompt; the scanner's list. */
const IRRELEVANT: ReadonlySet<string> = new Set([
  'cache_control',
  'diagnostics',
  'max_tokens',
  'metadata',
  'service_tier',
  'stop_sequences',
  'stream',
  'temperature',
  'top_k',
  'top_p',
]);

/** No member of params, but the API caches messages with an image anywhere apart from those without. */
export const IMAGES = 'images';
const IMAGE = /"type"\s*:\s*"image"/;

const BRACE_OPEN = 0x7b;
const BRACKET_OPEN = 0x5b;
const CONTENT = keyName('content');
const decoder = new TextDecoder();

class PartsWalk {
  readonly #params: Uint8Array;
  #tools: PromptPart[] = [];
  #system: PromptPart[] = [];
  #messages: PromptPart[] = [];

  constructor(params: Uint8Array) {
    this.#params = params;
  }

  run(): PromptParts {
    const settings = new Map<string, string>();
    const members = new Members(this.#params, skipSpace(this.#params, 0));
    while (members.next()) {
      const key = members.key();
      const end = members.skip();
      const value = { start: members.valueStart, end };
      // Of a key given twice the last counts.
      if (key === 'tools') this.#tools = this.#blocks(value, key);
      else if (key === 'system') this.#system = this.#blocks(value, key);
      else if (key === 'messages') this.#messages = this.#readMessages(value.start);
      else if (!IRRELEVANT.has(key)) settings.set(key, this.#text(value));
    }
    const parts = [...this.#tools, ...this.#system, ...this.#messages];
    if (parts.some(({ bytes }) => IMAGE.test(decoder.decode(bytes)))) settings.set(IMAGES, 'present');
    return { toolCount: this.#tools.length, parts, settings };
  }

  /** The items of a list, or the one block that a text in its place stands for. */
  #blocks({ start, end }: Span, path: string): PromptPart[] {
    if (this.#params[start] !== BRACKET_OPEN) return [{ path, bytes: this.#params.subarray(start, end) }];
    const items = new Members(this.#params, start);
    const blocks: PromptPart[] = [];
    while (items.next()) {
      items.skip();
      const bytes = this.#params.subarray(items.valueStart, items.valueEnd);
      blocks.push({ path: `${path}[${blocks.length}]`, bytes });
    }
    return blocks;
  }

  #readMessages(start: number): PromptPart[] {
    const all: PromptPart[] = [];
    if (this.#params[start] !== BRACKET_OPEN) return all;
    const messages = new Members(this.#params, start);
    for (let number = 0; messages.next(); number++) {
      if (this.#params[messages.valueStart] === BRACE_OPEN) {
        all.push(...this.#readMessage(messages.valueStart, `messages[${number}]`));
      }
      messages.skip();
    }
    return all;
  }

  #readMessage(start: number, path: string): PromptPart[] {
    let blocks: PromptPart[] = [];
    const members = new Members(this.#params, start);
    while (members.next()) {
      const end = members.skip();
      const value = { start: members.valueStart, end };
      if (members.keyIs(CONTENT)) blocks = this.#blocks(value, `${path}.content`);
    }
    return blocks;
  }

  #text({ start, end }: Span): string {
    return decoder.decode(this.#params.subarray(start, end));
  }
}

interface Span {
  readonly start: number;
  readonly end: number;
}
