/** A parsed JSON object of unknown shape. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a key is there and says something: the API reads `null` as absent wherever a field may be left out. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The value as a list, or an empty one: for rules that look into shapes which another rule has judged or will judge. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}
