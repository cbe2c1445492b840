/**
 * Checks one request by itself, before anything is sent. What is wrong is said in the words of the API, with where it came
 * from, the value that is wrong, and what helps.
 */
import { CUSTOM_ID_PATTERN, LIMITS, wireError, type Problem } from '@batchwright/protocol';
import { BodyScanner, outline, parseSpan, type Outline, type Span } from '@batchwright/scan';
import { joinedBytes } from '../service/joined-bytes.ts';
import { BODY_CLOSE, BODY_OPEN } from './body-frame.ts';
import type { BulkRequest } from './bulk-request.ts';

/** A request that can be run. */
export interface CheckedRequest {
  readonly type: 'request';
  readonly customId: string;
  /** Exactly one JSON object on one line, without anything around it. */
  readonly line: Uint8Array;
}

/** A request that cannot, and why, in one line. */
export interface RequestFault {
  readonly type: 'fault';
  readonly message: string;
}

/** Checks a request; `number`, from 0, names one that does not say where it came from. */
export function checkRequest(request: BulkRequest, number: number): CheckedRequest | RequestFault {
  const origin = originOf(request, number);
  const line = lineOf(request);
  if (typeof line === 'string') return fault(origin, line);
  const found = outline(line);
  if (found === null) return fault(origin, whyNoObject(line));
  if (found.hasNewlines) return fault(origin, 'The request has line breaks in it. Put it on one line.');
  const customId = readCustomId(line, found);
  if (typeof customId !== 'string') return fault(origin, customId.reason);
  const reason = paramsReason(found) ?? depthReason(line);
  if (reason !== null) return fault(origin, reason);
  return { type: 'request', customId, line: line.subarray(found.start, found.end) };
}

/** The custom_id of a line that was checked before; null: it is none. */
export function customIdOf(line: Uint8Array): string | null {
  const found = outline(line);
  const customId = found === null ? null : readCustomId(line, found);
  return typeof customId === 'string' ? customId : null;
}

/** Where a request came from, for people. */
export function originOf(request: BulkRequest, number: number): string {
  return 'line' in request ? request.origin : `request ${number + 1}`;
}

/** A fault at a place, as one line. */
export function fault(origin: string, reason: string): RequestFault {
  return { type: 'fault', message: `${origin}: ${reason}` };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const SHAPE = '{"custom_id":…,"params":{…}}';

/** The line, or why there is none. */
function lineOf(request: BulkRequest): Uint8Array | string {
  if ('line' in request) return request.line;
  try {
    const text: unknown = JSON.stringify(request);
    return typeof text === 'string' ? encoder.encode(text) : `It has no form in JSON. A request is ${SHAPE}.`;
  } catch (error) {
    return `It has no form in JSON (${(error as Error).message}). A request is ${SHAPE}.`;
  }
}

interface Refused {
  readonly reason: string;
}

function readCustomId(line: Uint8Array, found: Outline): string | Refused {
  const span = found.find('custom_id');
  if (span === null) {
    return { reason: `${words({ type: 'field_missing', path: 'custom_id' })}. Give every request an id of its own.` };
  }
  if (span.kind !== 'string') {
    const problem = words({ type: 'field_wrong', path: 'custom_id', reason: 'Input should be a valid string' });
    return { reason: `${problem}, not ${shortened(decoder.decode(line.subarray(span.start, span.end)))}.` };
  }
  const customId = plainId(line, span) ?? (parseSpan(line, span) as string);
  return PATTERN.test(customId) ? customId : { reason: whyRefused(customId) };
}

const PATTERN = new RegExp(CUSTOM_ID_PATTERN);
const BACKSLASH = 0x5c;
const LAST_ASCII = 0x7f;

/** What most ids spell, which is what stands there: three times as fast as decoding and parsing so little. */
function plainId(line: Uint8Array, { start, end }: Span): string | null {
  if (end - start - 2 > LIMITS.customIdCharacters) return null;
  let id = '';
  for (let at = start + 1; at < end - 1; at++) {
    const unit = line[at] as number;
    if (unit === BACKSLASH || unit > LAST_ASCII) return null;
    id += String.fromCharCode(unit);
  }
  return id;
}

function whyRefused(customId: string): string {
  if (customId === '') return `${words({ type: 'custom_id_empty', index: 0 })}. Give every request an id of its own.`;
  const characters = [...customId].length;
  if (characters > LIMITS.customIdCharacters) {
    const problem = words({ type: 'custom_id_too_long', index: 0 });
    return `${problem}; ${shortened(JSON.stringify(customId))} has ${characters}. Shorten it.`;
  }
  const problem = words({ type: 'custom_id_pattern', index: 0 });
  return `${problem}; it is ${shortened(JSON.stringify(customId))}. Use letters, digits, "_" and "-".`;
}

function paramsReason(found: Outline): string | null {
  const span = found.find('params');
  if (span === null) return `${words({ type: 'field_missing', path: 'params' })}. A request is ${SHAPE}.`;
  if (span.kind !== 'object') {
    const problem = words({ type: 'field_wrong', path: 'params', reason: 'Input should be an object' });
    return `${problem}. A request is ${SHAPE}.`;
  }
  const extra = found.keys().find((key) => key !== 'custom_id' && key !== 'params');
  if (extra !== undefined) {
    const problem = words({ type: 'field_extra', path: shortened(extra) });
    return `${problem}. A request is ${SHAPE} and nothing else.`;
  }
  const bytes = span.end - span.start;
  if (bytes <= LIMITS.messageBodyBytes) return null;
  return `params: ${bytes} bytes; the API takes at most ${LIMITS.messageBodyBytes}. Leave something out or cut it in two.`;
}

/** Fewer bytes than this cannot be nested too deep. */
const DEEP_BYTES = 19_000;

/** A body is nested two levels more than its requests. */
function depthReason(line: Uint8Array): string | null {
  if (line.length < DEEP_BYTES) return null;
  const body = joinedBytes([BODY_OPEN, line, BODY_CLOSE]);
  return outline(body) === null ? 'The request is nested too deep for the body of a batch. Flatten it.' : null;
}

/** The API counts requests of a batch; here their origin says which it is. */
function words(problem: Problem): string {
  return wireError(problem).message.replace(/^requests\.\d+\./, '');
}

/** Made when the first fault asks for it: most runs have none. */
let faultFinder: BodyScanner | null = null;

/** The same pass as a server's, over the line alone, says where it goes wrong. */
function whyNoObject(line: Uint8Array): string {
  if (decoder.decode(line).trim() === '') return `The line is empty. Every line is a request: ${SHAPE}.`;
  const scanner = (faultFinder ??= new BodyScanner(1, FINDER_BYTES));
  const problem = scanLine(scanner, line);
  if (problem?.type === 'not_json') {
    return `Not valid JSON: ${problem.reason.replace('the body', 'the line')}${around(line, problem.reason)}. A request is ${SHAPE}.`;
  }
  return `Input should be an object, not ${shortened(decoder.decode(line))}. A request is ${SHAPE}.`;
}

const FINDER_BYTES = 65_536;

function scanLine(scanner: BodyScanner, line: Uint8Array): Problem | null {
  const [block] = scanner.blocks;
  scanner.begin((count) => new Uint8Array(count), 0n);
  for (let at = 0; block !== undefined && at < line.length; at += FINDER_BYTES) {
    const piece = line.subarray(at, at + FINDER_BYTES);
    block.set(piece);
    const problem = scanner.feed(block.subarray(0, piece.length));
    if (problem !== null) return problem;
  }
  const verdict = scanner.finish();
  return verdict.type === 'refused' ? verdict.problem : null;
}

const SHOWN_BEFORE = 20;
const SHOWN_AFTER = 12;

/** What stands where a reason says, so that nobody has to count. */
function around(line: Uint8Array, reason: string): string {
  const offset = Number(/at byte (\d+)$/.exec(reason)?.[1] ?? NaN);
  if (Number.isNaN(offset)) return '';
  const text = decoder.decode(line.subarray(Math.max(0, offset - SHOWN_BEFORE), offset + SHOWN_AFTER));
  return `, in ${visible(text)}`;
}

const SHOWN_CHARACTERS = 80;

function shortened(text: string): string {
  const characters = [...text];
  return visible(characters.length <= SHOWN_CHARACTERS ? text : `${characters.slice(0, SHOWN_CHARACTERS).join('')}…`);
}

/** A message is one line, and a terminal shall not obey it. */
function visible(text: string): string {
  return text.replace(/\p{C}/gu, '\u{FFFD}');
}
