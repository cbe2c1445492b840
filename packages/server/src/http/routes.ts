import { changeBudget } from './budget-call.ts';
import { cancelBatch, deleteBatch, retrieveBatch } from './batch-calls.ts';
import { createBatch } from './create-call.ts';
import { retrieveDetails } from './details-call.ts';
import { emulatorControl } from './emulator-call.ts';
import { estimateBatchCall } from './estimate-call.ts';
import { streamEvents } from './events-call.ts';
import { listBatches } from './list-call.ts';
import { countTokens, createMessage } from './messages-calls.ts';
import { listModels, retrieveModel } from './model-calls.ts';
import { downloadPartialResults } from './partial-results-call.ts';
import { health, metrics, openapi, readiness } from './probe-calls.ts';
import { retrieveRequest } from './request-call.ts';
import { rerunBatch } from './rerun-call.ts';
import { downloadResults } from './results-call.ts';
import { describeServer } from './server-call.ts';
import { retrieveUsage } from './usage-call.ts';
import type { Route } from './route.ts';

/** Every path the server answers; a new one is a line here and an entry in `openapi/`. The first match counts. */
export const ROUTES: readonly Route[] = [
  { method: 'POST', path: '/v1/messages/batches', access: 'caller', counted: true, handle: createBatch },
  { method: 'GET', path: '/v1/messages/batches', access: 'caller', counted: true, handle: listBatches },
  {
    method: 'GET',
    path: '/v1/messages/batches/{message_batch_id}',
    access: 'caller',
    counted: true,
    handle: retrieveBatch,
  },
  {
    method: 'DELETE',
    path: '/v1/messages/batches/{message_batch_id}',
    access: 'caller',
    counted: true,
    handle: deleteBatch,
  },
  {
    method: 'POST',
    path: '/v1/messages/batches/{message_batch_id}/cancel',
    access: 'caller',
    counted: true,
    handle: cancelBatch,
  },
  {
    method: 'GET',
    path: '/v1/messages/batches/{message_batch_id}/results',
    access: 'caller',
    counted: true,
    handle: downloadResults,
  },
  { method: 'POST', path: '/v1/messages', access: 'caller', counted: false, handle: createMessage },
  { method: 'POST', path: '/v1/messages/count_tokens', access: 'caller', counted: false, handle: countTokens },
  { method: 'GET', path: '/v1/models', access: 'caller', counted: false, handle: listModels },
  { method: 'GET', path: '/v1/models/{model_id}', access: 'caller', counted: false, handle: retrieveModel },
  { method: 'GET', path: '/ext/v1', access: 'caller', counted: false, handle: describeServer },
  {
    method: 'GET',
    path: '/ext/v1/batches/{message_batch_id}',
    access: 'caller',
    counted: true,
    handle: retrieveDetails,
  },
  {
    method: 'POST',
    path: '/ext/v1/batches/{message_batch_id}/budget',
    access: 'caller',
    counted: true,
    handle: changeBudget,
  },
  {
    method: 'GET',
    path: '/ext/v1/batches/{message_batch_id}/results',
    access: 'caller',
    counted: true,
    handle: downloadPartialResults,
  },
  {
    method: 'GET',
    path: '/ext/v1/batches/{message_batch_id}/events',
    access: 'caller',
    counted: true,
    handle: streamEvents,
  },
  {
    method: 'GET',
    path: '/ext/v1/batches/{message_batch_id}/requests/{custom_id}',
    access: 'caller',
    counted: true,
    handle: retrieveRequest,
  },
  {
    method: 'POST',
    path: '/ext/v1/batches/{message_batch_id}/rerun',
    access: 'caller',
    counted: true,
    handle: rerunBatch,
  },
  { method: 'GET', path: '/ext/v1/usage', access: 'caller', counted: true, handle: retrieveUsage },
  { method: 'POST', path: '/ext/v1/estimate', access: 'caller', counted: true, handle: estimateBatchCall },
  { method: 'GET', path: '/healthz', access: 'open', handle: health },
  { method: 'GET', path: '/readyz', access: 'open', handle: readiness },
  { method: 'GET', path: '/metrics', access: 'operator', handle: metrics },
  { method: 'GET', path: '/openapi.json', access: 'open', handle: openapi },
];

/** The simulator's controls, there only while the upstream is the simulator. */
export const EMULATOR_ROUTES: readonly Route[] = (['GET', 'POST', 'DELETE'] as const).map((method) => ({
  method,
  path: '/sim/*',
  access: 'open',
  handle: emulatorControl,
}));
