import type { Call, Room } from './call.ts';
import { forward } from './forward.ts';
import { forwardedHeaders } from './messages-calls.ts';
import { GONE, refuse, type Reply } from './reply.ts';
import type { EmulatorCall } from './services.ts';
import { readWholeBody } from './whole-body.ts';

/** `/sim/*`: the simulator's controls, for tests. */
export async function emulatorControl(room: Room, call: Call): Promise<Reply> {
  const { emulator } = room.services;
  if (emulator === null) return refuse({ type: 'path_not_found', path: call.path });
  const method = call.method === 'HEAD' ? 'GET' : (call.method as EmulatorCall['method']);
  const body = await readWholeBody(room, call);
  if (body.type === 'refused') return refuse(body.problem);
  if (body.type === 'gone') return GONE;
  const path = call.query === '' ? call.path : `${call.path}?${call.query}`;
  const request = { method, path, headers: forwardedHeaders(call), body: body.bytes.length === 0 ? null : body.bytes };
  try {
    return await forward(call, (events) => emulator.handle(request, events));
  } finally {
    body.release();
  }
}
