import { closedObject, ref, type Schema } from './schema.ts';

const count: Schema = { type: 'integer', minimum: 0 };
const orNull = (schema: Schema): Schema => ({ oneOf: [schema, { type: 'null' }] });

const forecast = {
  tokens: ref('EstimatedTokens'),
  cost_usd: orNull(ref('EstimatedUsd')),
  nano_usd: orNull(ref('EstimatedSpan')),
};

const PREFIX = closedObject('A prefix that the batch would cache.', {
  model: { type: 'string' },
  tokens: { ...count, description: 'Of the whole prefix.' },
  own_tokens: { ...count, description: 'Of those, the ones that no shorter prefix of the plan holds already.' },
  requests: { ...count, description: 'Whose prompts begin with it.' },
  block: { ...count, description: 'Position of its last block, from 0, in the order tools, system, messages.' },
  ttl: orNull({ enum: ['5m', '1h'] }),
  saving_usd: orNull(ref('Usd')),
  saving_nano_usd: { type: ['integer', 'null'], description: 'Below 0 where caching it costs more than it saves.' },
});

const WARNING = closedObject('Something about the batch that can be shown before it runs, and what helps.', {
  code: {
    enum: [
      'prefix_below_minimum',
      'marker_on_varying_block',
      'tool_order_differs',
      'ttl_too_short',
      'unknown_model_price',
      'no_markers',
    ],
  },
  message: { type: 'string' },
  count: { ...count, description: 'Requests it concerns.' },
  custom_ids: { type: 'array', items: { type: 'string' }, description: 'Up to three of them.' },
});

/** The shapes of `POST /ext/v1/estimate`, by name. */
export const ESTIMATE_SCHEMAS: Readonly<Record<string, Schema>> = {
  BatchEstimate: closedObject('What a batch would come to, were it created now.', {
    type: { const: 'batch_estimate' },
    requests: count,
    markers: { enum: ['respect', 'auto', 'off'] },
    ...forecast,
    models: { type: 'array', items: ref('ModelEstimate') },
    against: closedObject('The same answers, had the prompts been handled otherwise.', {
      no_caching: ref('Forecast'),
      plain_markers: orNull(ref('Forecast')),
      warm_up_recipe: orNull(ref('Forecast')),
    }),
    plan: closedObject('What would be cached.', {
      prefixes: count,
      top: { type: 'array', items: PREFIX, description: 'The ten that save most.' },
      requests_sharing: { ...count, description: 'Requests that would read or write one of them.' },
      single: { ...count, description: 'All others.' },
    }),
    warnings: { type: 'array', items: WARNING },
    basis: closedObject('How the figures were made.', {
      tokens: { type: 'string' },
      output: { type: 'string' },
      prices: { type: ['string', 'null'] },
    }),
  }),
  Forecast: closedObject('Tokens and money. Without known prices money is null.', forecast),
  ModelEstimate: closedObject('The part of one model.', { model: { type: 'string' }, requests: count, ...forecast }),
  EstimatedTokens: closedObject('Tokens by what is paid for them; the first four sum to all prompts.', {
    input: count,
    cache_creation_5m: count,
    cache_creation_1h: count,
    cache_read: count,
    output: ref('EstimatedSpan'),
  }),
  EstimatedSpan: closedObject('The least, what is likely, the most. Money in nano-dollars.', {
    low: count,
    expected: count,
    high: count,
  }),
  EstimatedUsd: closedObject('The same in dollars, exact.', {
    low: ref('Usd'),
    expected: ref('Usd'),
    high: ref('Usd'),
  }),
  Usd: { type: 'string', pattern: '^-?[0-9]+\\.[0-9]{2,9}$' },
};
