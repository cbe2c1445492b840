/** Requests as lines of a file, for runs of the built command line. */

export const MODEL = 'claude-haiku-4-5';

/** A line of a file of requests. */
export function requestLine(customId: string, content: unknown = `Say ${customId}.`, more: object = {}): string {
  const params = { model: MODEL, max_tokens: 64, messages: [{ role: 'user', content }], ...more };
  return JSON.stringify({ custom_id: customId, params });
}

/** `prefix-0000` and so on. */
export function idsOf(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}-${String(i).padStart(4, '0')}`);
}

/** As many small requests, a line each. */
export function requestLines(prefix: string, count: number): string {
  return `${idsOf(prefix, count)
    .map((id) => requestLine(id))
    .join('\n')}\n`;
}
