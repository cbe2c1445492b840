import { LIMITS, type Problem } from '@batchwright/protocol';
import type { ScannerInstance } from './scanner-module.ts';
import { NESTING_LIMIT } from './scanner.ts';
import { textOf } from './runtime.ts';
import { unfinishedBytes } from './utf8-check.ts';

/** Reasons by the number of `Fault` in `assembly/fault.ts`; 0 is none. */
const FAULT_REASONS = [
  '',
  'unexpected character',
  'control character inside a string',
  'invalid escape sequence',
  'invalid number',
  'invalid literal',
  `nested deeper than ${NESTING_LIMIT} levels`,
] as const;

const OBJECT = 0x7b;
const ARRAY = 0x5b;
const ABSENT = 0;

/** A body that is no JSON because of the byte at `offset`. */
export function faultProblem(fault: number, offset: number): Problem {
  const reason = FAULT_REASONS[fault];
  if (reason === undefined) throw new Error(`The scanner answered fault ${fault}, which has no words.`);
  return { type: 'not_json', reason: `${reason} at byte ${offset}` };
}

export function utf8Problem(offset: number): Problem {
  return { type: 'not_json', reason: `invalid UTF-8 at byte ${offset}` };
}

export function unfinishedProblem(bytes: number): Problem {
  const reason = bytes === 0 ? 'the body is empty' : `the body ends at byte ${bytes}, before its JSON does`;
  return { type: 'not_json', reason };
}

/**
 * What is wrong with a body that is JSON, or null. The first that applies, in this order: the body is no object;
 * `requests` is missing, no array, empty, too long; the first item that is not right; a custom_id used twice; a key that
 * the API does not know beside `requests`.
 */
export function contentProblem(scanner: ScannerInstance): Problem | null {
  const { exports } = scanner;
  if (exports.bodyFirstByte() !== OBJECT) return { type: 'field_wrong', path: '', reason: 'Input should be an object' };
  return requestsProblem(scanner) ?? itemProblem(scanner) ?? duplicateProblem(scanner) ?? extraKeyProblem(scanner);
}

function requestsProblem({ exports }: ScannerInstance): Problem | null {
  const first = exports.requestsFirstByte();
  const count = exports.itemCount();
  if (first === ABSENT) return { type: 'field_missing', path: 'requests' };
  if (first !== ARRAY) return { type: 'field_wrong', path: 'requests', reason: 'Input should be a valid array' };
  if (count === 0) return { type: 'requests_empty' };
  return count > LIMITS.batchRequests ? { type: 'requests_too_many', count } : null;
}

/** By the number of `ItemFault` in `assembly/create-body.ts`. Within an item: custom_id, then params, then extra keys. */
function itemProblem(scanner: ScannerInstance): Problem | null {
  const index = scanner.exports.faultItemIndex();
  const item = `requests.${index}`;
  switch (scanner.exports.itemFault()) {
    case 0:
      return null;
    case 1:
      return { type: 'field_wrong', path: item, reason: 'Input should be an object' };
    case 2:
      return { type: 'field_missing', path: `${item}.custom_id` };
    case 3:
      return { type: 'field_wrong', path: `${item}.custom_id`, reason: 'Input should be a valid string' };
    case 4:
      return refusedIdProblem(scanner, index);
    case 5:
      return { type: 'field_missing', path: `${item}.params` };
    case 6:
      return { type: 'field_wrong', path: `${item}.params`, reason: 'Input should be an object' };
    case 7:
      return { type: 'field_extra', path: `${item}.${itemExtraKey(scanner)}` };
    default:
      throw new Error(`The scanner answered item fault ${scanner.exports.itemFault()}, which has no words.`);
  }
}

/** Characters are counted as the API counts them: code points of what the string spells. */
function refusedIdProblem(scanner: ScannerInstance, index: number): Problem {
  const { exports } = scanner;
  const raw = captured(scanner, exports.CUSTOM_ID_CAPTURE.value, exports.refusedIdBytes());
  if (raw.length === 0) return { type: 'custom_id_empty', index };
  const characters = exports.refusedIdOverflowed() ? Infinity : [...spelled(raw)].length;
  return { type: characters > LIMITS.customIdCharacters ? 'custom_id_too_long' : 'custom_id_pattern', index };
}

function duplicateProblem(scanner: ScannerInstance): Problem | null {
  const { exports } = scanner;
  const bytes = exports.findDuplicateId();
  if (bytes === 0) return null;
  const id = captured(scanner, exports.CUSTOM_IDS.value + exports.duplicateIdOffset(), bytes);
  return { type: 'custom_id_duplicate', customId: textOf(id) };
}

function extraKeyProblem(scanner: ScannerInstance): Problem | null {
  const bytes = scanner.exports.bodyExtraKeyBytes();
  if (bytes < 0) return null;
  return { type: 'field_extra', path: spelled(captured(scanner, scanner.exports.BODY_EXTRA_CAPTURE.value, bytes)) };
}

function itemExtraKey(scanner: ScannerInstance): string {
  const { exports } = scanner;
  return spelled(captured(scanner, exports.ITEM_EXTRA_CAPTURE.value, exports.itemExtraKeyBytes()));
}

function captured({ memory }: ScannerInstance, address: number, bytes: number): Uint8Array {
  return memory.subarray(address, address + bytes);
}

/** An escape sequence takes 6 bytes, so no more need to go before a string that was cut inside one is whole again. */
const LONGEST_CUT_BYTES = 5;

/** What the raw bytes of a string spell. A string longer than its capture is cut there, perhaps inside a character. */
function spelled(raw: Uint8Array): string {
  const whole = raw.length - unfinishedBytes(raw);
  for (let cut = 0; cut <= LONGEST_CUT_BYTES; cut++) {
    try {
      return JSON.parse(`"${textOf(raw.subarray(0, whole - cut))}"`) as string;
    } catch {
      // The cut went through an escape sequence: one byte less may not.
    }
  }
  throw new Error('The scanner captured a string that no cut makes whole.');
}
