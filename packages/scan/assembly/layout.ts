/**
 * The memory map. One owner for every address, so that nothing overlaps; the host reads these through the module's
 * exports. The two uses of the scanner never run in one instance, so their tables share the space from `TABLES` on.
 *
 *   0x00000  compiled-in constants
 *   0x01000  captures: the key being read, the custom_id, the first extra keys; the hash seed; what a prompt needs
 *   0x04000  nesting stack, one byte a level
 *   0x08000  outline: entries, then the window      create body: one array per index field, hash table, ids, the
 *                                                   prompts' tables, ring
 */

/** Requests that are recorded; more are only counted. */
export const MAXIMUM_REQUESTS: i32 = 100000;
export const CUSTOM_ID_CHARACTERS: u32 = 64;
/** Containers that may be open at once. */
export const MAXIMUM_NESTING: i32 = 10000;

/**
 * Bytes kept of a captured string. A character takes at most 12 bytes (an escaped surrogate pair), so a custom_id that
 * does not fit is longer than 64 characters whatever it spells.
 */
export const CAPTURE_BYTES: u32 = 1024;
export const KEY_CAPTURE: usize = 0x1000;
export const CUSTOM_ID_CAPTURE: usize = 0x1800;
export const ITEM_EXTRA_CAPTURE: usize = 0x2000;
export const BODY_EXTRA_CAPTURE: usize = 0x2800;
export const DECODED_KEY: usize = 0x3800;
/** Characters of a word that is looked at with its escapes decoded; longer ones are of no interest. */
export const DECODED_WORD_CHARACTERS: u32 = 64;
/** Bytes of the part being hashed that do not fill a stripe yet, and as many of slack. */
export const DIGEST_STRIPE: usize = 0x3100;
/** A part's last stripe, filled up with zeros. */
export const DIGEST_REST: usize = 0x3180;
/** Members of params that change how every tier is rendered: a hash of the key, a hash of the value. */
export const SALTS_MAXIMUM: i32 = 32;
export const SALTS: usize = 0x3200;
/** 16 random bytes, written by the host. */
export const HASH_SEED: usize = 0x3000;
export const NESTING_STACK: usize = 0x4000;
const TABLES: usize = 0x8000;

/** Bytes of a 16-byte load that starts at the last byte of a block: readable, never interpreted. */
const SLACK_BYTES: usize = 4096;

/** Pieces of this size are outlined at a time; `"":0,` is the shortest entry, so their entries always fit the table. */
export const OUTLINE_WINDOW_BYTES: usize = 65536;
export const OUTLINE_ENTRIES: usize = TABLES;
const OUTLINE_ENTRIES_MAXIMUM: usize = 16384;
export const OUTLINE_WINDOW: usize = OUTLINE_ENTRIES + OUTLINE_ENTRIES_MAXIMUM * 16;
export const OUTLINE_MEMORY_BYTES: usize = OUTLINE_WINDOW + OUTLINE_WINDOW_BYTES + SLACK_BYTES;

export const PARAMS_OFFSETS: usize = TABLES;
export const PARAMS_BYTES: usize = PARAMS_OFFSETS + MAXIMUM_REQUESTS * 4;
/** Of each recorded custom_id. */
export const CUSTOM_ID_HASHES: usize = PARAMS_BYTES + MAXIMUM_REQUESTS * 4;
export const CUSTOM_ID_BYTES: usize = CUSTOM_ID_HASHES + MAXIMUM_REQUESTS * 4;
/** At least twice as many as requests. */
const HASH_SLOTS: u32 = 262144;
export const HASH_TABLE: usize = (CUSTOM_ID_BYTES + MAXIMUM_REQUESTS + 4095) & ~4095;
export const CUSTOM_IDS: usize = HASH_TABLE + HASH_SLOTS * 4;

/** Blocks noted of a batch; later ones are read but not noted. */
export const MAXIMUM_BLOCKS: i32 = 1000000;
/** Blocks noted of one prompt's tools, of its system prompt, and of its messages. */
export const TIER_BLOCKS: i32 = 8192;
const TIERS: i32 = 3;
export const MAXIMUM_MODELS: i32 = 255;
export const MODEL_NAME_BYTES: u32 = 256;
/** A piece may be fed that is no longer than this; the host takes the blocks that it completed before the next. */
export const PROMPT_PIECE_BYTES: u32 = 65536;
/** A piece completes at most what was waiting for its prompt's end, and what it begins: two bytes are the shortest block. */
const WINDOW_BLOCKS: i32 = TIERS * TIER_BLOCKS + <i32>PROMPT_PIECE_BYTES / 2 + 1;
export const PROMPT_BLOCK_BYTES: usize = 24;
export const WAITING_BLOCK_BYTES: usize = 24;

/** A string value of which only a few spellings matter. */
export const WORD_CAPTURE: usize =
  (CUSTOM_IDS + (MAXIMUM_REQUESTS + 1) * CUSTOM_ID_CHARACTERS + SLACK_BYTES + 4095) & ~4095;
export const MODEL_CAPTURE: usize = WORD_CAPTURE + 0x800;
export const MODEL_NAMES: usize = MODEL_CAPTURE + 0x800;
export const MODEL_NAME_LENGTHS: usize = MODEL_NAMES + MAXIMUM_MODELS * MODEL_NAME_BYTES;
/** For each recorded request how many blocks those before it have, and of all of them together. */
export const FIRST_BLOCKS: usize = (MODEL_NAME_LENGTHS + MAXIMUM_MODELS * 2 + 4095) & ~4095;
export const REQUEST_MODELS: usize = FIRST_BLOCKS + (MAXIMUM_REQUESTS + 1) * 4;
/** For each recorded request what names the set of its tools whatever their order, how many, and its max_tokens. */
export const TOOL_SETS: usize = (REQUEST_MODELS + MAXIMUM_REQUESTS + 4095) & ~4095;
export const REQUEST_MAX_TOKENS: usize = TOOL_SETS + MAXIMUM_REQUESTS * 8;
export const TOOL_COUNTS: usize = REQUEST_MAX_TOKENS + MAXIMUM_REQUESTS * 4;
/** One byte for each recorded request; see `request-traits`. */
export const REQUEST_TRAITS: usize = TOOL_COUNTS + MAXIMUM_REQUESTS * 2;
/** Blocks of the prompt being read, tier by tier. */
export const WAITING_BLOCKS: usize = (REQUEST_TRAITS + MAXIMUM_REQUESTS + 4095) & ~4095;
/** Blocks of prompts that are complete, until the host takes them. */
export const PROMPT_WINDOW: usize = WAITING_BLOCKS + <usize>(TIERS * TIER_BLOCKS) * WAITING_BLOCK_BYTES;
/** Blocks of the body, where the host says how many there are. Lies on a page, as direct writes need. */
export const RING: usize = (PROMPT_WINDOW + <usize>WINDOW_BLOCKS * PROMPT_BLOCK_BYTES + 4095) & ~4095;
export const RING_SLACK_BYTES: usize = SLACK_BYTES;
