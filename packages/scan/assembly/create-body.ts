import { beginCapture, capturedBytes, captureOverflowed, decodeIdentifier, endCapture, isCapturing } from './capture';
import { BRACE_OPEN, BRACKET_OPEN, QUOTE } from './characters';
import { addId, clearIds, nextIdAddress } from './custom-id-set';
import {
  BODY_EXTRA_CAPTURE,
  CUSTOM_ID_CAPTURE,
  CUSTOM_ID_CHARACTERS,
  ITEM_EXTRA_CAPTURE,
  DECODED_KEY,
  KEY_CAPTURE,
  MAXIMUM_REQUESTS,
  PARAMS_BYTES,
  PARAMS_OFFSETS,
} from './layout';
import { ITEM_DEPTH } from './observer';
import { beginPrompt, releasePrompt } from './prompt';
import { forgetBlocks } from './prompt-blocks';
import { watchTo } from './watched-depth';

/**
 * What a create body says, gathered while it streams by. Depths: 0 the body, 1 its keys, 2 the items of `requests`,
 * 3 an item's keys; what lies deeper in a `params` is the prompt's.
 *
 * Of keys given twice the last counts, as `JSON.parse` has it, so nothing is concluded before its container ends: an
 * item is judged when its object ends, and a second `requests` forgets all that the first one held.
 */

/** What is wrong with the first item that is not right, in the order in which an item's faults are looked for. */
export const enum ItemFault {
  None,
  NotAnObject,
  CustomIdMissing,
  CustomIdNotAString,
  /** Empty, too long or of other characters; the captured bytes tell which. */
  CustomIdRefused,
  ParamsMissing,
  ParamsNotAnObject,
  ExtraKey,
}

const enum Role {
  /** Of no interest, or not expected at this point. */
  None,
  Requests,
  CustomId,
  Params,
}

/** The keys of the API as the bytes of little-endian numbers: `requests`, `custom_i` `d`, `para` `ms`. */
const REQUESTS: u64 = 0x7374736575716572;
const CUSTOM_I: u64 = 0x695f6d6f74737563;
const LETTER_D: u8 = 0x64;
const PARA: u32 = 0x61726170;
const MS: u16 = 0x736d;
const LONGEST_KEY_CHARACTERS: u32 = 9;

/** -1 in place of a custom_id's length. */
const REFUSED: i32 = -1;
/** What an absent value has for a first byte. */
const ABSENT: u32 = 0;

let role: Role = Role.None;
let inRequests: bool = false;
let inItem: bool = false;

let promptSeed: u64 = 0;

let bodyByte: u32 = ABSENT;
let requestsByte: u32 = ABSENT;
let items: i32 = 0;
let recorded: i32 = 0;
let fault: ItemFault = ItemFault.None;
let faultItem: i32 = 0;

let itemByte: u32 = ABSENT;
let customIdByte: u32 = ABSENT;
let customIdLength: i32 = 0;
let customIdRawBytes: u32 = 0;
let customIdOverflowed: bool = false;
let paramsByte: u32 = ABSENT;
let paramsBegin: f64 = 0;
let paramsEnd: f64 = 0;
/** Captured bytes of the first extra key of the item and of the body; -1 while there is none. */
let itemExtraBytes: i32 = -1;
let bodyExtraBytes: i32 = -1;

/** `seed` stands for what all prompts of the body have in common without its saying so. */
export function beginBody(seed: u64): void {
  promptSeed = seed;
  role = Role.None;
  inRequests = false;
  inItem = false;
  bodyByte = ABSENT;
  requestsByte = ABSENT;
  bodyExtraBytes = -1;
  endCapture();
  forgetItems();
}

export function bodyFirstByte(): u32 {
  return bodyByte;
}
export function requestsFirstByte(): u32 {
  return requestsByte;
}
export function itemCount(): i32 {
  return items;
}
/** Requests recorded; all of them, unless the body will be refused. */
export function recordedCount(): i32 {
  return recorded;
}
export function itemFault(): ItemFault {
  return fault;
}
export function faultItemIndex(): i32 {
  return faultItem;
}
/** Bytes in `CUSTOM_ID_CAPTURE` when the fault is `CustomIdRefused`. */
export function refusedIdBytes(): u32 {
  return customIdRawBytes;
}
export function refusedIdOverflowed(): bool {
  return customIdOverflowed;
}
/** Bytes in `ITEM_EXTRA_CAPTURE` when the fault is `ExtraKey`. */
export function itemExtraKeyBytes(): i32 {
  return itemExtraBytes;
}
/** Bytes in `BODY_EXTRA_CAPTURE`; -1 when the body has no extra key. */
export function bodyExtraKeyBytes(): i32 {
  return bodyExtraBytes;
}
export function keyBegins(depth: i32): void {
  if (depth == 1 || (depth == 3 && inItem)) beginCapture(KEY_CAPTURE);
}

export function keyEnds(depth: i32): void {
  if (!isCapturing()) return;
  endCapture();
  if (depth == 1) bodyKeyEnds();
  else itemKeyEnds();
}

export function valueBegins(depth: i32, offset: f64, c: u32): void {
  if (depth == 3) {
    if (inItem) itemValueBegins(offset, c);
  } else if (depth == 2) {
    if (inRequests) itemBegins(c);
  } else if (depth == 1) bodyValueBegins(c);
  else bodyByte = c;
}

export function valueEnds(depth: i32, offset: f64): void {
  if (depth == 3) {
    if (inItem) itemValueEnds(offset);
  } else if (depth == 2) {
    if (inRequests) itemEnds();
  } else inRequests = false;
}

function bodyKeyEnds(): void {
  role = bodyRole();
  if (role == Role.None && bodyExtraBytes < 0) bodyExtraBytes = keepKey(BODY_EXTRA_CAPTURE);
}

function itemKeyEnds(): void {
  role = itemRole();
  if (role == Role.None && itemExtraBytes < 0 && fault == ItemFault.None) itemExtraBytes = keepKey(ITEM_EXTRA_CAPTURE);
}

/** What the captured key asks for, were it a key of the body. Keys may be spelled with escapes. */
function bodyRole(): Role {
  const length = decodeKey();
  return length == 8 && load<u64>(DECODED_KEY) == REQUESTS ? Role.Requests : Role.None;
}

function itemRole(): Role {
  const length = decodeKey();
  if (length == 9 && load<u64>(DECODED_KEY) == CUSTOM_I && load<u8>(DECODED_KEY, 8) == LETTER_D) return Role.CustomId;
  if (length == 6 && load<u32>(DECODED_KEY) == PARA && load<u16>(DECODED_KEY, 4) == MS) return Role.Params;
  return Role.None;
}

function decodeKey(): i32 {
  return decodeIdentifier(KEY_CAPTURE, capturedBytes(), DECODED_KEY, LONGEST_KEY_CHARACTERS);
}

function keepKey(target: usize): i32 {
  memory.copy(target, KEY_CAPTURE, capturedBytes());
  return capturedBytes();
}

function bodyValueBegins(c: u32): void {
  if (role != Role.Requests) return;
  role = Role.None;
  forgetItems();
  requestsByte = c;
  inRequests = c == BRACKET_OPEN;
}

function forgetItems(): void {
  clearIds();
  forgetBlocks();
  recorded = 0;
  items = 0;
  fault = ItemFault.None;
}

function itemBegins(c: u32): void {
  itemByte = c;
  inItem = c == BRACE_OPEN;
  customIdByte = ABSENT;
  paramsByte = ABSENT;
  // What describes the first faulty item must outlive it.
  if (fault == ItemFault.None) itemExtraBytes = -1;
}

function itemValueBegins(offset: f64, c: u32): void {
  if (role == Role.CustomId) {
    customIdByte = c;
    if (c == QUOTE && fault == ItemFault.None) beginCapture(CUSTOM_ID_CAPTURE);
  } else if (role == Role.Params) {
    paramsByte = c;
    paramsBegin = offset;
    if (c == BRACE_OPEN) beginPrompt();
  }
}

function itemValueEnds(offset: f64): void {
  if (isCapturing()) customIdEnds();
  else if (role == Role.Params) paramsEnds(offset);
  role = Role.None;
}

function paramsEnds(offset: f64): void {
  paramsEnd = offset;
  watchTo(ITEM_DEPTH);
}

function customIdEnds(): void {
  endCapture();
  customIdRawBytes = capturedBytes();
  customIdOverflowed = captureOverflowed();
  customIdLength = customIdOverflowed
    ? REFUSED
    : decodeIdentifier(CUSTOM_ID_CAPTURE, customIdRawBytes, nextIdAddress(), CUSTOM_ID_CHARACTERS);
}

function itemEnds(): void {
  inItem = false;
  if (items < MAXIMUM_REQUESTS && fault == ItemFault.None) {
    fault = faultOfItem();
    if (fault != ItemFault.None) faultItem = items;
    else record();
  }
  items++;
}

function faultOfItem(): ItemFault {
  if (itemByte != BRACE_OPEN) return ItemFault.NotAnObject;
  if (customIdByte == ABSENT) return ItemFault.CustomIdMissing;
  if (customIdByte != QUOTE) return ItemFault.CustomIdNotAString;
  if (customIdLength <= 0) return ItemFault.CustomIdRefused;
  if (paramsByte == ABSENT) return ItemFault.ParamsMissing;
  if (paramsByte != BRACE_OPEN) return ItemFault.ParamsNotAnObject;
  return itemExtraBytes >= 0 ? ItemFault.ExtraKey : ItemFault.None;
}

function record(): void {
  addId(customIdLength);
  store<u32>(PARAMS_OFFSETS + ((<usize>items) << 2), <u32>paramsBegin);
  store<u32>(PARAMS_BYTES + ((<usize>items) << 2), <u32>(paramsEnd - paramsBegin));
  releasePrompt(recorded, promptSeed);
  recorded++;
}
