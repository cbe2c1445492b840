import { wireError } from '@batchwright/protocol';
import { strikeOther } from './faults/fault-strike.ts';
import type { CallInHand, Host } from './host.ts';
import { isTerms, readTerms } from './terms.ts';
import { describeModel, isProblem, listModels } from './wire/models.ts';
import { errorResponse, jsonResponse } from './wire/response.ts';

/** Answers `GET /v1/models` and `GET /v1/models/{id or alias}`. */
export function answerModels(hand: CallInHand, host: Host, place: string, query: URLSearchParams): void {
  const terms = readTerms(hand.call.headers);
  if (!isTerms(terms)) return host.refuseProblem(hand, terms);
  if (strikeOther(hand, host, place, null, '')) return;
  const name = place.slice('/v1/models/'.length);
  const found = name === '' ? listModels(query) : describeModel(decoded(name));
  const response = isProblem(found) ? errorResponse(wireError(found), hand.requestId) : jsonResponse(found);
  host.sendNext(hand, response);
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    // A stray percent sign names no model, and is shown as it came.
    return name;
  }
}
