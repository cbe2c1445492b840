import { createRequire } from 'node:module';
import type { Call, Room } from './call.ts';
import { json, type Reply } from './reply.ts';

/** What this server answers beyond the API, for clients that know others; a name once given keeps its meaning. */
export const CAPABILITIES = [
  'batch_details',
  'estimate',
  'budget',
  'usage',
  'partial_results',
  'events',
  'requests',
  'rerun',
] as const;

const { version } = createRequire(import.meta.url)('../../package.json') as { readonly version: string };

/** `GET /ext/v1`: that this is a Batchwright, and what it can. Elsewhere it is a 404, which is how clients tell. */
export function describeServer(room: Room, _call: Call): Reply {
  const { name, isSimulated } = room.services.upstream;
  const upstream = { name, is_simulated: isSimulated };
  return json({ type: 'server', name: 'batchwright', version, capabilities: CAPABILITIES, upstream });
}
