import { API_VERSIONS, CUSTOM_ID_PATTERN, LIMITS } from '@batchwright/protocol';
import { ref, type Schema } from './schema.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

export interface Content {
  readonly [mediaType: string]: { readonly schema: Schema };
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

export type PathItem = Readonly<Partial<Record<'get' | 'post' | 'delete', Operation>>>;

const json = (schema: string): Content => ({ 'application/json': { schema: ref(schema) } });
const body = (schema: string) => ({ required: true, content: json(schema) });

/** Success as described, anything else in the error envelope. */
const answers = (description: string, content: Content): Operation['responses'] => ({
  '200': { description, content },
  default: { description: 'An error.', content: json('ErrorEnvelope') },
});

const header = (name: string, description: string, schema: Schema = { type: 'string' }): Parameter => ({
  name,
  in: 'header',
  description,
  schema,
});

const query = (name: string, description: string, schema: Schema): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});

const day = (name: string, description: string): Parameter =>
  query(name, description, { type: 'string', format: 'date' });

const CALLER: readonly Parameter[] = [
  { ...header('anthropic-version', 'The version of the API.', { enum: API_VERSIONS }), required: true },
  header('anthropic-beta', 'Beta features, separated by commas.'),
  header('anthropic-workspace-id', 'If sent, must be the workspace of the key.'),
];
const BATCH_ID: Parameter = {
  name: 'message_batch_id',
  in: 'path',
  required: true,
  schema: { type: 'string' },
};
const MODEL_ID: Parameter = { name: 'model_id', in: 'path', required: true, schema: { type: 'string' } };
const PAGING: readonly Parameter[] = [
  {
    name: 'limit',
    in: 'query',
    schema: { type: 'integer', minimum: 1, maximum: LIMITS.pageSizeMaximum, default: LIMITS.pageSizeDefault },
  },
  { name: 'after_id', in: 'query', description: 'The page right after this id (older).', schema: { type: 'string' } },
  { name: 'before_id', in: 'query', description: 'The page right before this id (newer).', schema: { type: 'string' } },
];
const CREATE: readonly Parameter[] = [
  ...CALLER,
  header('anthropic-user-profile-id', 'The profile that every request is attributed to.'),
  header(
    'batchwright-options',
    'JSON, e.g. `{"counts":"strict","markers":"auto"}`. `counts`: `live` (default) moves the counters as requests ' +
      'settle, `strict` at the end. `markers`: what is done with `cache_control`: `respect` sends it on as it is, `auto` ' +
      'adds it where it pays, `off` takes it out. `budget_usd`: what the batch may cost, in dollars.',
  ),
];
const OPEN = { security: [] };

/** Every operation the server answers, path by path. */
export const PATHS: Readonly<Record<string, PathItem>> = {
  '/v1/messages/batches': {
    post: {
      operationId: 'createMessageBatch',
      summary: 'Create a batch',
      description: 'Answers once the batch is durable. Not idempotent: the same body again is another batch.',
      tags: ['Batches'],
      parameters: CREATE,
      requestBody: body('CreateMessageBatch'),
      responses: answers('The batch, as created.', json('MessageBatch')),
    },
    get: {
      operationId: 'listMessageBatches',
      summary: 'List batches',
      tags: ['Batches'],
      parameters: [...CALLER, ...PAGING],
      responses: answers('One page of the workspace’s batches.', json('MessageBatchPage')),
    },
  },
  '/v1/messages/batches/{message_batch_id}': {
    get: {
      operationId: 'retrieveMessageBatch',
      summary: 'Retrieve a batch',
      description: 'Safe to poll. `retry-after` says how long to wait while the batch has not ended.',
      tags: ['Batches'],
      parameters: [BATCH_ID, ...CALLER],
      responses: answers('The batch.', json('MessageBatch')),
    },
    delete: {
      operationId: 'deleteMessageBatch',
      summary: 'Delete an ended batch',
      tags: ['Batches'],
      parameters: [BATCH_ID, ...CALLER],
      responses: answers('The receipt.', json('DeletedMessageBatch')),
    },
  },
  '/v1/messages/batches/{message_batch_id}/cancel': {
    post: {
      operationId: 'cancelMessageBatch',
      summary: 'Cancel a batch',
      description: 'Requests not yet sent become `canceled`. Canceling twice changes nothing.',
      tags: ['Batches'],
      parameters: [BATCH_ID, ...CALLER],
      responses: answers('The batch, canceling or as it ended.', json('MessageBatch')),
    },
  },
  '/v1/messages/batches/{message_batch_id}/results': {
    get: {
      operationId: 'messageBatchResults',
      summary: 'Download the results of an ended batch',
      description: 'One line per request, in no particular order. 404 until the batch has ended.',
      tags: ['Batches'],
      parameters: [BATCH_ID, ...CALLER],
      responses: answers('JSON Lines; the schema is that of each line.', {
        'application/x-jsonl': { schema: ref('ResultLine') },
      }),
    },
  },
  '/v1/messages': {
    post: {
      operationId: 'createMessage',
      summary: 'Create a message',
      description: 'Passed on to the upstream, whose answer comes back as it is, streamed if asked for.',
      tags: ['Messages'],
      parameters: CALLER,
      requestBody: body('MessageRequest'),
      responses: answers('The upstream’s answer.', {
        ...json('Message'),
        'text/event-stream': { schema: { type: 'string' } },
      }),
    },
  },
  '/v1/messages/count_tokens': {
    post: {
      operationId: 'countTokens',
      summary: 'Count the tokens of a message',
      tags: ['Messages'],
      parameters: CALLER,
      requestBody: body('MessageRequest'),
      responses: answers('The upstream’s count.', json('TokenCount')),
    },
  },
  '/v1/models': {
    get: {
      operationId: 'listModels',
      summary: 'List models',
      tags: ['Models'],
      parameters: [...CALLER, ...PAGING],
      responses: answers('The upstream’s models; 404 when it keeps no list.', json('ModelPage')),
    },
  },
  '/v1/models/{model_id}': {
    get: {
      operationId: 'retrieveModel',
      summary: 'Retrieve a model',
      tags: ['Models'],
      parameters: [MODEL_ID, ...CALLER],
      responses: answers('The model.', json('Model')),
    },
  },
  '/ext/v1/batches/{message_batch_id}': {
    get: {
      operationId: 'retrieveBatchDetails',
      summary: 'How a batch stands, and what it costs',
      description: 'The batch with its progress, plan, ledger and schedule. Safe to poll.',
      tags: ['Extensions'],
      parameters: [BATCH_ID, ...CALLER],
      responses: answers('The details.', json('BatchDetails')),
    },
  },
  '/ext/v1/batches/{message_batch_id}/budget': {
    post: {
      operationId: 'changeBatchBudget',
      summary: 'Set, change or lift a batch’s budget',
      description: 'Durable when answered; a paused batch that may go on does so at once. An ended one stays as it is.',
      tags: ['Extensions'],
      parameters: [BATCH_ID, ...CALLER],
      requestBody: body('ChangeBudget'),
      responses: answers('The budget as it is now.', json('BatchBudget')),
    },
  },
  '/ext/v1/batches/{message_batch_id}/results': {
    get: {
      operationId: 'partialBatchResults',
      summary: 'Download the results that are there so far',
      description:
        'The lines of the results file, in its order, from a cursor on. `batchwright-cursor` says where to go on, ' +
        '`batchwright-complete: true` that nothing follows, `retry-after` that there is nothing new yet.',
      tags: ['Extensions'],
      parameters: [
        BATCH_ID,
        ...CALLER,
        query('cursor', 'Where to go on, as an answer had it; from the first line on unless given.', {
          type: 'string',
        }),
        query('limit', 'The most lines; as many as there are, up to about 8 MB, unless given.', {
          type: 'integer',
          minimum: 1,
        }),
        query('wait', 'Seconds to wait for something new.', { type: 'number', minimum: 0, maximum: 60, default: 0 }),
      ],
      responses: answers('JSON Lines; the schema is that of each line.', {
        'application/x-jsonl': { schema: ref('ResultLine') },
      }),
    },
  },
  '/ext/v1/batches/{message_batch_id}/events': {
    get: {
      operationId: 'streamBatchEvents',
      summary: 'Follow a batch',
      description:
        'Server-sent events: `progress` (data: `BatchProgress`) at once, and at most once a second when something has ' +
        'changed; `ended` (data: `MessageBatch`) at the end, after which the stream closes.',
      tags: ['Extensions'],
      parameters: [BATCH_ID, ...CALLER, header('last-event-id', 'Ids go on from this one.')],
      responses: answers('The events; the schema is that of the data of `progress`.', {
        'text/event-stream': { schema: ref('BatchProgress') },
      }),
    },
  },
  '/ext/v1/batches/{message_batch_id}/requests/{custom_id}': {
    get: {
      operationId: 'retrieveBatchRequest',
      summary: 'A request as it was sent, and its result',
      tags: ['Extensions'],
      parameters: [
        BATCH_ID,
        { name: 'custom_id', in: 'path', required: true, schema: { type: 'string', pattern: CUSTOM_ID_PATTERN } },
        ...CALLER,
        query('include', '`none`: only whether there is such a request, and its state.', { enum: ['none'] }),
      ],
      responses: answers('The request.', json('StoredRequest')),
    },
  },
  '/ext/v1/batches/{message_batch_id}/rerun': {
    post: {
      operationId: 'rerunBatch',
      summary: 'Run again what failed, as a new batch',
      description:
        'Answers once the new batch is durable. Version, betas, profile and, unless the header is sent, options are those ' +
        'of the batch it comes from. Not idempotent.',
      tags: ['Extensions'],
      parameters: [BATCH_ID, ...CREATE],
      requestBody: { ...body('RerunBatch'), required: false },
      responses: answers('The new batch.', json('BatchRerun')),
    },
  },
  '/ext/v1': {
    get: {
      operationId: 'describeServer',
      summary: 'That this is a Batchwright, and what it can',
      tags: ['Extensions'],
      parameters: CALLER,
      responses: answers('The server.', json('Server')),
    },
  },
  '/ext/v1/usage': {
    get: {
      operationId: 'retrieveUsage',
      summary: 'What the workspace used and cost, by day and model',
      tags: ['Extensions'],
      parameters: [
        ...CALLER,
        day('from', 'The first day, UTC; 30 days up to `to` unless given. At most 366 days at once.'),
        day('to', 'The last day, UTC; today unless given.'),
      ],
      responses: answers('The usage.', json('Usage')),
    },
  },
  '/ext/v1/estimate': {
    post: {
      operationId: 'estimateBatch',
      summary: 'What a batch would cost',
      description: 'Takes what a create takes, and refuses what it refuses. Nothing is run, and nothing is stored.',
      tags: ['Extensions'],
      parameters: CREATE,
      requestBody: body('CreateMessageBatch'),
      responses: answers('The estimate.', json('BatchEstimate')),
    },
  },
  '/healthz': {
    get: {
      operationId: 'health',
      summary: 'Whether the process answers',
      tags: ['Operation'],
      ...OPEN,
      responses: answers('It does.', json('Health')),
    },
  },
  '/readyz': {
    get: {
      operationId: 'readiness',
      summary: 'Whether to send it work',
      tags: ['Operation'],
      ...OPEN,
      responses: {
        ...answers('Ready.', json('Readiness')),
        '503': { description: 'Not ready, with reasons.', content: json('Readiness') },
      },
    },
  },
  '/metrics': {
    get: {
      operationId: 'metrics',
      summary: 'Metrics in Prometheus’ text format',
      description: 'Open, or behind any valid key, as the operator chose.',
      tags: ['Operation'],
      responses: answers('The metrics.', { 'text/plain': { schema: { type: 'string' } } }),
    },
  },
  '/openapi.json': {
    get: {
      operationId: 'openapi',
      summary: 'This description',
      tags: ['Operation'],
      ...OPEN,
      responses: answers('The description.', { 'application/json': { schema: { type: 'object' } } }),
    },
  },
};
