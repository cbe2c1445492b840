import { describe, expect, it } from 'vitest';
import { ROUTES } from '../../packages/server/src/http/routes.ts';
import { foreignRound } from './foreign-round.ts';

/** What `npm test` asks; `npm run soak -- R6` asks more. */
const QUESTIONS = 400;
const SEED = 1;

/** What a route may be given that belongs to somebody. A new route has to be put in one of these lists, and thought about. */
const NAMES_A_BATCH = ROUTES.filter((route) => route.path.includes('{message_batch_id}')).map(nameOf);
const LISTS_WHAT_IS_ITS_CALLERS = ['GET /v1/messages/batches', 'GET /ext/v1/usage'];
const MAKES_SOMETHING_NEW = ['POST /v1/messages/batches', 'POST /ext/v1/estimate'];
const IS_THE_UPSTREAMS = [
  'POST /v1/messages',
  'POST /v1/messages/count_tokens',
  'GET /v1/models',
  'GET /v1/models/{model_id}',
];
const IS_THE_SERVERS = ['GET /ext/v1', 'GET /healthz', 'GET /readyz', 'GET /metrics', 'GET /openapi.json'];

describe('another workspace', () => {
  it('is asked about on every route of the table', () => {
    const known = [
      NAMES_A_BATCH,
      LISTS_WHAT_IS_ITS_CALLERS,
      MAKES_SOMETHING_NEW,
      IS_THE_UPSTREAMS,
      IS_THE_SERVERS,
    ].flat();
    expect(known.toSorted()).toEqual(ROUTES.map(nameOf).toSorted());
    expect(NAMES_A_BATCH.length).toBeGreaterThanOrEqual(10);
  });

  it('cannot be told from one that never was, and is not touched', async () => {
    const { violations } = await foreignRound(SEED, QUESTIONS);
    expect(violations).toEqual([]);
  });
});

function nameOf({ method, path }: { readonly method: string; readonly path: string }): string {
  return `${method} ${path}`;
}
