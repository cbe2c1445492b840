import { Hasher } from '../hash.ts';

/** How many keys a generation holds before the one before it is forgotten. */
const GENERATION_KEYS = 65_536;

/**
 * Remembers for a while which prefixes were written, so that a miss can be explained after the entry is gone. Bounded,
 * and only ever asked why: what it forgot is called cold.
 */
export class SeenPrefixes {
  #young = new Set<number>();
  #old = new Set<number>();

  /** `content` is the prefix's hash without salts, where it is known. */
  note(scope: number, hash: number, content: number | undefined): void {
    this.#add(keyOf(1, scope, hash));
    if (content === undefined) return;
    this.#add(keyOf(2, scope, content));
    this.#add(keyOf(3, 0, content));
  }

  /** Written here before; here under other parameters; elsewhere; or nowhere that is remembered. */
  why(scope: number, hash: number, content: number | undefined): 'expired' | 'salt' | 'scope' | 'cold' {
    if (this.#has(keyOf(1, scope, hash))) return 'expired';
    if (content === undefined) return 'cold';
    if (this.#has(keyOf(2, scope, content))) return 'salt';
    return this.#has(keyOf(3, 0, content)) ? 'scope' : 'cold';
  }

  #has(key: number): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }

  #add(key: number): void {
    this.#young.add(key);
    if (this.#young.size < GENERATION_KEYS) return;
    this.#old = this.#young;
    this.#young = new Set();
  }
}

function keyOf(kind: number, scope: number, hash: number): number {
  return new Hasher(kind).integer(scope).integer53(hash).word53();
}
