/**
 * A value of a typed column as text: times in ISO 8601, bytes in base64, what is nested as JSON, nothing as the empty
 * text.
 */
export function columnText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  const plain = plainValue(value);
  return typeof plain === 'string' ? plain : JSON.stringify(plain, (_key, nested: unknown) => plainValue(nested));
}

/** JSON has no whole numbers beyond 2^53, so such a one stays what it is as text. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '' : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value;
}
