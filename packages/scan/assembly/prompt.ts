import { beginCapture, endCapture, isCapturing } from './capture';
import { BRACE_OPEN, BRACKET_OPEN, QUOTE } from './characters';
import { abandonDigest, beginDigest, endDigest, endWholeNumber, mix } from './digest';
import { KEY_CAPTURE, REQUEST_TRAITS } from './layout';
import { beginModel, clearModel, endModel, modelNumber } from './model-names';
import {
  beginBlock,
  beginScalarBlock,
  blockKeyBegins,
  blockKeyEnds,
  blockValueBegins,
  blockValueEnds,
  clearFindings,
  endBlock,
  endOpaqueBlock,
  endTextBlock,
  hasCitations,
  hasImages,
  wordHash,
} from './prompt-block';
import {
  addWaiting,
  clearWaiting,
  cutWaiting,
  releaseBlocks,
  stampMessages,
  Tier,
  waitingBlocks,
} from './prompt-blocks';
import {
  abandonMarker,
  beginMarker,
  isMarkerOpen,
  Marker,
  markerRead,
  markerValueBegins,
  markerValueEnds,
} from './prompt-marker';
import { capturedKeyIdentity, clearSalts, rootSalt, salt } from './prompt-salts';
import { noteMaxTokens } from './request-notes';
import { beginTraits, paramsKeyRead, promptKeyRead, toolKeyRead, traitsRead } from './request-traits';
import { EVERY_DEPTH, watchTo } from './watched-depth';
import { capturedWord, Word } from './words';

/**
 * The prompt in one `params`, noted while it streams by: its blocks, and what else decides how they are rendered. Depths:
 * 4 the keys of params; 5 tools, system blocks and messages; 6 their keys; 7 the blocks of a message; 8 their keys.
 *
 * Of keys given twice the last counts: a second `messages` forgets the blocks of the first. Values of a kind that the API
 * refuses make no blocks, but always make a difference.
 */

const PARAMS_DEPTH: i32 = 4;
const ELEMENT_DEPTH: i32 = 5;
const MESSAGE_DEPTH: i32 = 6;
const CONTENT_DEPTH: i32 = 7;

/** No answer is longer; and ten times as much still fits a number. */
const MAX_TOKENS_LIMIT: u32 = 100000000;

/** What is open, innermost. */
const enum Scope {
  Params,
  /** The list of messages. */
  Messages,
  Message,
  /** A list of blocks. */
  Blocks,
  Block,
  /** A string in place of a list of blocks. */
  Text,
  /** An element of a list of blocks that is none. */
  OpaqueBlock,
  OpaqueMessage,
}

let scope: Scope = Scope.Params;
/** The tier being read, and how deep its blocks lie, or the string in place of them. */
let tier: Tier = Tier.Tools;
let blockDepth: i32 = 0;

/** The member of params or of a message being read, and its key: as spelled, and whatever the spelling. */
let member: Word = Word.Other;
let memberKey: u64 = 0;
let memberIdentity: u64 = 0;
/** The key in the marker of params. */
let markerKey: Word = Word.Other;

let automatic: Marker = Marker.None;
let toolChoice: u64 = 0;
let speed: u64 = 0;
let maxTokens: u32 = 0;

/** Of the message being read: its first block, and all that it says besides its blocks. */
let firstOfMessage: i32 = 0;
let header: u64 = 0;
/** What messages without blocks said; it counts for the next block. */
let headersBefore: u64 = 0;

/** The value of `params` begins, an object. */
export function beginPrompt(): void {
  scope = Scope.Params;
  automatic = Marker.None;
  toolChoice = 0;
  speed = 0;
  maxTokens = 0;
  headersBefore = 0;
  abandonMarker();
  clearWaiting();
  clearSalts();
  clearModel();
  clearFindings();
  beginTraits();
  watchTo(PARAMS_DEPTH);
}

/** The prompt read last is that of `request`. `seed` stands for what else all prompts of the batch have in common. */
export function releasePrompt(request: i32, seed: u64): void {
  const root = mix(seed, rootSalt());
  const system = mix(speed, hasCitations() ? 1 : 0);
  const messages = mix(toolChoice, hasImages() ? 1 : 0);
  releaseBlocks(request, modelNumber(), root, system, messages, automatic);
  noteMaxTokens(request, maxTokens);
  store<u8>(REQUEST_TRAITS + request, <u8>traitsRead(maxTokens));
}

export function keyBegins(depth: i32, offset: f64, at: usize): void {
  beginCapture(KEY_CAPTURE);
  if (scope == Scope.Block) blockKeyBegins(depth, offset, at);
  else if (scope <= Scope.Message && !isMarkerOpen()) beginDigest(at);
}

export function keyEnds(depth: i32, offset: f64, at: usize): void {
  endCapture();
  if (scope > Scope.Block) return;
  const word = capturedWord(KEY_CAPTURE);
  if (scope == Scope.Block) {
    if (tier == Tier.Tools) toolKeyRead(word);
    else promptKeyRead(word);
    blockKeyEnds(depth, offset, at, word);
  } else if (isMarkerOpen()) markerKey = word;
  else if (scope == Scope.Params) paramsKeyEnds(at, word);
  else messageKeyEnds(at, word);
}

export function valueBegins(depth: i32, offset: f64, at: usize, c: u32): void {
  switch (scope) {
    case Scope.Block:
      return blockMemberBegins(depth, offset, at, c);
    case Scope.Blocks:
      if (depth == blockDepth) blockBegins(offset, at, c);
      return;
    case Scope.Message:
      if (depth == MESSAGE_DEPTH) messageValueBegins(offset, at, c);
      return;
    case Scope.Messages:
      if (depth == ELEMENT_DEPTH) messageBegins(at, c);
      return;
    case Scope.Params:
      if (depth == PARAMS_DEPTH) paramsValueBegins(offset, at, c);
      else if (isMarkerOpen()) paramsMarkerValueBegins(depth, c);
  }
}

export function valueEnds(depth: i32, offset: f64, at: usize, isContainer: bool): void {
  switch (scope) {
    case Scope.Block:
      if (depth == blockDepth) blockEnds();
      else blockMemberEnds(depth, offset, at, isContainer);
      return;
    case Scope.Blocks:
      if (depth < blockDepth) leaveTier();
      return;
    case Scope.Text:
      if (depth == blockDepth) textEnds(offset, at);
      return;
    case Scope.OpaqueBlock:
      if (depth == blockDepth) opaqueBlockEnds(at);
      return;
    case Scope.OpaqueMessage:
      if (depth == ELEMENT_DEPTH) opaqueMessageEnds(at);
      return;
    case Scope.Message:
      if (depth == MESSAGE_DEPTH) header = mix(header, mix(memberKey, endDigest(at)));
      else if (depth == ELEMENT_DEPTH) messageEnds();
      return;
    case Scope.Messages:
      if (depth == PARAMS_DEPTH) enterParams();
      return;
    case Scope.Params:
      if (isMarkerOpen()) paramsMarkerValueEnds(depth);
      else if (depth == PARAMS_DEPTH) paramsValueEnds(at);
  }
}

// Params.

function enterParams(): void {
  scope = Scope.Params;
  watchTo(PARAMS_DEPTH);
}

function paramsKeyEnds(at: usize, word: Word): void {
  member = word;
  paramsKeyRead(word);
  if (word == Word.Other) {
    memberKey = endDigest(at);
    memberIdentity = capturedKeyIdentity();
    return;
  }
  abandonDigest();
  memberIdentity = wordHash(word);
}

function paramsValueBegins(offset: f64, at: usize, c: u32): void {
  switch (member) {
    case Word.Irrelevant:
    case Word.Ruled:
      return;
    case Word.CacheControl:
      automatic = Marker.None;
      if (beginMarker(PARAMS_DEPTH, c)) watchTo(PARAMS_DEPTH + 1);
      return;
    case Word.Tools:
      cutWaiting(Tier.Tools, 0);
      if (c == BRACKET_OPEN) return enterTier(Tier.Tools, ELEMENT_DEPTH);
      break;
    case Word.System:
      cutWaiting(Tier.System, 0);
      if (c == BRACKET_OPEN) return enterTier(Tier.System, ELEMENT_DEPTH);
      if (c == QUOTE) return textBegins(Tier.System, PARAMS_DEPTH, offset, at);
      break;
    case Word.Messages:
      cutWaiting(Tier.Messages, 0);
      headersBefore = 0;
      if (c == BRACKET_OPEN) return enterMessages();
      break;
    case Word.Model:
      clearModel();
      if (c == QUOTE) beginModel();
  }
  beginDigest(at);
}

function paramsValueEnds(at: usize): void {
  switch (member) {
    case Word.Irrelevant:
    case Word.Ruled:
    case Word.CacheControl:
      return;
    case Word.ToolChoice:
      toolChoice = endDigest(at);
      return;
    case Word.Speed:
      speed = endDigest(at);
      return;
    case Word.MaxTokens:
      maxTokens = endWholeNumber(at, MAX_TOKENS_LIMIT);
      return;
    case Word.Model:
      if (isCapturing()) endModel();
  }
  salt(memberIdentity, memberKey, endDigest(at));
}

function paramsMarkerValueBegins(depth: i32, c: u32): void {
  markerValueBegins(depth, markerKey, c);
}

function paramsMarkerValueEnds(depth: i32): void {
  if (!markerValueEnds(depth)) return;
  automatic = markerRead();
  watchTo(PARAMS_DEPTH);
}

// Messages.

function enterMessages(): void {
  scope = Scope.Messages;
  watchTo(MESSAGE_DEPTH);
}

function messageBegins(at: usize, c: u32): void {
  firstOfMessage = waitingBlocks(Tier.Messages);
  header = 0;
  scope = c == BRACE_OPEN ? Scope.Message : Scope.OpaqueMessage;
  if (c != BRACE_OPEN) beginDigest(at);
}

function messageKeyEnds(at: usize, word: Word): void {
  member = word;
  promptKeyRead(word);
  memberKey = endDigest(at);
}

/** Blocks are the content of the message if this is a list or a string; else it says something, but has no blocks. */
function messageValueBegins(offset: f64, at: usize, c: u32): void {
  if (member == Word.Content) {
    cutWaiting(Tier.Messages, firstOfMessage);
    if (c == BRACKET_OPEN) return enterTier(Tier.Messages, CONTENT_DEPTH);
    if (c == QUOTE) return textBegins(Tier.Messages, MESSAGE_DEPTH, offset, at);
  }
  beginDigest(at);
}

/** Where messages begin shows in the hash, and so does who speaks. */
function messageEnds(): void {
  scope = Scope.Messages;
  if (waitingBlocks(Tier.Messages) == firstOfMessage) headersBefore = mix(headersBefore, header);
  else {
    stampMessages(firstOfMessage, headersBefore, header);
    headersBefore = 0;
  }
}

function opaqueMessageEnds(at: usize): void {
  headersBefore = mix(headersBefore, endDigest(at));
  scope = Scope.Messages;
}

// Blocks.

function enterTier(entered: Tier, depth: i32): void {
  tier = entered;
  blockDepth = depth;
  scope = Scope.Blocks;
  // Of tools only their own keys are of interest, and schemas have many others.
  watchTo(entered == Tier.Tools ? depth + 1 : EVERY_DEPTH);
}

function leaveTier(): void {
  if (tier != Tier.Messages) return enterParams();
  scope = Scope.Message;
  watchTo(MESSAGE_DEPTH);
}

function blockBegins(offset: f64, at: usize, c: u32): void {
  if (c == BRACE_OPEN) {
    scope = Scope.Block;
    beginBlock(blockDepth + 1, tier == Tier.Tools);
  } else {
    scope = Scope.OpaqueBlock;
    beginScalarBlock(offset, at);
  }
}

function blockEnds(): void {
  endBlock();
  addWaiting(tier);
  scope = Scope.Blocks;
}

function opaqueBlockEnds(at: usize): void {
  endOpaqueBlock(at);
  addWaiting(tier);
  scope = Scope.Blocks;
}

function blockMemberBegins(depth: i32, offset: f64, at: usize, c: u32): void {
  blockValueBegins(depth, offset, at, c);
  if (tier == Tier.Tools && isMarkerOpen()) watchTo(ELEMENT_DEPTH + 2);
}

function blockMemberEnds(depth: i32, offset: f64, at: usize, isContainer: bool): void {
  blockValueEnds(depth, offset, at, isContainer);
  if (tier == Tier.Tools && !isMarkerOpen()) watchTo(ELEMENT_DEPTH + 1);
}

function textBegins(entered: Tier, depth: i32, offset: f64, at: usize): void {
  tier = entered;
  blockDepth = depth;
  scope = Scope.Text;
  beginScalarBlock(offset, at);
}

function textEnds(offset: f64, at: usize): void {
  endTextBlock(offset, at);
  addWaiting(tier);
  leaveTier();
}
