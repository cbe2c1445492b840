import { harmless } from '../answers/terminal-text.ts';
import { complain, type Host } from '../host.ts';
import type { Tell } from '../input/input-note.ts';

/** Tells what is worth knowing of an input on standard error, a line each. */
export function tellingTo(host: Host): Tell {
  return ({ type, text }) => (type === 'warning' ? complain(host, text) : host.err(`${harmless(text)}\n`));
}
