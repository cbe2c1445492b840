import { describe, expect, it } from 'vitest';
import { items } from '../harness/batches.ts';
import { startTestServer } from '../harness/test-server.ts';
import { answersIn, say } from './conversation.ts';
import { malformedRound } from './malformed-round.ts';

/** What `npm test` says to a server; `npm run soak -- R3` says a million things. */
const CASES = 2000;
const SEED = 1;

describe('whatever is said to the server', () => {
  it('is answered below 500, in the envelope, and leaves no trace when refused', async () => {
    const { violations, statuses, accepted } = await malformedRound(SEED, CASES);
    expect(violations).toEqual([]);
    // Cases that all fail at the first byte would prove little.
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 404, 405]));
    expect(accepted).toBeGreaterThan(0);
  });

  it.each([
    ['a body with its length', (body: string) => `content-length: ${body.length}\r\n\r\n${body}`],
    ['a chunked body', (body: string) => `transfer-encoding: chunked\r\n\r\n${chunked(body)}`],
  ])('means the same wherever it is cut in two: %s', async (_name, framed) => {
    const server = await startTestServer();
    try {
      const port = Number(new URL(server.url).port);
      const body = JSON.stringify({ requests: [...items(1), { custom_id: 'wröng', params: {} }] });
      const head = `POST /v1/messages/batches HTTP/1.1\r\nhost: a\r\nx-api-key: ${server.k1a.key}\r\n`;
      const call = Buffer.from(
        `${head}anthropic-version: 2023-06-01\r\nconnection: close\r\n${framed(latin1(body))}`,
        'latin1',
      );
      const answerTo = async (pieces: readonly Buffer[]) => {
        const [answer] = answersIn(await say(port, { pieces, end: 'whole' }));
        return { status: answer?.status, body: answer?.body.replace(/req_\w+/, 'REQUEST') };
      };
      const whole = await answerTo([call]);
      expect(whole.status).toBe(400);
      expect(whole.body).toContain('requests.1.custom_id');
      const places = Array.from({ length: call.length - 1 }, (_, i) => i + 1);
      const answers = await Promise.all(places.map((at) => answerTo([call.subarray(0, at), call.subarray(at)])));
      expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(new Set([JSON.stringify(whole)]));
    } finally {
      await server.close();
    }
  });
});

const latin1 = (text: string): string => Buffer.from(text).toString('latin1');

function chunked(body: string): string {
  const pieces = body.match(/[\s\S]{1,17}/g) ?? [];
  return `${pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')}0\r\n\r\n`;
}
