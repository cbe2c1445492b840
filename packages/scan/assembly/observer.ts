import * as body from './create-body';
import * as outline from './outline';
import * as prompt from './prompt';

/**
 * Passes what the grammar reports to whoever uses this instance: the create body's check and, inside a `params`, the
 * prompt; or the outline. `at` is where in memory the byte at `offset` lies.
 */

/** Keys of items lie this deep, those of their params one deeper. */
export const ITEM_DEPTH: i32 = 3;

let outlining: bool = false;

export function observeBody(): void {
  outlining = false;
}

export function observeOutline(): void {
  outlining = true;
}

/** A key's opening quote lies at `offset`, in a container `depth` deep. */
export function keyBegins(depth: i32, offset: f64, at: usize): void {
  if (outlining) outline.keyBegins(depth, offset);
  else if (depth > ITEM_DEPTH) prompt.keyBegins(depth, offset, at);
  else body.keyBegins(depth);
}

/** The key just read ends before `offset`. */
export function keyEnds(depth: i32, offset: f64, at: usize): void {
  if (outlining) outline.keyEnds(depth, offset);
  else if (depth > ITEM_DEPTH) prompt.keyEnds(depth, offset, at);
  else body.keyEnds(depth);
}

/** A value whose first byte is `c` lies at `offset`; the byte may yet prove to begin no value at all. */
export function valueBegins(depth: i32, offset: f64, at: usize, c: u32): void {
  if (outlining) outline.valueBegins(depth, offset, c);
  else if (depth > ITEM_DEPTH) prompt.valueBegins(depth, offset, at, c);
  else body.valueBegins(depth, offset, c);
}

/** The value that lies `depth` deep and began last ends before `offset`; it is an object or array, or a token. */
export function valueEnds(depth: i32, offset: f64, at: usize, isContainer: bool): void {
  if (outlining) outline.valueEnds(depth, offset);
  else if (depth > ITEM_DEPTH) prompt.valueEnds(depth, offset, at, isContainer);
  else body.valueEnds(depth, offset);
}
