import { Buffer, isUtf8 } from 'node:buffer';
import { isJsonObject, type Clock, type JsonObject } from '@batchwright/core';
import { wireError, type Problem } from '@batchwright/protocol';
import { readFaultRules, showFault } from '../faults/fault-reader.ts';
import type { LoggedRequest } from '../request-log.ts';
import type { Simulator } from '../simulator.ts';
import { errorResponse, jsonResponse, type WholeResponse } from '../wire/response.ts';
import { showCacheEntry, showInFlight, showLedger } from './accounts.ts';
import type { ClockDriver } from './clock-driver.ts';

/** The simulator's own endpoints, under `/sim`: for tests and people, and no part of the API it simulates. */
export interface Control {
  /** Whether a path is one of these endpoints' to answer. */
  owns(path: string): boolean;
  answer(method: string, path: string, body: Uint8Array | null): Promise<WholeResponse>;
}

/** Without a driver the clock is real, and can be read but not moved. */
export function createControl(simulator: Simulator, clock: Clock, driver: ClockDriver | null): Control {
  const routes: Readonly<
    Record<string, (body: Uint8Array | null, query: URLSearchParams) => Outcome | Promise<Outcome>>
  > = {
    'GET /sim/faults': () => ({ data: simulator.faults().map(showFault) }),
    'POST /sim/faults': (body) => addFaults(simulator, body),
    'DELETE /sim/faults': () => {
      simulator.clearFaults();
      return { data: [] };
    },
    'GET /sim/requests': (_, query) => listRequests(simulator, query),
    'GET /sim/ledger': (_, query) => readLedger(simulator, query),
    'GET /sim/cache': () => ({ data: simulator.cacheEntries().map(showCacheEntry) }),
    'GET /sim/inflight': () => showInFlight(simulator),
    'GET /sim/clock': () => showClock(simulator, clock, driver),
    'POST /sim/clock': async (body) => (await moveClock(driver, body)) ?? showClock(simulator, clock, driver),
    'POST /sim/reset': () => {
      simulator.reset();
      return { reset: true, now_ms: clock.now() };
    },
  };
  const places = new Set(Object.keys(routes).map((route) => route.slice(route.indexOf(' ') + 1)));
  return {
    owns: (path) => path === '/sim' || path.startsWith('/sim/') || path.startsWith('/sim?'),
    async answer(method, path, body) {
      const url = new URL(path, 'http://simulator');
      const route = routes[`${method} ${url.pathname}`];
      if (route !== undefined) return respond(await route(body, url.searchParams));
      return respond(
        places.has(url.pathname)
          ? { problem: { type: 'method_not_allowed', method, path: url.pathname } }
          : { problem: { type: 'path_not_found', path: url.pathname } },
      );
    },
  };
}

type Outcome = JsonObject | { readonly problem: Problem };

function respond(outcome: Outcome): WholeResponse {
  if (!('problem' in outcome)) return jsonResponse(outcome);
  return errorResponse(wireError(outcome['problem'] as Problem), 'req_sim_control');
}

function wrong(path: string, reason: string): { readonly problem: Problem } {
  return { problem: { type: 'field_wrong', path, reason } };
}

function addFaults(simulator: Simulator, body: Uint8Array | null): Outcome {
  const value = parsed(body);
  if (value === undefined) return { problem: { type: 'not_json', reason: 'expected a fault rule or a list of them' } };
  const reading = readFaultRules(value);
  if (reading.type === 'mistake') return wrong(reading.path, reading.reason);
  simulator.addFaults(reading.rules);
  return { data: simulator.faults().map(showFault) };
}

const MOST_REQUESTS_SHOWN = 1000;

function readLedger(simulator: Simulator, query: URLSearchParams): Outcome {
  const limit = Number(query.get('limit') ?? MOST_REQUESTS_SHOWN);
  if (!Number.isInteger(limit) || limit < 1) return wrong('limit', 'Input should be greater than or equal to 1');
  return showLedger(simulator.ledger(), limit);
}

function listRequests(simulator: Simulator, query: URLSearchParams): Outcome {
  const after = Number(query.get('after') ?? 0);
  const limit = Number(query.get('limit') ?? MOST_REQUESTS_SHOWN);
  if (!Number.isInteger(after) || after < 0) return wrong('after', 'Input should be the number of a request');
  if (!Number.isInteger(limit) || limit < 1) return wrong('limit', 'Input should be greater than or equal to 1');
  const entries = simulator.requests(after);
  return { data: entries.slice(0, limit).map(showRequest), has_more: entries.length > limit };
}

function showRequest(entry: Readonly<LoggedRequest>): JsonObject {
  const { body } = entry;
  const isText = body !== null && isUtf8(body);
  return {
    number: entry.number,
    at_ms: entry.atMs,
    method: entry.method,
    path: entry.path,
    headers: entry.headers,
    custom_id: entry.customId,
    request_id: entry.requestId,
    status: entry.status,
    outcome: entry.outcome,
    body_bytes: entry.bodyBytes,
    // Valid UTF-8 comes back as the very same bytes; anything else would not, and is shown in base64.
    body: isText ? Buffer.from(body).toString('utf8') : null,
    ...(body !== null && !isText && { body_base64: Buffer.from(body).toString('base64') }),
  };
}

function showClock(simulator: Simulator, clock: Clock, driver: ClockDriver | null): JsonObject {
  return {
    mode: driver === null ? 'real' : 'virtual',
    now_ms: clock.now(),
    auto: driver?.isAuto ?? false,
    next_event_ms: driver?.nextAt() ?? null,
    in_flight: simulator.inFlightCount,
  };
}

/** The longest step: retention and a little, so that a slip of the finger does not leave the calendar. */
const LONGEST_ADVANCE_MS = 366 * 24 * 60 * 60 * 1000;

async function moveClock(driver: ClockDriver | null, body: Uint8Array | null): Promise<Outcome | null> {
  if (driver === null) return wrong('clock', 'The simulator runs on the real clock, which cannot be moved.');
  const value = parsed(body);
  if (!isJsonObject(value))
    return { problem: { type: 'not_json', reason: 'expected {"advance_ms": n} or {"auto": true}' } };
  const { advance_ms: advanceMs, auto } = value;
  if (auto === undefined && advanceMs === undefined) return { problem: { type: 'field_missing', path: 'advance_ms' } };
  if (auto !== undefined && typeof auto !== 'boolean') return wrong('auto', 'Input should be a valid boolean');
  if (advanceMs !== undefined && !isStep(advanceMs)) {
    return wrong('advance_ms', `Input should be a number from 0 to ${LONGEST_ADVANCE_MS}`);
  }
  if (auto !== undefined) driver.setAuto(auto);
  if (isStep(advanceMs)) await driver.advance(advanceMs);
  return null;
}

function isStep(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LONGEST_ADVANCE_MS;
}

function parsed(body: Uint8Array | null): unknown {
  if (body === null || body.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    // Every caller answers undefined with an error that says what it expected.
    return undefined;
  }
}
