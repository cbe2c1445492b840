import * as body from './create-body';
import * as outline from './outline';

/** Passes what the grammar reports to whoever uses this instance: the create body's check, or the outline. */

let outlining: bool = false;

export function observeBody(): void {
  outlining = false;
}

export function observeOutline(): void {
  outlining = true;
}

/** A key's opening quote lies at `offset`, in a container `depth` deep. */
export function keyBegins(depth: i32, offset: f64): void {
  if (outlining) outline.keyBegins(depth, offset);
  else body.keyBegins(depth);
}

/** The key just read ends before `offset`. */
export function keyEnds(depth: i32, offset: f64): void {
  if (outlining) outline.keyEnds(depth, offset);
  else body.keyEnds(depth);
}

/** A value whose first byte is `c` lies at `offset`; the byte may yet prove to begin no value at all. */
export function valueBegins(depth: i32, offset: f64, c: u32): void {
  if (outlining) outline.valueBegins(depth, offset, c);
  else body.valueBegins(depth, offset, c);
}

/** The value that lies `depth` deep and began last ends before `offset`. */
export function valueEnds(depth: i32, offset: f64): void {
  if (outlining) outline.valueEnds(depth, offset);
  else body.valueEnds(depth, offset);
}
