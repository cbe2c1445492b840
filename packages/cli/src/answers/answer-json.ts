/** JSON in the text of an answer. */
export interface AnswerJson {
  /** On one line, its numbers as they were written. */
  readonly text: string;
  readonly value: unknown;
}

/** The JSON that a text is as a whole, but for space around it; null: it is none. */
export function readJson(text: string): AnswerJson | null {
  const trimmed = text.trim();
  try {
    const value: unknown = JSON.parse(trimmed);
    // A line break can only stand between tokens: in strings they are escaped.
    return { text: trimmed.replaceAll(/[\r\n]+/g, ' '), value };
  } catch {
    // That it is no JSON is the answer.
    return null;
  }
}

/** The same, and also where models wrap it: in a code fence, with words before and after. */
export function readFencedJson(text: string): AnswerJson | null {
  return readJson(text) ?? readFence(text);
}

/** JSON may hold fences in its strings, so the last one closes; of several blocks no JSON comes out. */
function readFence(text: string): AnswerJson | null {
  const start = /```[^\n`]*\n/.exec(text);
  if (start === null) return null;
  const from = start.index + start[0].length;
  const to = text.lastIndexOf('```');
  return to < from ? null : readJson(text.slice(from, to));
}
