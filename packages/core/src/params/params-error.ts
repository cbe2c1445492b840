import type { ErrorType } from '@batchwright/protocol';

/** Why a request's params are refused: the error's type and message as the Messages API words them. */
export interface ParamsError {
  readonly type: ErrorType;
  readonly message: string;
}

export function invalid(message: string): ParamsError {
  return { type: 'invalid_request_error', message };
}

export function fieldRequired(path: string): ParamsError {
  return invalid(`${path}: Field required`);
}

export function extraInput(path: string): ParamsError {
  return invalid(`${path}: Extra inputs are not permitted`);
}

/** `'a'`, `'a' or 'b'`, `'a', 'b' or 'c'`: how the API lists what it would have taken. */
export function choices(names: readonly string[]): string {
  const quoted = names.map((name) => `'${name}'`);
  const last = quoted.pop() ?? '';
  return quoted.length === 0 ? last : `${quoted.join(', ')} or ${last}`;
}

/** The first complaint over a list, in order. */
export function firstError<Item>(
  items: readonly Item[],
  check: (item: Item, index: number) => ParamsError | null,
): ParamsError | null {
  for (let index = 0; index < items.length; index++) {
    const error = check(items[index] as Item, index);
    if (error !== null) return error;
  }
  return null;
}
