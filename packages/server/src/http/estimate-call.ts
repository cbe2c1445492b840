import { LIMITS } from '@batchwright/protocol';
import type { Call, Caller, Params, Room } from './call.ts';
import { answerUnaccepted, handOver, readTerms } from './create-call.ts';
import { estimateObject } from './estimate-object.ts';
import { json, refuse, type Reply } from './reply.ts';
import { openBody } from './request-body.ts';

/**
 * `POST /ext/v1/estimate`: takes what a create takes, refuses what a create refuses in the same words, and answers what
 * the batch would come to. Nothing is run and nothing is kept.
 */
export async function estimateBatchCall(room: Room, call: Call, _params: Params, caller: Caller): Promise<Reply> {
  if (room.isShuttingDown()) return refuse({ type: 'shutting_down' });
  const terms = readTerms(room, call, caller);
  if (terms.type === 'refused') return refuse(terms.problem);
  const opened = openBody(call, LIMITS.batchBodyBytes);
  if (opened.type === 'refused') return refuse(opened.problem);
  const { betas, options } = terms.terms;
  const asked = { betas, markers: options.markers };
  const outcome = await handOver(opened.body, (stream) => room.services.intake.estimate(stream, asked));
  return outcome.type === 'estimated' ? json(estimateObject(outcome.estimate)) : answerUnaccepted(opened.body, outcome);
}
