import type { UpstreamCall } from '../dispatch/upstream/upstream.ts';
import type { Call, Caller, Params, Room } from './call.ts';
import { forward, type Substitute, type UpstreamHeaders } from './forward.ts';
import { GONE, refuse, type Reply } from './reply.ts';
import { readWholeBody } from './whole-body.ts';

/** `POST /v1/messages`, streaming or not: passed on as it came. */
export function createMessage(room: Room, call: Call, _params: Params, caller: Caller): Promise<Reply> {
  return forwardPost(room, call, caller, '/v1/messages');
}

/** `POST /v1/messages/count_tokens`. */
export function countTokens(room: Room, call: Call, _params: Params, caller: Caller): Promise<Reply> {
  return forwardPost(room, call, caller, '/v1/messages/count_tokens');
}

async function forwardPost(room: Room, call: Call, caller: Caller, path: string): Promise<Reply> {
  const body = await readWholeBody(room, call);
  if (body.type === 'refused') return refuse(body.problem);
  if (body.type === 'gone') return GONE;
  try {
    return await forwardToUpstream(room, call, caller, { method: 'POST', path, body: body.bytes });
  } finally {
    body.release();
  }
}

/** Passes a call on to the upstream under its own credential; the client's key stays here. */
export function forwardToUpstream(
  room: Room,
  call: Call,
  caller: Caller,
  target: Pick<UpstreamCall, 'method' | 'path' | 'body'>,
  substitute: Substitute = () => null,
): Promise<Reply> {
  const path = call.query === '' ? target.path : `${target.path}?${call.query}`;
  const request: UpstreamCall = { ...target, path, headers: headersFor(room, call, caller) };
  return forward(
    call,
    (events) => room.services.upstream.call(request, events),
    (status, headers) => substitute(status, headers) ?? unfit(status, headers),
  );
}

/** What must not reach a client as the upstream sent it. */
function unfit(status: number, headers: UpstreamHeaders): Reply | null {
  if (isOurCredential(status)) return refuse(OUR_CREDENTIAL);
  // A gateway's page of HTML is no error that an SDK can read: some hide even its status.
  if (status < 400 || String(headers['content-type'] ?? '').startsWith('application/json')) return null;
  return refuse({ type: 'upstream_unreachable', reason: `it answered ${status} without JSON.` });
}

/** A 401 would tell the client that its own key is wrong, which it is not. */
const isOurCredential = (status: number): boolean => status === 401;
const OUR_CREDENTIAL = {
  type: 'upstream_unreachable',
  reason: 'it refused the credential this server is configured with (401).',
} as const;

/** A simulator is told whose call it is, as in a batch: what one workspace caches, another must not find. */
function headersFor(room: Room, call: Call, { workspaceId }: Caller): Record<string, string> {
  const headers = forwardedHeaders(call);
  return room.services.upstream.isSimulated ? { ...headers, 'batchwright-workspace': workspaceId } : headers;
}

const FORWARDED = ['anthropic-version', 'anthropic-beta', 'content-type', 'accept'] as const;

/** The headers that mean something to an upstream. Credentials are not among them. */
export function forwardedHeaders(call: Call): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of FORWARDED) {
    const value = call.request.headers[name];
    if (value !== undefined) headers[name] = String(value);
  }
  return headers;
}
