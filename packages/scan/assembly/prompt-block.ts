import { beginCapture, capturedBytes, endCapture } from './capture';
import { BRACE_OPEN, BRACKET_OPEN, LOWER_N, QUOTE } from './characters';
import { abandonDigest, beginDigest, digestBytes, endDigest, mix } from './digest';
import { WORD_CAPTURE } from './layout';
import { beginMarker, isMarkerOpen, Marker, markerRead, markerValueBegins, markerValueEnds } from './prompt-marker';
import { typeRead } from './request-traits';
import { escapeSurplus } from './strings';
import { capturedWord, Word } from './words';

/**
 * The block being read: a tool, or a block of the system prompt or of a message. Its hash is made of its members one by
 * one, key and value as spelled, in the order given, without its `cache_control`. Markers on blocks nested in it are
 * left in, since the bytes of a value are hashed as they pass: that can only take equal prompts for different ones.
 *
 * Everything inside a block of content is looked at, however deep, for what changes how whole tiers are rendered (images,
 * citations) and for base64, which is no text. Of an object only what it says after the last object nested in it counts;
 * sources nest nothing.
 */

/** A key that is one of the words known has this and the word for a hash. */
const WORD_SEED: u64 = 0x64726f77;
/** The hash of the value `"text"`. */
const TEXT_VALUE_HASH: u64 = 0x91a6c7957d989134;
/** `image` */
const IMAGE_FIRST: u64 = 0x6567616d69;

/** How deep the block's own keys lie. */
let ownDepth: i32 = 0;
/** A tool: nothing counts but its own keys. */
let isTool: bool = false;
let isOpaque: bool = false;
let hash: u64 = 0;
let type: Word = Word.Other;
let hasText: bool = false;
let textBytes: u32 = 0;
let jsonBytes: u32 = 0;
let marker: Marker = Marker.None;
/** On the last element of `content`, and of `source.content`. */
let contentMarker: Marker = Marker.None;
let sourceMarker: Marker = Marker.None;
let images: u32 = 0;
let sources: u32 = 0;
let base64Bytes: u32 = 0;
let documentBytes: u32 = 0;

/** The key read last, until its value begins. */
let key: Word = Word.Other;
/** The own member being read. */
let member: Word = Word.Other;
let keyHash: u64 = 0;
let memberOffset: f64 = 0;
let keyBytes: u32 = 0;
let memberSurplus: u32 = 0;
let markerDepth: i32 = 0;

/** The scalar being read, by its key. */
let scalar: Word = Word.Other;
let scalarOffset: f64 = 0;
let scalarSurplus: u32 = 0;
let scalarIsString: bool = false;

/** What the innermost object has said of itself. */
let sourceType: Word = Word.Other;
let isImageData: bool = false;
let dataBytes: u32 = 0;

/** Anywhere in the prompt so far. */
let imagesFound: bool = false;
let citationsFound: bool = false;

export function clearFindings(): void {
  imagesFound = false;
  citationsFound = false;
}
export function hasImages(): bool {
  return imagesFound;
}
export function hasCitations(): bool {
  return citationsFound;
}

export function blockHash(): u64 {
  return hash;
}
/** A marker on the last block nested in a tool result or a document counts as its own. */
export function blockMarker(): Marker {
  if (marker != Marker.None) return marker;
  if (type == Word.ToolResult) return contentMarker;
  return type == Word.Document ? sourceMarker : Marker.None;
}
export function blockIsMarkable(): bool {
  if (isOpaque || type == Word.Thinking || type == Word.RedactedThinking) return false;
  return type != Word.Text || !hasText || textBytes > 0;
}
/** Bytes of UTF-8 of its text, or of its JSON where that is what the model is shown; without base64. */
export function blockTextBytes(): u32 {
  return type == Word.Text && hasText && !isTool ? textBytes : jsonBytes - base64Bytes;
}
export function blockImages(): u32 {
  return images;
}
/** Documents that are no text. Each image has a source of its own; what sources are left are documents'. */
export function blockDocuments(): u32 {
  return sources > images ? sources - images : 0;
}
export function blockDocumentBytes(): u32 {
  return documentBytes;
}

/** What a known word counts for where keys are hashed. */
export function wordHash(word: Word): u64 {
  return mix(WORD_SEED, word);
}

/** A block that is an object begins; its own keys lie `depth` deep. */
export function beginBlock(depth: i32, tool: bool): void {
  clearBlock();
  ownDepth = depth;
  isTool = tool;
}

export function endBlock(): void {
  sourceEnds();
}

/** A block begins that is no object, or a string that stands for a text block. */
export function beginScalarBlock(offset: f64, at: usize): void {
  clearBlock();
  scalarOffset = offset;
  scalarSurplus = escapeSurplus();
  beginDigest(at);
}

/** The string equals a block that has its type first, its text second, and no more. */
export function endTextBlock(offset: f64, at: usize): void {
  hash = mix(hash, mix(wordHash(Word.Type), TEXT_VALUE_HASH));
  hash = mix(hash, mix(wordHash(Word.Text), endDigest(at)));
  type = Word.Text;
  hasText = true;
  textBytes = spelledBytes(offset);
}

export function endOpaqueBlock(at: usize): void {
  hash = endDigest(at);
  jsonBytes = digestBytes();
  isOpaque = true;
}

export function blockKeyBegins(depth: i32, offset: f64, at: usize): void {
  if (depth != ownDepth) return;
  memberOffset = offset;
  memberSurplus = escapeSurplus();
  beginDigest(at);
}

export function blockKeyEnds(depth: i32, offset: f64, at: usize, word: Word): void {
  key = word;
  if (depth != ownDepth) return;
  member = word;
  keyBytes = <u32>(offset - memberOffset);
  if (word < Word.CacheControl) keyHash = endDigest(at);
  else {
    keyHash = wordHash(word);
    abandonDigest();
  }
}

export function blockValueBegins(depth: i32, offset: f64, at: usize, c: u32): void {
  const word = key;
  // Elements of an array have none.
  key = Word.Other;
  if (isMarkerOpen()) return markerValueBegins(depth, word, c);
  scalar = Word.Other;
  if (word == Word.CacheControl && markerBegins(depth, c)) return;
  if (depth == ownDepth) ownValueBegins(at, word);
  else if (depth == ownDepth + 1) contentMarker = Marker.None;
  else if (depth == ownDepth + 2) sourceMarker = Marker.None;
  if (c == BRACE_OPEN || c == BRACKET_OPEN) clearSource();
  else if (word != Word.Other) scalarBegins(offset, c, word);
  if (word == Word.Citations && c != LOWER_N && !isTool) citationsFound = true;
}

export function blockValueEnds(depth: i32, offset: f64, at: usize, isContainer: bool): void {
  if (isMarkerOpen()) {
    if (markerValueEnds(depth)) keepMarker(markerDepth, markerRead());
    return;
  }
  if (isContainer) sourceEnds();
  else if (scalar != Word.Other) scalarEnds(depth, offset);
  if (depth == ownDepth && member != Word.CacheControl) ownValueEnds(at);
}

function clearBlock(): void {
  hash = 0;
  isTool = false;
  isOpaque = false;
  type = Word.Other;
  hasText = false;
  textBytes = 0;
  jsonBytes = 1;
  marker = Marker.None;
  contentMarker = Marker.None;
  sourceMarker = Marker.None;
  images = 0;
  sources = 0;
  base64Bytes = 0;
  documentBytes = 0;
  key = Word.Other;
  clearSource();
}

function markerBegins(depth: i32, c: u32): bool {
  markerDepth = depth;
  keepMarker(depth, Marker.None);
  return beginMarker(depth, c);
}

function keepMarker(depth: i32, found: Marker): void {
  if (depth == ownDepth) marker = found;
  else if (depth == ownDepth + 2) contentMarker = found;
  else if (depth == ownDepth + 3) sourceMarker = found;
}

function ownValueBegins(at: usize, word: Word): void {
  if (word == Word.Type) type = Word.Other;
  else if (word == Word.Text) hasText = false;
  if (word != Word.CacheControl) beginDigest(at);
}

/** JSON has one byte more for each member, a comma or the brace at the end. */
function ownValueEnds(at: usize): void {
  hash = mix(hash, mix(keyHash, endDigest(at)));
  jsonBytes += keyBytes + digestBytes() + 2 - (escapeSurplus() - memberSurplus);
}

function scalarBegins(offset: f64, c: u32, word: Word): void {
  scalar = word;
  scalarOffset = offset;
  scalarSurplus = escapeSurplus();
  scalarIsString = c == QUOTE;
  if (scalarIsString && (word == Word.Type || word == Word.MediaType)) beginCapture(WORD_CAPTURE);
}

function scalarEnds(depth: i32, offset: f64): void {
  if (scalar == Word.Type) typeEnds(depth);
  else if (scalar == Word.MediaType) mediaTypeEnds();
  else if (scalar == Word.Data) dataBytes = scalarIsString ? spelledBytes(offset) : 0;
  else if (scalar == Word.Text && depth == ownDepth) {
    hasText = scalarIsString;
    textBytes = spelledBytes(offset);
  }
}

function typeEnds(depth: i32): void {
  sourceType = Word.Other;
  if (!scalarIsString) return;
  endCapture();
  sourceType = capturedWord(WORD_CAPTURE);
  typeRead(sourceType);
  if (depth == ownDepth) type = sourceType;
  if (sourceType != Word.Image || isTool) return;
  images++;
  imagesFound = true;
}

function mediaTypeEnds(): void {
  isImageData = false;
  if (!scalarIsString) return;
  endCapture();
  isImageData = capturedBytes() >= 5 && (load<u64>(WORD_CAPTURE) & 0xffffffffff) == IMAGE_FIRST;
}

function clearSource(): void {
  sourceType = Word.Other;
  isImageData = false;
  dataBytes = 0;
}

function sourceEnds(): void {
  if (sourceType == Word.Base64 || sourceType == Word.Url || sourceType == Word.File) sources++;
  if (sourceType == Word.Base64) {
    base64Bytes += dataBytes;
    if (!isImageData) documentBytes += dataBytes;
  }
  clearSource();
}

/** Bytes of UTF-8 that the string which ends before `offset` spells. */
function spelledBytes(offset: f64): u32 {
  return <u32>(offset - scalarOffset) - 2 - (escapeSurplus() - scalarSurplus);
}
