import { fail, Fault } from './fault';

/** What is open between two bytes, if anything is. */
export const enum Token {
  None,
  String,
  /** In a string, after a backslash. */
  Escape,
  /** In a string, inside `\uXXXX`. */
  Hex,
  Number,
  Literal,
  /** A fault was found; nothing more is read. */
  Broken,
}

let token: Token = Token.None;

export function openToken(): Token {
  return token;
}

export function setToken(opened: Token): void {
  token = opened;
}

/** Ends reading at the faulty byte, which lies at `at`; answers `at`. */
export function breakOff(reason: Fault, at: usize): usize {
  fail(reason, at);
  token = Token.Broken;
  return at;
}
