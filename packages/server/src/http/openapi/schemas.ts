import { CUSTOM_ID_PATTERN, ERROR_STATUS, LIMITS, RESULT_TYPES } from '@batchwright/protocol';
import { ESTIMATE_SCHEMAS } from './estimate-schemas.ts';
import { LEDGER_SCHEMAS } from './ledger-schemas.ts';
import { closedObject, ref, type Schema } from './schema.ts';

const count: Schema = { type: 'integer', minimum: 0 };
const moment: Schema = { type: 'string', format: 'date-time', description: 'RFC 3339, UTC, microseconds.' };
const optionalMoment: Schema = { ...moment, type: ['string', 'null'] };
const optionalId: Schema = { type: ['string', 'null'] };

const MESSAGE_BATCH = closedObject('A batch. Every key is always present.', {
  id: { type: 'string', pattern: '^msgbatch_' },
  type: { const: 'message_batch' },
  processing_status: { enum: ['in_progress', 'canceling', 'ended'] },
  request_counts: ref('RequestCounts'),
  ended_at: optionalMoment,
  created_at: moment,
  expires_at: { ...moment, description: 'Exactly 24 hours after `created_at`.' },
  archived_at: { ...optionalMoment, description: 'When the results became unavailable, 29 days after creation.' },
  cancel_initiated_at: optionalMoment,
  results_url: { type: ['string', 'null'], format: 'uri', description: 'Set once the batch has ended.' },
});

const REQUEST_COUNTS = closedObject('What became of the requests. The five always sum to the number submitted.', {
  processing: { ...count, description: '0 exactly when the batch has ended.' },
  ...Object.fromEntries(RESULT_TYPES.map((type) => [type, count])),
});

const BATCH_REQUEST = closedObject('One request of a batch.', {
  custom_id: { type: 'string', pattern: CUSTOM_ID_PATTERN, description: 'Unique within the batch.' },
  params: {
    type: 'object',
    description: 'A non-streaming Messages request. Its contents are checked when it runs, and fail only this request.',
  },
});

const ERROR: Schema = {
  type: 'object',
  properties: {
    type: { enum: Object.keys(ERROR_STATUS) },
    message: { type: 'string' },
    details: {
      type: 'object',
      properties: { error_code: { type: 'string' }, error_visibility: { type: 'string' } },
    },
  },
  required: ['type', 'message'],
  additionalProperties: false,
};

const RESULT: Schema = {
  oneOf: [
    closedObject('The upstream answered; `message` is its answer.', {
      type: { const: 'succeeded' },
      message: { type: 'object' },
    }),
    closedObject('The request failed for good. The useful type is `error.error.type`.', {
      type: { const: 'errored' },
      error: ref('ErrorEnvelope'),
    }),
    closedObject('Canceled before it was sent.', { type: { const: 'canceled' } }),
    closedObject('24 hours passed before it was sent.', { type: { const: 'expired' } }),
  ],
};

/** The shapes on the wire, by name. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  MessageBatch: MESSAGE_BATCH,
  RequestCounts: REQUEST_COUNTS,
  CreateMessageBatch: closedObject('A batch to be.', {
    requests: { type: 'array', minItems: 1, maxItems: LIMITS.batchRequests, items: ref('BatchRequest') },
  }),
  BatchRequest: BATCH_REQUEST,
  MessageBatchPage: page('MessageBatch', 'Newest first, whichever way the page was reached.'),
  DeletedMessageBatch: closedObject('The receipt of a deletion.', {
    id: { type: 'string' },
    type: { const: 'message_batch_deleted' },
  }),
  ResultLine: closedObject('One line of a results file.', {
    custom_id: { type: 'string', pattern: CUSTOM_ID_PATTERN },
    result: RESULT,
  }),
  ErrorEnvelope: closedObject('Every error, on every status.', {
    type: { const: 'error' },
    error: ERROR,
    request_id: { type: ['string', 'null'], description: 'As in the `request-id` header.' },
  }),
  MessageRequest: { type: 'object', description: 'As the Messages API takes it; passed on to the upstream.' },
  Message: { type: 'object', description: 'As the upstream answered.' },
  TokenCount: { type: 'object', properties: { input_tokens: count }, required: ['input_tokens'] },
  Model: {
    type: 'object',
    properties: { type: { const: 'model' }, id: { type: 'string' }, display_name: { type: 'string' } },
    required: ['id'],
  },
  ModelPage: {
    type: 'object',
    properties: { data: { type: 'array', items: ref('Model') }, has_more: { type: 'boolean' } },
    required: ['data'],
  },
  StoredRequest: {
    type: 'object',
    description: 'A request of a batch. With `include=none`, without its params and its result.',
    properties: {
      type: { const: 'batch_request' },
      custom_id: { type: 'string', pattern: CUSTOM_ID_PATTERN },
      state: { enum: ['pending', 'dispatched', 'backing_off', 'settled'] },
      params: { type: 'object', description: 'As the client sent them, byte for byte.' },
      result: {
        oneOf: [RESULT, { type: 'null' }],
        description: 'As in its line of the results; null until it is settled.',
      },
    },
    required: ['type', 'custom_id', 'state'],
    additionalProperties: false,
  },
  RerunBatch: {
    type: 'object',
    description: 'Which requests to run again; without it, all that did not succeed.',
    properties: {
      types: { type: 'array', minItems: 1, items: { enum: ['errored', 'canceled', 'expired'] } },
      error_types: {
        type: 'array',
        minItems: 1,
        items: { type: 'string' },
        description: 'Of the errored ones, only those whose error is of one of these types.',
      },
    },
    additionalProperties: false,
  },
  BatchRerun: closedObject('A new batch of requests that another had.', {
    type: { const: 'batch_rerun' },
    from: { type: 'string', description: 'The id of the batch they come from.' },
    requests: { ...count, description: 'How many there are.' },
    batch: ref('MessageBatch'),
  }),
  Server: closedObject('What answers here.', {
    type: { const: 'server' },
    name: { const: 'batchwright' },
    version: { type: 'string' },
    capabilities: { type: 'array', items: { type: 'string' }, description: 'What it can beyond the API, by name.' },
    upstream: closedObject('Who answers its requests.', {
      name: { type: 'string' },
      is_simulated: { type: 'boolean' },
    }),
  }),
  ...ESTIMATE_SCHEMAS,
  ...LEDGER_SCHEMAS,
  Health: closedObject('The process answers.', { status: { const: 'ok' } }),
  Readiness: closedObject('Whether to send it work, and if not, why.', {
    status: { enum: ['ready', 'not_ready'] },
    reasons: { type: 'array', items: { type: 'string' } },
  }),
};

function page(item: string, description: string): Schema {
  return closedObject(description, {
    data: { type: 'array', items: ref(item) },
    has_more: { type: 'boolean', description: 'More exist in the direction being paged.' },
    first_id: optionalId,
    last_id: optionalId,
  });
}
