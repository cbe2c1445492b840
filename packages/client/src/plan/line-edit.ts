import { assert, type PlacedMarker } from '@batchwright/core';
import { editParams, outline } from '@batchwright/scan';
import { joinedBytes } from '../service/joined-bytes.ts';

/** What is done to the markers of a request before it is sent. */
export interface MarkerEdits {
  /** Takes the client's own out. */
  readonly dropMarkers: boolean;
  readonly markers: readonly PlacedMarker[];
}

/** A checked line with its markers edited; every other byte stays, and the very same bytes where there is nothing to do. */
export function editLine(line: Uint8Array, { dropMarkers, markers }: MarkerEdits): Uint8Array {
  if (!dropMarkers && markers.length === 0) return line;
  const params = outline(line)?.find('params');
  assert(params !== undefined && params !== null, () => 'a checked line has no params');
  const given = line.subarray(params.start, params.end);
  const edited = editParams(given, { dropMarkers, markers });
  if (edited === given) return line;
  return joinedBytes([line.subarray(0, params.start), edited, line.subarray(params.end)]);
}
