/** What intake notes of each request besides the blocks of its prompt: what an estimate needs, and a plan does not. */
export interface RequestNotes {
  /** `max_tokens`; 0 where it is missing or no whole number. */
  readonly maxTokens: Uint32Array;
  /** How many tools the prompt begins with. */
  readonly toolCount: Uint16Array;
  /** Names the set of those tools, and what else decides how prompts are rendered; the order is no part of it. */
  readonly toolSet: Float64Array;
}
