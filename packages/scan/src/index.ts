/**
 * Reads and edits what clients wrote, as bytes: one pass in WebAssembly that checks create bodies, indexes them and notes
 * the blocks of their prompts; outlines and walks of small documents; and edits of params that leave the rest as it was.
 * Runs wherever JavaScript does.
 */
export { BodyScanner } from './body-scanner.ts';
export { findMember, keyName, Members, skipSpace } from './json-walk.ts';
export { outline, parseSpan, text, type Outline, type Span } from './outline.ts';
export { editParams } from './params-edit.ts';
export { CustomIds, TRAIT_DOCUMENTS, TRAIT_PLAIN, type RequestIndex } from './request-index.ts';
export type { BodyVerdict } from './scanner.ts';
