/** JSON as spelled: every value with its text, from which only the whitespace between tokens is gone. */
export type RawJson =
  | { readonly kind: 'object'; readonly raw: string; readonly members: readonly RawMember[] }
  | { readonly kind: 'array'; readonly raw: string; readonly items: readonly RawJson[] }
  | { readonly kind: 'scalar'; readonly raw: string; readonly value: unknown };

export interface RawMember {
  readonly key: string;
  /** Quotes included. */
  readonly rawKey: string;
  readonly value: RawJson;
}

/** Reads a text that is known to be JSON. */
export function readRawJson(text: string): RawJson {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  let at = 0;
  const next = (): string => tokens[at++] ?? '';
  const skip = (token: string): boolean => {
    if (tokens[at] !== token) return false;
    at++;
    return true;
  };
  const read = (): RawJson => {
    const token = next();
    if (token === '{') return readObject();
    if (token === '[') return readArray();
    return { kind: 'scalar', raw: token, value: JSON.parse(token) as unknown };
  };
  const readObject = (): RawJson => {
    const members: RawMember[] = [];
    while (!skip('}')) {
      const rawKey = next();
      skip(':');
      members.push({ key: JSON.parse(rawKey) as string, rawKey, value: read() });
      skip(',');
    }
    return { kind: 'object', raw: `{${members.map((m) => `${m.rawKey}:${m.value.raw}`).join(',')}}`, members };
  };
  const readArray = (): RawJson => {
    const items: RawJson[] = [];
    while (!skip(']')) {
      items.push(read());
      skip(',');
    }
    return { kind: 'array', raw: `[${items.map((item) => item.raw).join(',')}]`, items };
  };
  return read();
}

/** The value of a key; of one given twice the last counts. */
export function memberOf(json: RawJson | undefined, key: string): RawJson | undefined {
  return json?.kind === 'object' ? json.members.findLast((member) => member.key === key)?.value : undefined;
}

export function isString(json: RawJson | undefined): boolean {
  return json?.kind === 'scalar' && typeof json.value === 'string';
}
