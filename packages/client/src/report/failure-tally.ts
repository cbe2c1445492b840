import type { BatchResult } from '@batchwright/protocol';
import { kindOfMessage, shorten } from './message-kind.ts';
import type { FailureKind } from './run-report.ts';

/** Errors that come again however often a request is tried: something about it, or about who asks, is wrong. */
const PERMANENT_ERRORS: ReadonlySet<string> = new Set([
  'invalid_request_error',
  'authentication_error',
  'billing_error',
  'permission_error',
  'not_found_error',
  'request_too_large',
]);

/** Whether a request that failed with an error of this type will fail again. */
export function isPermanentError(type: string): boolean {
  return PERMANENT_ERRORS.has(type);
}

/** What a result says of its failure; null: it succeeded. */
export function failureOf(result: BatchResult): { readonly type: string; readonly message: string } | null {
  switch (result.type) {
    case 'succeeded':
      return null;
    case 'errored':
      return errorIn(result.error);
    case 'canceled':
      return { type: 'canceled', message: 'canceled before it was sent to the model' };
    case 'expired':
      return { type: 'expired', message: 'the batch expired before it was sent to the model' };
    default:
      return result satisfies never;
  }
}

/** The useful error lies one envelope deeper; other servers leave that one out. */
function errorIn(envelope: unknown): { readonly type: string; readonly message: string } {
  const outer = recordOf(envelope);
  const inner = recordOf(outer['error']);
  const { type, message } = typeof inner['type'] === 'string' ? inner : outer;
  return {
    type: typeof type === 'string' && type !== '' ? type : 'unknown_error',
    message: typeof message === 'string' && message !== '' ? message : 'no reason was given',
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

const MOST_SHOWN = 10;
/** Kinds told apart of each type, so that messages that all differ take no memory without bound. */
const MOST_KINDS = 500;
const MOST_TYPES = 100;
const OTHER_MESSAGES = 'other messages';

interface Kind {
  readonly type: string;
  readonly message: string;
  count: number;
  readonly example: FailureKind['example'];
}

/** Counts failures by kind. */
export class FailureTally {
  readonly #byType = new Map<string, Map<string, Kind>>();

  add(customId: string, type: string, message: string): void {
    const kinds = this.#kindsOf(type);
    const told = kindOfMessage(message);
    const name = kinds.has(told) || kinds.size < MOST_KINDS ? told : OTHER_MESSAGES;
    const known = kinds.get(name);
    if (known !== undefined) known.count += 1;
    else kinds.set(name, { type, message: name, count: 1, example: { customId, message: shorten(message) } });
  }

  /** The commonest first; of equals in the order they came. */
  commonest(): readonly FailureKind[] {
    const kinds = [...this.#byType.values()].flatMap((byMessage) => [...byMessage.values()]);
    return kinds
      .toSorted((a, b) => b.count - a.count)
      .slice(0, MOST_SHOWN)
      .map((kind) => ({ ...kind, isPermanent: isPermanentError(kind.type) }));
  }

  #kindsOf(type: string): Map<string, Kind> {
    // A server that makes up types has the rest in one.
    const key = this.#byType.has(type) || this.#byType.size < MOST_TYPES ? type : 'unknown_error';
    const known = this.#byType.get(key);
    if (known !== undefined) return known;
    const made = new Map<string, Kind>();
    this.#byType.set(key, made);
    return made;
  }
}
