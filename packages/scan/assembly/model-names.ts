import { captureOverflowed, capturedBytes, endCapture, beginCapture } from './capture';
import { MAXIMUM_MODELS, MODEL_CAPTURE, MODEL_NAME_BYTES, MODEL_NAME_LENGTHS, MODEL_NAMES } from './layout';

/** The distinct names of models, as spelled in the body: first come, first numbered. */

/** The number of a model that has none: no string, too long a name, or one too many. */
export const UNKNOWN_MODEL: i32 = 255;

let count: i32 = 0;
/** Most requests ask the model that the one before asked. */
let latest: i32 = 0;
let hasName: bool = false;

export function forgetModels(): void {
  count = 0;
  latest = 0;
}

export function modelCount(): i32 {
  return count;
}

export function clearModel(): void {
  hasName = false;
}

/** The value of `model` is a string, and begins. */
export function beginModel(): void {
  beginCapture(MODEL_CAPTURE);
}

export function endModel(): void {
  endCapture();
  hasName = !captureOverflowed() && capturedBytes() <= MODEL_NAME_BYTES;
  nameBytes = capturedBytes();
}

let nameBytes: u32 = 0;

/** The number of the model named last; it is noted if it is new. */
export function modelNumber(): i32 {
  if (!hasName) return UNKNOWN_MODEL;
  if (latest < count && isNamed(latest)) return latest;
  for (let model: i32 = 0; model < count; model++) {
    if (!isNamed(model)) continue;
    latest = model;
    return model;
  }
  if (count == MAXIMUM_MODELS) return UNKNOWN_MODEL;
  memory.copy(nameAddress(count), MODEL_CAPTURE, nameBytes);
  store<u16>(MODEL_NAME_LENGTHS + ((<usize>count) << 1), nameBytes);
  latest = count;
  return count++;
}

function nameAddress(model: i32): usize {
  return MODEL_NAMES + <usize>model * MODEL_NAME_BYTES;
}

function isNamed(model: i32): bool {
  if (load<u16>(MODEL_NAME_LENGTHS + ((<usize>model) << 1)) != nameBytes) return false;
  return memory.compare(nameAddress(model), MODEL_CAPTURE, nameBytes) == 0;
}
