import { captureHasEscapes, capturedBytes, decodeIdentifier } from './capture';
import { DECODED_KEY, DECODED_WORD_CHARACTERS } from './layout';

/** The keys of a request's params that mean something to its prompt, and the values of those that are words. */
export const enum Word {
  /** Anything else. */
  Other,
  // Keys of params.
  Tools,
  System,
  Messages,
  Model,
  ToolChoice,
  Speed,
  /** A key of params that has no part in the prompt. */
  Irrelevant,
  /** Nor has this, but batches have rules for it, or may come to have some. */
  Ruled,
  /** One that has a part in it like any other key, and no rule. */
  Unruled,
  /** Nor has this, but its value is noted. */
  MaxTokens,
  /** A key of blocks, of interest in tools. */
  Source,
  // Keys of messages and blocks.
  CacheControl,
  Content,
  Type,
  Text,
  Data,
  MediaType,
  Ttl,
  Citations,
  // Values of `type`, and of `ttl`.
  Image,
  Document,
  ToolResult,
  Thinking,
  RedactedThinking,
  Base64,
  Url,
  File,
  Ephemeral,
  FiveMinutes,
  OneHour,
}

/** What the string captured last, at `address`, spells. Escapes are seen through, as `JSON.parse` does. */
export function capturedWord(address: usize): Word {
  if (!captureHasEscapes()) return wordAt(address, capturedBytes());
  const length = decodeIdentifier(address, capturedBytes(), DECODED_KEY, DECODED_WORD_CHARACTERS);
  return length < 0 ? Word.Other : wordAt(DECODED_KEY, length);
}

/** Words are compared as little-endian numbers, the first eight bytes and the next eight. */
function wordAt(address: usize, length: u32): Word {
  if (length < 2 || length > 17) return Word.Other;
  const first = load<u64>(address) & firstBytes(length);
  if (length <= 8) return shortWord(length, first);
  return longWord(length, first, load<u64>(address, 8) & firstBytes(length - 8), load<u8>(address, 16));
}

/** A mask for that many bytes, at most eight. */
function firstBytes(count: u32): u64 {
  return count >= 8 ? u64.MAX_VALUE : ((<u64>1) << (count << 3)) - 1;
}

function shortWord(length: u32, word: u64): Word {
  switch (length) {
    case 2:
      return word == 0x6d35 ? Word.FiveMinutes : word == 0x6831 ? Word.OneHour : Word.Other;
    case 3:
      return word == 0x6c7474 ? Word.Ttl : word == 0x6c7275 ? Word.Url : Word.Other;
    case 4:
      if (word == 0x65707974) return Word.Type;
      if (word == 0x74786574) return Word.Text;
      if (word == 0x61746164) return Word.Data;
      return word == 0x656c6966 ? Word.File : Word.Other;
    case 5:
      if (word == 0x736c6f6f74) return Word.Tools;
      if (word == 0x6c65646f6d) return Word.Model;
      if (word == 0x6465657073) return Word.Speed;
      if (word == 0x6567616d69) return Word.Image;
      // top_p, top_k
      return word == 0x705f706f74 || word == 0x6b5f706f74 ? Word.Ruled : Word.Other;
    case 6:
      if (word == 0x6d6574737973) return Word.System;
      if (word == 0x343665736162) return Word.Base64;
      if (word == 0x656372756f73) return Word.Source;
      // stream
      return word == 0x6d6165727473 ? Word.Ruled : Word.Other;
    case 7:
      return word == 0x746e65746e6f63 ? Word.Content : Word.Other;
    case 8:
      if (word == 0x736567617373656d) return Word.Messages;
      if (word == 0x746e656d75636f64) return Word.Document;
      if (word == 0x676e696b6e696874) return Word.Thinking;
      // metadata
      return word == 0x617461646174656d ? Word.Irrelevant : Word.Other;
    default:
      return Word.Other;
  }
}

function longWord(length: u32, first: u64, next: u64, seventeenth: u32): Word {
  switch (length) {
    case 9:
      if (first == 0x6e6f697461746963 && next == 0x73) return Word.Citations;
      return first == 0x6172656d65687065 && next == 0x6c ? Word.Ephemeral : Word.Other;
    case 10:
      if (first == 0x79745f616964656d && next == 0x6570) return Word.MediaType;
      return first == 0x656b6f745f78616d && next == 0x736e ? Word.MaxTokens : Word.Other;
    case 11:
      if (first == 0x6f68635f6c6f6f74 && next == 0x656369) return Word.ToolChoice;
      if (first == 0x7365725f6c6f6f74 && next == 0x746c75) return Word.ToolResult;
      // temperature
      if (first == 0x74617265706d6574 && next == 0x657275) return Word.Ruled;
      // diagnostics
      return first == 0x74736f6e67616964 && next == 0x736369 ? Word.Ruled : Word.Other;
    case 12:
      // service_tier
      return first == 0x5f65636976726573 && next == 0x72656974 ? Word.Irrelevant : Word.Other;
    case 13:
      if (first == 0x6f635f6568636163 && next == 0x6c6f72746e) return Word.CacheControl;
      // output_config, inference_geo
      if (first == 0x635f74757074756f && next == 0x6769666e6f) return Word.Unruled;
      return first == 0x636e657265666e69 && next == 0x6f65675f65 ? Word.Unruled : Word.Other;
    case 14:
      // stop_sequences
      return first == 0x7165735f706f7473 && next == 0x7365636e6575 ? Word.Irrelevant : Word.Other;
    case 17:
      return first == 0x6465746361646572 && next == 0x6e696b6e6968745f && seventeenth == 0x67
        ? Word.RedactedThinking
        : Word.Other;
    default:
      return Word.Other;
  }
}
