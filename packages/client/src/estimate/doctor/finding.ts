import type { Difference } from './difference.ts';
import type { Loss } from './loss.ts';

/** Something about the requests of a run that keeps prompts from being cached, and what it costs. */
export type Finding = FindingBase &
  (
    | {
        /** What requests share is shorter than what the model caches. */
        readonly code: 'prefix_below_minimum';
        readonly model: string;
        readonly tokens: number;
        readonly minimum: number;
      }
    /** A marker on the last block of prompts that nobody continues, or on another that no second request has. */
    | {
        readonly code: 'marker_on_last_block' | 'marker_on_varying_block';
        readonly tokens: number;
        readonly path: string;
      }
    /** Markers would pay, and there are none. */
    | { readonly code: 'no_markers' }
    /** The same tools in another order. */
    | { readonly code: 'tool_order_differs'; readonly orders: number; readonly left: string; readonly right: string }
    /** Something small differs early, and what follows is the same again. */
    | {
        readonly code: 'varying_value' | 'nearly_identical';
        readonly difference: Difference;
        readonly variants: number;
      }
    /** Blocks begin alike and go on differently: only whole blocks can be cached. */
    | { readonly code: 'shared_within_block'; readonly difference: Difference; readonly variants: number }
    /** The same blocks, rendered differently. */
    | { readonly code: 'settings_differ'; readonly names: readonly string[]; readonly variants: number }
    /** The same prompts, to several models. */
    | { readonly code: 'models_differ'; readonly models: readonly string[] }
    /** An entry lies further before a marker than the API looks back. */
    | { readonly code: 'too_far_apart'; readonly blocks: number }
    /** Entries that are gone before the next wave. */
    | { readonly code: 'ttl_too_short'; readonly tokens: number }
  );

export type FindingCode = Finding['code'];

interface FindingBase {
  /** How many requests it concerns. */
  readonly count: number;
  /** The count and the loss were concluded from pairs that were looked at, not counted. */
  readonly isSampled: boolean;
  /** At most three; of a difference, the two that differ. */
  readonly customIds: readonly string[];
  readonly loss: Loss;
}
