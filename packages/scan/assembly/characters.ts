/** The bytes that JSON gives a meaning. */
export const SPACE: u32 = 0x20;
export const NEWLINE: u32 = 0x0a;
export const CARRIAGE_RETURN: u32 = 0x0d;
export const TAB: u32 = 0x09;
export const QUOTE: u32 = 0x22;
export const COMMA: u32 = 0x2c;
export const COLON: u32 = 0x3a;
export const BACKSLASH: u32 = 0x5c;
export const SLASH: u32 = 0x2f;
export const BRACKET_OPEN: u32 = 0x5b;
export const BRACKET_CLOSE: u32 = 0x5d;
export const BRACE_OPEN: u32 = 0x7b;
export const BRACE_CLOSE: u32 = 0x7d;
export const MINUS: u32 = 0x2d;
export const PLUS: u32 = 0x2b;
export const POINT: u32 = 0x2e;
export const ZERO: u32 = 0x30;
export const LOWER_N: u32 = 0x6e;
export const LOWER_E: u32 = 0x65;
export const LOWER_U: u32 = 0x75;

/** Letters differ from their capitals in this bit. */
const CASE_BIT: u32 = 0x20;

export function isWhitespace(c: u32): bool {
  return c == SPACE || c == NEWLINE || c == CARRIAGE_RETURN || c == TAB;
}

export function isDigit(c: u32): bool {
  return c - ZERO < 10;
}

export function isHex(c: u32): bool {
  return c - ZERO < 10 || (c | CASE_BIT) - 0x61 < 6;
}

/** Of a byte for which `isHex` holds. */
export function hexValue(c: u32): u32 {
  return c <= 0x39 ? c - ZERO : (c | CASE_BIT) - 0x61 + 10;
}

export function isExponentMark(c: u32): bool {
  return (c | CASE_BIT) == LOWER_E;
}

/** One bit for each of `\` `b` `f` `n` `r` `t`, counted from the backslash. */
const SIMPLE_ESCAPES: u32 = 0x1440441;

/** Whether `c` may follow a backslash alone: one of `"\/bfnrt`. */
export function isSimpleEscape(c: u32): bool {
  const letter = c - BACKSLASH;
  return letter < 25 ? ((SIMPLE_ESCAPES >> letter) & 1) != 0 : c == QUOTE || c == SLASH;
}

/** Whether a custom_id may hold it: letters, digits, `_` and `-`. */
export function isCustomIdCharacter(c: u32): bool {
  return isDigit(c) || (c | CASE_BIT) - 0x61 < 26 || c == 0x5f || c == MINUS;
}
