import { NO_TURNS } from '../batch-details.ts';
import { closedObject, ref, type Schema } from './schema.ts';

const count: Schema = { type: 'integer', minimum: 0 };
const share: Schema = { type: ['number', 'null'], minimum: 0 };
const optionalCount: Schema = { type: ['integer', 'null'] };
const orNull = (schema: Schema): Schema => ({ oneOf: [schema, { type: 'null' }] });

const money = {
  cost_usd: { ...orNull(ref('Usd')), description: 'In dollars, exact; null where nothing has a known price.' },
  nano_usd: { type: ['integer', 'null'], description: 'The same in nano-dollars.' },
} satisfies Readonly<Record<string, Schema>>;

const promptTokens = { input: count, cache_creation_5m: count, cache_creation_1h: count, cache_read: count };

const sum = {
  requests: { ...count, description: 'Answered with success; nothing else is billed.' },
  unpriced_requests: { ...count, description: 'Of those, the ones whose model has no known price.' },
  tokens: ref('UsedTokens'),
  ...money,
};

const usage = { ...sum, models: { type: 'array', items: ref('ModelUsage') } } satisfies Readonly<
  Record<string, Schema>
>;

const AGAINST = closedObject('The same answers, had the prompts been handled otherwise.', {
  no_caching: ref('Money'),
  plain_markers: { ...ref('Money'), description: 'Every request writes its marked prefix, and nobody reads.' },
  warm_up_recipe: { ...ref('Money'), description: 'That, after a call at full price for each prefix.' },
});

const CACHE = closedObject('How well prompts were cached. Figures are null where there was nothing to cache.', {
  write_amplification: { ...share, description: 'Tokens written for each that had to be; 1 is the optimum.' },
  hit_share: { ...share, description: 'Of the tokens that could be read, the part that was; 1 is the optimum.' },
  requests: closedObject('Requests that share a prefix, by what the cache did for them.', {
    hit: count,
    cold: { ...count, description: 'First to write a prefix. No miss: somebody has to.' },
    not_ready: { ...count, description: 'Sent before the prefix could be read.' },
    expired: { ...count, description: 'Wrote again what nobody had used for too long.' },
    below_minimum: { ...count, description: 'The upstream neither wrote nor read.' },
    unexplained: { ...count, description: 'Should have read, and wrote.' },
  }),
});

/** The shapes of `GET /ext/v1/batches/{message_batch_id}` and `GET /ext/v1/usage`, by name. */
export const LEDGER_SCHEMAS: Readonly<Record<string, Schema>> = {
  BatchDetails: closedObject('A batch, and what its wire object has no place for.', {
    type: { const: 'batch_details' },
    batch: ref('MessageBatch'),
    progress: ref('RequestProgress'),
    plan: closedObject('What was planned at creation. Null for batches from before there were predictions.', {
      markers: { enum: ['respect', 'auto', 'off'] },
      prefixes: { ...optionalCount, description: 'Prefixes to be cached.' },
      requests_sharing: { ...optionalCount, description: 'Requests that share one of them.' },
      single: { ...optionalCount, description: 'All others.' },
      predicted: orNull(ref('PredictedUsage')),
    }),
    ledger: orNull(ref('Ledger')),
    budget: orNull(ref('Budget')),
    schedule: orNull(ref('Schedule')),
  }),
  RequestProgress: closedObject('Requests by state, at this moment.', {
    pending: count,
    in_flight: count,
    backing_off: { ...count, description: 'Waiting to be tried again.' },
    settled: count,
    results_per_second: { ...share, description: 'An average of about a minute; null when it does not run.' },
    eta: {
      type: ['string', 'null'],
      format: 'date-time',
      description: 'At this rate; never after `expires_at`. Null while the budget lets nothing go.',
    },
  }),
  BatchProgress: closedObject('How a batch stands: the data of a `progress` event.', {
    type: { const: 'batch_progress' },
    id: { type: 'string' },
    processing_status: { enum: ['in_progress', 'canceling', 'ended'] },
    request_counts: ref('RequestCounts'),
    progress: ref('RequestProgress'),
    ledger: orNull(closedObject('What its results used and cost so far; null until the first.', sum)),
  }),
  Budget: closedObject('What the batch may cost. No request goes whose expected cost no longer fits.', {
    usd: ref('Usd'),
    spent_usd: { ...ref('Usd'), description: 'As in the ledger.' },
    reserved_usd: { ...ref('Usd'), description: 'What the requests in flight are expected to cost.' },
    state: { enum: ['open', 'exhausted'], description: '`exhausted`: the next request does not fit.' },
    unpriced_requests: { ...count, description: 'Answered by a model without a known price, and so counted as free.' },
  }),
  ChangeBudget: closedObject('Another budget.', {
    usd: { type: ['string', 'number', 'null'], description: 'In dollars, above 0; null for none.' },
  }),
  BatchBudget: closedObject('A batch’s budget, null for none.', {
    id: { type: 'string' },
    type: { const: 'batch_budget' },
    budget: orNull(ref('Budget')),
  }),
  Schedule: closedObject('What the schedule does now.', {
    waiting_for_leader: { ...count, description: 'Queued requests whose prefix is not in the cache yet.' },
    open_prefixes: { ...count, description: 'Prefixes in the cache, or on their way, with requests waiting.' },
    turns: closedObject(
      'Calls for its requests since the batch was taken up, by why it was their turn.',
      Object.fromEntries(Object.keys(NO_TURNS).map((reason) => [reason, count])),
    ),
  }),
  PredictedUsage: closedObject('In estimated tokens and without the answers, which nobody knows.', {
    tokens: closedObject('Tokens of all prompts, by what is paid for them.', promptTokens),
    ...money,
    against: AGAINST,
  }),
  Ledger: closedObject('What the results used and cost, as the upstream reported it.', {
    results: { ...count, description: 'Result lines it covers.' },
    ...usage,
    prompts: { ...ref('Money'), description: 'The part that is not the answers’, to hold against what was predicted.' },
    against: AGAINST,
    cache: CACHE,
  }),
  Usage: closedObject('What the batches of a workspace used and cost, deleted ones included.', {
    type: { const: 'usage' },
    from: { type: 'string', format: 'date' },
    to: { type: 'string', format: 'date' },
    ...usage,
    days: {
      type: 'array',
      description: 'Days of UTC with anything on them, oldest first.',
      items: closedObject('One day.', { date: { type: 'string', format: 'date' }, ...usage }),
    },
  }),
  ModelUsage: closedObject('The part of one model, as the upstream named it.', { model: { type: 'string' }, ...sum }),
  UsedTokens: closedObject('Tokens by what is paid for them.', { ...promptTokens, output: count }),
  Money: closedObject('An amount.', money),
};
