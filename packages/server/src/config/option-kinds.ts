/**
 * Kinds of option: how a value reads from a flag, an environment variable (text) or the config file (JSON), and the
 * words that say what it must be. A reading that fails is `undefined`, so that `null` stays a value ("not set").
 */

/** One declared option: its default, its prose, and how its value is read. */
export interface Option<Value> {
  readonly default: Value;
  /** One or two sentences for `--help` and the reference page. */
  readonly prose: string;
  /** Completes "must be …". */
  readonly expects: string;
  /** A value that would be accepted, for error texts. */
  readonly example: string;
  /** Never printed, whatever goes wrong. */
  readonly secret: boolean;
  /** What a reader sees as the default. */
  readonly defaultText: string;
  fromText(text: string): Value | undefined;
  fromJson(value: unknown): Value | undefined;
}

interface Declared<Value> {
  readonly default: Value;
  readonly prose: string;
}

/** A whole number within bounds. */
export function integer(declared: Declared<number> & { readonly from: number; readonly to: number }): Option<number> {
  const within = (value: number): number | undefined =>
    Number.isSafeInteger(value) && value >= declared.from && value <= declared.to ? value : undefined;
  return {
    ...declared,
    expects: `a whole number from ${declared.from} to ${declared.to}`,
    example: String(declared.default),
    secret: false,
    defaultText: `\`${declared.default}\``,
    fromText: (text) => (/^\d+$/.test(text) ? within(Number(text)) : undefined),
    fromJson: (value) => (typeof value === 'number' ? within(value) : undefined),
  };
}

/** One of a few words. */
export function choice<const Word extends string>(
  declared: Declared<NoInfer<Word>> & { readonly words: readonly Word[] },
): Option<Word> {
  const find = (value: unknown): Word | undefined => declared.words.find((word) => word === value);
  return {
    ...declared,
    expects: `one of ${declared.words.join(', ')}`,
    example: declared.default,
    secret: false,
    defaultText: `\`${declared.default}\``,
    fromText: find,
    fromJson: find,
  };
}

interface TextDeclared<Value> extends Declared<Value> {
  readonly expects: string;
  readonly example: string;
  readonly secret?: boolean;
  readonly defaultText?: string;
  /** Turns accepted text into the value, or `undefined`. */
  readonly read: (text: string) => Value | undefined;
}

/** Anything written as text, read by the given function. */
export function text<Value>(declared: TextDeclared<Value>): Option<Value> {
  return {
    default: declared.default,
    prose: declared.prose,
    expects: declared.expects,
    example: declared.example,
    secret: declared.secret ?? false,
    defaultText: declared.defaultText ?? (declared.default === null ? 'none' : `\`${String(declared.default)}\``),
    fromText: declared.read,
    fromJson: (value) => (typeof value === 'string' ? declared.read(value) : undefined),
  };
}

/** A comma list on the command line, an array (or a comma list) in the config file. */
export function list(
  declared: Declared<readonly string[]> & {
    readonly expects: string;
    readonly example: string;
    readonly item: RegExp;
  },
): Option<readonly string[]> {
  const check = (items: readonly string[]): readonly string[] | undefined =>
    items.every((item) => declared.item.test(item)) ? items : undefined;
  const fromText = (line: string): readonly string[] | undefined =>
    check(
      line
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    );
  return {
    ...declared,
    secret: false,
    defaultText: 'none',
    fromText,
    fromJson: (value) => {
      if (typeof value === 'string') return fromText(value);
      return Array.isArray(value) && value.every((item) => typeof item === 'string') ? check(value) : undefined;
    },
  };
}

/** Reads an http(s) URL without credentials, query or fragment; answers it without its trailing slash. */
export function readBaseUrl(value: string): string | undefined {
  if (!URL.canParse(value)) return undefined;
  const url = new URL(value);
  const plain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!plain || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
