import { escapesOfHex } from './strings';
import { Word } from './words';

/**
 * What of one `params` spares its sender a second look: whether it plainly breaks none of the rules that a batch applies
 * by itself. In doubt it does not. Keys are told apart here only where none of them is spelled with `\u`; no other escape
 * can spell one of theirs.
 */

/** As `TRAIT_PLAIN` and `TRAIT_DOCUMENTS` of the host. */
const PLAIN: u32 = 1;
const DOCUMENTS: u32 = 2;

let isPlain: bool = false;
let hasModel: bool = false;
let hasMessages: bool = false;
let hasDocuments: bool = false;
let escapesBefore: u32 = 0;

/** The value of `params` begins. */
export function beginTraits(): void {
  isPlain = true;
  hasModel = false;
  hasMessages = false;
  hasDocuments = false;
  escapesBefore = escapesOfHex();
}

/** The traits of the params read last, whose `max_tokens` is that whole number, or 0 when it is none. */
export function traitsRead(maxTokens: u32): u32 {
  const plain = isPlain && hasModel && hasMessages && maxTokens > 0 && escapesOfHex() == escapesBefore;
  return (plain ? PLAIN : 0) | (hasDocuments ? DOCUMENTS : 0);
}

export function paramsKeyRead(word: Word): void {
  switch (word) {
    case Word.Model:
      hasModel = true;
      return;
    case Word.Messages:
      hasMessages = true;
      return;
    case Word.Tools:
    case Word.System:
    case Word.ToolChoice:
    case Word.MaxTokens:
    case Word.Thinking:
    case Word.Irrelevant:
    case Word.Unruled:
      return;
    default:
      isPlain = false;
  }
}

/** A key of a message, or of a block and whatever is nested in it. */
export function promptKeyRead(word: Word): void {
  if (word == Word.CacheControl) isPlain = false;
  else if (word == Word.Citations) hasDocuments = true;
}

/**
 * An own key of a tool. Deeper ones are not read; so a tool that holds what blocks nest other blocks in, where a marker
 * would count, is not plain.
 */
export function toolKeyRead(word: Word): void {
  if (word == Word.CacheControl || word == Word.Content || word == Word.Source || word == Word.Citations)
    isPlain = false;
}

/** The `type` of a block, or of what is nested in it. */
export function typeRead(word: Word): void {
  if (word == Word.Document) hasDocuments = true;
}
