import { beginBody as resetBody } from './create-body';
import { beginDocument } from './grammar';
import { ITEM_DEPTH, observeBody, observeOutline } from './observer';
import { beginOutline as resetOutline } from './outline';
import { noteRequests } from './request-notes';

/**
 * The scanner's face to its host. One instance does one thing at a time: `beginBody` or `beginOutline`, then `feed`
 * until the document is over or a fault is found, then the questions.
 */

/** The deepest keys looked at: an object's own. */
const OUTLINE_DEPTH: i32 = 1;

export function beginBody(promptSeed: u64, notesRequests: bool): void {
  observeBody();
  noteRequests(notesRequests);
  resetBody(promptSeed);
  beginDocument(ITEM_DEPTH);
}

export function beginOutline(): void {
  observeOutline();
  resetOutline();
  beginDocument(OUTLINE_DEPTH);
}

export { faultOffset, feed, hasNewlines, isDocumentComplete } from './grammar';
export {
  bodyExtraKeyBytes,
  bodyFirstByte,
  faultItemIndex,
  itemCount,
  itemExtraKeyBytes,
  itemFault,
  recordedCount,
  refusedIdBytes,
  refusedIdOverflowed,
  requestsFirstByte,
} from './create-body';
export { duplicateIdOffset, findDuplicateId, storedIdBytes } from './custom-id-set';
export { modelCount } from './model-names';
export { takeBlocks, takeForgotten } from './prompt-blocks';
export { isObject, objectBegin, objectEnd, takeEntries } from './outline';
export {
  BODY_EXTRA_CAPTURE,
  CUSTOM_ID_BYTES,
  CUSTOM_ID_CAPTURE,
  CUSTOM_IDS,
  FIRST_BLOCKS,
  HASH_SEED,
  ITEM_EXTRA_CAPTURE,
  MAXIMUM_BLOCKS,
  MODEL_NAME_BYTES,
  MODEL_NAME_LENGTHS,
  MODEL_NAMES,
  OUTLINE_ENTRIES,
  OUTLINE_MEMORY_BYTES,
  OUTLINE_WINDOW,
  OUTLINE_WINDOW_BYTES,
  PARAMS_BYTES,
  PARAMS_OFFSETS,
  PROMPT_BLOCK_BYTES,
  PROMPT_PIECE_BYTES,
  PROMPT_WINDOW,
  REQUEST_MAX_TOKENS,
  REQUEST_MODELS,
  REQUEST_TRAITS,
  RING,
  RING_SLACK_BYTES,
  TOOL_COUNTS,
  TOOL_SETS,
} from './layout';
