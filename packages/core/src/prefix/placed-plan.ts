import type { PrefixPlan } from './prefix-plan.ts';
import { ttlOf, type MarkerTtl } from './token-rates.ts';

/** A plan together with what makes it come true: who writes what, and the markers to add. */
export interface PlacedPlan extends PrefixPlan {
  /**
   * Per request, how many nodes it writes if all are cold: its anchor and so many less one above it, 255 for more. 0 can
   * only read its anchor and must not lead. Null: each request writes all of its path, as it does wherever markers are
   * placed alike; only a client's own may differ.
   */
  readonly reach: Uint8Array | null;
  /** Markers to add, per node for the requests anchored at it. */
  readonly added: AddedMarkers;
  /** Tokens that requests write beyond their anchors, at markers of the client's that nobody else reads. */
  readonly unshared: { readonly written5m: number; readonly written1h: number };
}

/** Those of node v are first[v] … first[v+1]-1, in the order of their blocks. */
export interface AddedMarkers {
  readonly first: Uint32Array;
  readonly block: Uint32Array;
  /** 0 = 5 minutes, 1 = 1 hour. */
  readonly ttl: Uint8Array;
}

/** A marker to add to a prompt; `block` is the position in rendering order, from 0. */
export interface PlacedMarker {
  readonly block: number;
  readonly ttl: MarkerTtl;
}

/**
 * The markers to add to a request's prompt, in order: the same for all requests of one anchor. A block that carries the
 * client's own marker keeps it.
 */
export function markersToAdd(plan: PlacedPlan, request: number): readonly PlacedMarker[] {
  const anchor = plan.anchor[request] ?? -1;
  if (anchor < 0) return NONE;
  const { first, block, ttl } = plan.added;
  const end = first[anchor + 1] as number;
  const markers: PlacedMarker[] = [];
  for (let i = first[anchor] as number; i < end; i++) {
    markers.push({ block: block[i] as number, ttl: ttlOf(ttl[i] as number) });
  }
  return markers;
}

const NONE: readonly PlacedMarker[] = [];
