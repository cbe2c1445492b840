import { avalanche, mix } from './digest';
import {
  FIRST_BLOCKS,
  MAXIMUM_BLOCKS,
  PROMPT_BLOCK_BYTES,
  PROMPT_WINDOW,
  REQUEST_MODELS,
  TIER_BLOCKS,
  WAITING_BLOCK_BYTES,
  WAITING_BLOCKS,
} from './layout';
import { forgetModels } from './model-names';
import {
  blockDocumentBytes,
  blockDocuments,
  blockHash,
  blockImages,
  blockIsMarkable,
  blockMarker,
  blockTextBytes,
} from './prompt-block';
import { Marker } from './prompt-marker';
import { areRequestsNoted, noteToolSet } from './request-notes';

/**
 * Blocks on their way to the host. Params may name messages before system and tools, so the blocks of a prompt wait by
 * tier until the item that holds it has ended; then they are chained in the order they are rendered, and lie in the
 * window until the host takes them, after every piece it feeds.
 *
 *   waiting: hash u64 | text bytes u32 | document bytes u32 | documents u16, images u16 | traits u32
 *   window:  hash f64 | text bytes u32 | document bytes u32 | documents u16, images u16 | traits u32
 */

export const enum Tier {
  Tools,
  System,
  Messages,
}

/** As `BLOCK_TRAITS` of the core. */
const MARKED_5M: u32 = 1;
const MARKED_1H: u32 = 2;
const MARKABLE: u32 = 4;

const COUNT_MAXIMUM: u32 = 0xffff;
const TRAITS: usize = 20;
/** A hash's bits that a float holds exactly. */
const HASH_SHIFT: u64 = 11;

let waitingTools: i32 = 0;
let waitingSystem: i32 = 0;
let waitingMessages: i32 = 0;
let isCut: bool = false;

/** Of the batch, and of those the ones the host has not taken. */
let noted: i32 = 0;
let inWindow: i32 = 0;
let forgotten: bool = false;

let chain: u64 = 0;
let lastMarkable: usize = 0;

/** Forgets the blocks of all requests. The host is told, since it may have taken some. */
export function forgetBlocks(): void {
  noted = 0;
  inWindow = 0;
  forgotten = true;
  store<u32>(FIRST_BLOCKS, 0);
  forgetModels();
}

export function takeBlocks(): i32 {
  const taken = inWindow;
  inWindow = 0;
  return taken;
}

/** Whether what the host took until now is void. */
export function takeForgotten(): bool {
  const answer = forgotten;
  forgotten = false;
  return answer;
}

export function clearWaiting(): void {
  waitingTools = 0;
  waitingSystem = 0;
  waitingMessages = 0;
}

export function waitingBlocks(tier: Tier): i32 {
  return tier == Tier.Tools ? waitingTools : tier == Tier.System ? waitingSystem : waitingMessages;
}

/** Forgets what waits in a tier beyond the first `count` blocks. */
export function cutWaiting(tier: Tier, count: i32): void {
  if (tier == Tier.Tools) waitingTools = count;
  else if (tier == Tier.System) waitingSystem = count;
  else waitingMessages = count;
}

/** Adds the block that was read last. What does not fit is counted, and so cuts the prompt off there. */
export function addWaiting(tier: Tier): void {
  const index = waitingBlocks(tier);
  cutWaiting(tier, index + 1);
  if (index >= TIER_BLOCKS) return;
  const at = waitingAddress(tier, index);
  store<u64>(at, blockHash());
  store<u32>(at, blockTextBytes(), 8);
  store<u32>(at, blockDocumentBytes(), 12);
  store<u16>(at, <u16>min(blockDocuments(), COUNT_MAXIMUM), 16);
  store<u16>(at, <u16>min(blockImages(), COUNT_MAXIMUM), 18);
  store<u32>(at, (blockIsMarkable() ? MARKABLE : 0) | markerTrait(blockMarker()), TRAITS);
}

/** Works `first` into the hash of the message block that waits at `from`, and `each` into all from there on. */
export function stampMessages(from: i32, first: u64, each: u64): void {
  const end = min(waitingMessages, TIER_BLOCKS);
  for (let i = from; i < end; i++) {
    const at = waitingAddress(Tier.Messages, i);
    const hash = mix(load<u64>(at), each);
    store<u64>(at, i == from ? mix(hash, first) : hash);
  }
}

/** The blocks that wait are the prompt of `request`. Each tier has its salt. */
export function releaseBlocks(
  request: i32,
  model: i32,
  root: u64,
  system: u64,
  messages: u64,
  automatic: Marker,
): void {
  if (areRequestsNoted()) noteTools(request, root);
  chain = root;
  lastMarkable = 0;
  isCut = false;
  releaseTier(Tier.Tools, waitingTools);
  chain = mix(chain, system);
  releaseTier(Tier.System, waitingSystem);
  chain = mix(chain, messages);
  releaseTier(Tier.Messages, waitingMessages);
  if (!isCut && lastMarkable != 0) markAutomatically(automatic);
  store<u32>(FIRST_BLOCKS + ((<usize>request + 1) << 2), noted);
  store<u8>(REQUEST_MODELS + request, model);
}

/** Of two prompts with the same tools in another order nothing is shared; here it shows that they have the same. */
function noteTools(request: i32, root: u64): void {
  const count = min(waitingTools, TIER_BLOCKS);
  let sum: u64 = 0;
  for (let i: i32 = 0; i < count; i++) sum += avalanche(load<u64>(waitingAddress(Tier.Tools, i)));
  noteToolSet(request, <f64>(avalanche(mix(root, sum)) >> HASH_SHIFT), count);
}

function releaseTier(tier: Tier, count: i32): void {
  for (let i: i32 = 0; i < count && !isCut; i++) {
    isCut = i == TIER_BLOCKS || noted == MAXIMUM_BLOCKS;
    if (!isCut) releaseBlock(waitingAddress(tier, i));
  }
}

function releaseBlock(from: usize): void {
  const to = PROMPT_WINDOW + <usize>inWindow * PROMPT_BLOCK_BYTES;
  chain = mix(chain, load<u64>(from));
  store<f64>(to, <f64>(avalanche(chain) >> HASH_SHIFT));
  store<u64>(to, load<u64>(from, 8), 8);
  store<u64>(to, load<u64>(from, 16), 16);
  if (load<u32>(from, TRAITS) & MARKABLE) lastMarkable = to;
  inWindow++;
  noted++;
}

/** The marker at the top of params stands for one on the last block that can carry one, unless that has its own. */
function markAutomatically(marker: Marker): void {
  const traits = load<u32>(lastMarkable, TRAITS);
  if ((traits & (MARKED_5M | MARKED_1H)) == 0) store<u32>(lastMarkable, traits | markerTrait(marker), TRAITS);
}

function markerTrait(marker: Marker): u32 {
  return marker == Marker.None ? 0 : marker == Marker.OneHour ? MARKED_1H : MARKED_5M;
}

function waitingAddress(tier: Tier, index: i32): usize {
  return WAITING_BLOCKS + <usize>(<i32>tier * TIER_BLOCKS + index) * WAITING_BLOCK_BYTES;
}
