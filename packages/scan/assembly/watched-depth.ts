/**
 * How deep keys and values are reported to the observer, who may change it with each report; deeper ones are only
 * checked.
 */

export const EVERY_DEPTH: i32 = i32.MAX_VALUE;

let watched: i32 = 0;

export function watchTo(depth: i32): void {
  watched = depth;
}

export function watchedDepth(): i32 {
  return watched;
}
