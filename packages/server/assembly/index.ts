import { beginBody as resetBody } from './create-body';
import { beginDocument } from './grammar';
import { observeBody, observeOutline } from './observer';
import { beginOutline as resetOutline } from './outline';

/**
 * The scanner's face to its host. One instance does one thing at a time: `beginBody` or `beginOutline`, then `feed`
 * until the document is over or a fault is found, then the questions.
 */

/** The deepest keys each use looks at: an item's own, an object's own. */
const BODY_DEPTH: i32 = 3;
const OUTLINE_DEPTH: i32 = 1;

export function beginBody(): void {
  observeBody();
  resetBody();
  beginDocument(BODY_DEPTH);
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
  duplicateIdBytes,
  duplicateIdOffset,
  faultItemIndex,
  itemCount,
  itemExtraKeyBytes,
  itemFault,
  refusedIdBytes,
  refusedIdOverflowed,
  requestsFirstByte,
} from './create-body';
export { storedIdBytes } from './custom-id-set';
export { isObject, objectBegin, objectEnd, takeEntries } from './outline';
export {
  BODY_EXTRA_CAPTURE,
  CUSTOM_ID_BYTES,
  CUSTOM_ID_CAPTURE,
  CUSTOM_ID_OFFSETS,
  CUSTOM_IDS,
  HASH_SEED,
  ITEM_EXTRA_CAPTURE,
  OUTLINE_ENTRIES,
  OUTLINE_MEMORY_BYTES,
  OUTLINE_WINDOW,
  OUTLINE_WINDOW_BYTES,
  PARAMS_BYTES,
  PARAMS_OFFSETS,
  RING,
  RING_SLACK_BYTES,
} from './layout';
