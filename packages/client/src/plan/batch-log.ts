/**
 * What is in a batch, as bytes: who goes in it, whom each reads from, the markers that each gets, and how much each is of
 * the whole, so that the batch can be made, and made anew without some, by whoever finds it.
 *
 * Little-endian; sections in the order of their widths. 28 bytes a request.
 */
import { assert, type PlacedMarker } from '@batchwright/core';
import type { MarkerSet } from './marker-sets.ts';
import type { RunStore } from '../store/run-store.ts';

export interface BatchContents {
  /** In the order they are sent. */
  readonly requests: Uint32Array;
  /** NO_LEADER: none. */
  readonly leaders: Uint32Array;
  /** Of each line, with its markers edited. */
  readonly bytes: Uint32Array;
  /** Of each prompt, estimated. */
  readonly tokens: Uint32Array;
  /** NaN: no known price. */
  readonly nanoUsd: Float64Array;
  /** Per request, which of `markerSets` it gets. */
  readonly markerSet: Uint32Array;
  readonly markerSets: readonly MarkerSet[];
  readonly dropsMarkers: boolean;
}

/** Keeps what is in a batch; durable once it resolves. */
export async function writeBatch(store: RunStore, batch: number, contents: BatchContents): Promise<void> {
  const log = await store.openLog(`batch-${batch}`);
  try {
    // A plan that a crash cut off may have left something.
    await log.truncate(0);
    await log.append(encodeBatch(contents));
    await log.sync();
  } finally {
    await log.close();
  }
}

/** Rejects where what is there is damaged. */
export async function readBatch(store: RunStore, batch: number): Promise<BatchContents> {
  const log = await store.openLog(`batch-${batch}`);
  try {
    const bytes = await log.read(0, log.size);
    const contents = decodeBatch(bytes.slice());
    if (contents !== null) return contents;
    throw new Error(`What is in batch ${batch} of the run is damaged. Remove the run and begin it anew.`);
  } finally {
    await log.close();
  }
}

const MAGIC = 'bwbatch2';
const HEADER_BYTES = 32;
const REQUEST_BYTES = 8 + 5 * 4;
const DROPS_MARKERS = 1;
const TTLS = ['5m', '1h'] as const satisfies readonly PlacedMarker['ttl'][];
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** How many there are of what. */
interface Sizes {
  readonly requests: number;
  readonly sets: number;
  readonly markers: number;
  readonly prefixes: number;
}

function encodeBatch(contents: BatchContents): Uint8Array<ArrayBuffer> {
  assert(isLittleEndian, () => 'batches are laid over bytes and need a little-endian machine');
  const { requests, markerSets } = contents;
  const markers = markerSets.flatMap((set) => set.markers);
  const prefixes = markerSets.flatMap((set) => set.prefixes);
  const sizes: Sizes = {
    requests: requests.length,
    sets: markerSets.length,
    markers: markers.length,
    prefixes: prefixes.length,
  };
  const bytes = new Uint8Array(totalBytes(sizes));
  const header = new DataView(bytes.buffer);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  header.setUint32(8, sizes.requests, true);
  header.setUint32(12, sizes.sets, true);
  header.setUint32(16, sizes.markers, true);
  header.setUint32(20, contents.dropsMarkers ? DROPS_MARKERS : 0, true);
  header.setUint32(24, sizes.prefixes, true);
  const sections = layOut(bytes.buffer, sizes);
  sections.nanoUsd.set(contents.nanoUsd);
  sections.requests.set(requests);
  sections.leaders.set(contents.leaders);
  sections.bytes.set(contents.bytes);
  sections.tokens.set(contents.tokens);
  sections.markerSet.set(contents.markerSet);
  sections.prefixes.set(prefixes);
  sections.setSizes.set(markerSets.map((set) => set.markers.length));
  sections.prefixSizes.set(markerSets.map((set) => set.prefixes.length));
  sections.blocks.set(markers.map(({ block }) => block));
  sections.ttls.set(markers.map(({ ttl }) => TTLS.indexOf(ttl)));
  return bytes;
}

/** Lays contents over their bytes, which must not change afterwards; null where they are none. */
function decodeBatch(bytes: Uint8Array<ArrayBuffer>): BatchContents | null {
  assert(isLittleEndian && bytes.byteOffset === 0, () => 'batches are laid over bytes that begin a buffer');
  if (bytes.length < HEADER_BYTES) return null;
  for (let i = 0; i < MAGIC.length; i++) if (bytes[i] !== MAGIC.charCodeAt(i)) return null;
  const header = new DataView(bytes.buffer);
  const sizes: Sizes = {
    requests: header.getUint32(8, true),
    sets: header.getUint32(12, true),
    markers: header.getUint32(16, true),
    prefixes: header.getUint32(24, true),
  };
  const flags = header.getUint32(20, true);
  if (bytes.length !== totalBytes(sizes) || flags > DROPS_MARKERS) return null;
  const { setSizes, prefixSizes, prefixes, blocks, ttls, ...members } = layOut(bytes.buffer, sizes);
  const isSound =
    total(setSizes) === sizes.markers &&
    total(prefixSizes) === sizes.prefixes &&
    ttls.every((ttl) => ttl < TTLS.length) &&
    members.markerSet.every((set) => set < sizes.sets);
  if (!isSound) return null;
  const markers = Array.from(blocks, (block, i): PlacedMarker => ({ block, ttl: TTLS[ttls[i] ?? 0] ?? '5m' }));
  let [marker, prefix] = [0, 0];
  const markerSets = Array.from(setSizes, (size, set): MarkerSet => ({
    markers: markers.slice(marker, (marker += size)),
    prefixes: [...prefixes.subarray(prefix, (prefix += prefixSizes[set] as number))],
  }));
  return { ...members, markerSets, dropsMarkers: flags === DROPS_MARKERS };
}

function total(sizes: Uint32Array): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

function totalBytes({ requests, sets, markers, prefixes }: Sizes): number {
  return HEADER_BYTES + REQUEST_BYTES * requests + 8 * sets + 5 * markers + 8 * prefixes;
}

function layOut(buffer: ArrayBuffer, { requests, sets, markers, prefixes }: Sizes) {
  let at = HEADER_BYTES;
  const take = (bytes: number): number => {
    const from = at;
    at += bytes;
    return from;
  };
  const words = (count: number): Uint32Array => new Uint32Array(buffer, take(4 * count), count);
  return {
    nanoUsd: new Float64Array(buffer, take(8 * requests), requests),
    prefixes: new Float64Array(buffer, take(8 * prefixes), prefixes),
    requests: words(requests),
    leaders: words(requests),
    bytes: words(requests),
    tokens: words(requests),
    markerSet: words(requests),
    setSizes: words(sets),
    prefixSizes: words(sets),
    blocks: words(markers),
    ttls: new Uint8Array(buffer, take(markers), markers),
  };
}
