import { crc32 } from 'node:zlib';

const CRC_BYTES = 4;

/** A plan with its checksum behind it, as `plan` holds it. */
export function encodePlanFile(plan: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(plan.length + CRC_BYTES);
  bytes.set(plan);
  new DataView(bytes.buffer).setUint32(plan.length, crc32(plan), true);
  return bytes;
}

/** The plan in the bytes of its file, in a buffer of its own; null when they are not whole. */
export function decodePlanFile(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
  const end = bytes.length - CRC_BYTES;
  if (end < 0) return null;
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true);
  const plan = bytes.subarray(0, end);
  return stored === crc32(plan) ? plan : null;
}
