/**
 * What this room needs of the runtime beside the language: a faster way where Node offers one, the web's elsewhere.
 */
declare const process: { readonly getBuiltinModule?: (name: string) => unknown } | undefined;

interface NativeBuffer {
  readonly Buffer: {
    from(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array;
    isBuffer(bytes: Uint8Array): boolean;
  };
  readonly isUtf8: (bytes: Uint8Array) => boolean;
}

const native =
  typeof process === 'undefined' ? undefined : (process.getBuiltinModule?.('node:buffer') as NativeBuffer | undefined);
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const strictDecoder = new TextDecoder('utf-8', { fatal: true });

/** The text as UTF-8. */
export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** UTF-8 as text, of all the bytes or from `start` to `end`; what is none becomes U+FFFD. */
export function textOf(bytes: Uint8Array, start = 0, end = bytes.length): string {
  if (native === undefined) return decoder.decode(bytes.subarray(start, end));
  // For short texts, which most are here, a decoder takes several times as long as a buffer.
  return native.Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
}

/** The same bytes, of the kind whose searches are native. */
export function searchable(bytes: Uint8Array): Uint8Array {
  if (native === undefined || native.Buffer.isBuffer(bytes)) return bytes;
  return native.Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Whether the bytes are UTF-8. */
export const isUtf8: (bytes: Uint8Array) => boolean = native?.isUtf8 ?? decodes;

function decodes(bytes: Uint8Array): boolean {
  try {
    strictDecoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}
