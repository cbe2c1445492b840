import { EXPOSITION_CONTENT_TYPE } from '../observe/exposition.ts';
import type { Call, Room } from './call.ts';
import { openapiDocument } from './openapi/document.ts';
import { json, type Reply } from './reply.ts';

/** `GET /healthz`: the process runs and its event loop turns. */
export function health(): Reply {
  return json({ status: 'ok' });
}

/** `GET /readyz`: whether to send it work; 503 says why not. */
export async function readiness(room: Room): Promise<Reply> {
  const { ready, reasons } = await room.services.readiness();
  const all = room.isShuttingDown() ? ['The server is shutting down.', ...reasons] : reasons;
  const isReady = ready && !room.isShuttingDown();
  return json({ status: isReady ? 'ready' : 'not_ready', reasons: all }, {}, isReady ? 200 : 503);
}

/** `GET /metrics`, in Prometheus' text format. */
export async function metrics(room: Room): Promise<Reply> {
  const body = await room.services.metrics.render();
  return { type: 'content', status: 200, headers: { 'content-type': EXPOSITION_CONTENT_TYPE }, body };
}

/** `GET /openapi.json`. */
export function openapi(_room: Room, _call: Call): Reply {
  return json(openapiDocument());
}
