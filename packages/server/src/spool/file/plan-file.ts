import { crc32 } from 'node:zlib';

const CRC_BYTES = 4;

/** A plan with its checksum behind it, as `plan` holds it: in pieces, to be written one after the other. */
export function planPieces(plan: Uint8Array): readonly Uint8Array[] {
  const crc = new Uint8Array(CRC_BYTES);
  new DataView(crc.buffer).setUint32(0, crc32(plan), true);
  return [plan, crc];
}

/** The plan in the bytes of its file, in a buffer of its own; null when they are not whole. */
export function decodePlanFile(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
  const end = bytes.length - CRC_BYTES;
  if (end < 0) return null;
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true);
  const plan = bytes.subarray(0, end);
  return stored === crc32(plan) ? plan : null;
}
