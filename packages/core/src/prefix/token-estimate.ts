/** What of a block decides how many tokens it will be, as intake measures it. */
export interface BlockSize {
  /** Bytes of UTF-8 of what the model reads as text. */
  readonly textBytes: number;
  readonly images: number;
  /** Documents that are no text: PDF, inline or elsewhere. */
  readonly documents: number;
  /** Bytes of base64 of those that are inline. */
  readonly documentBytes: number;
}

export const IMAGE_TOKENS = 1600;
export const PAGE_TOKENS = 1500;
/** Pages of a PDF cannot be told from outside; about 48 KB of it, in base64, are taken for one. */
export const PAGE_BASE64_BYTES = 65_536;

/** Tokens of a text are estimated as a fraction of its bytes. */
interface Fraction {
  readonly numerator: number;
  readonly denominator: number;
}

const BYTES_BY_FOUR: Fraction = { numerator: 1, denominator: 4 };
/** The tokenizer that came with Opus 4.7 makes about 30 % more of the same text. */
const SINCE_4_7: Fraction = { numerator: 13, denominator: 40 };

/**
 * How many tokens a block will be for a model, estimated before anybody has counted: the upstream's own count replaces
 * it as soon as there is one. Models that are not Claude count as the older ones.
 */
export function tokenEstimator(model: string): (size: BlockSize) => number {
  const { numerator, denominator } = isSince47(model) ? SINCE_4_7 : BYTES_BY_FOUR;
  return (size) =>
    Math.ceil((size.textBytes * numerator) / denominator) + size.images * IMAGE_TOKENS + pages(size) * PAGE_TOKENS;
}

function pages({ documents, documentBytes }: BlockSize): number {
  return Math.max(documents, Math.ceil(documentBytes / PAGE_BASE64_BYTES));
}

/** Family first, then version, wherever in the name: clouds put their own before and behind. */
const NAME = /claude-(?:opus|sonnet|haiku|fable|mythos)-(?:(\d{1,2})(?:-(\d{1,2}))?(?!\d)|preview)/;

function isSince47(model: string): boolean {
  const found = NAME.exec(model);
  if (found === null) return false;
  const [, major, minor] = found;
  // Mythos Preview, between Opus 4.7 and 4.8.
  if (major === undefined) return true;
  return Number(major) * 100 + Number(minor ?? 0) >= 407;
}
