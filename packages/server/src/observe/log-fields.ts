/**
 * Everything a log line may say beside its message. A route is its pattern and never the raw URL, whose query belongs to
 * the client; an error keeps its kind, its place and, where that cannot quote a client's bytes, its message.
 */
export interface LogFields {
  readonly requestId?: string | undefined;
  readonly method?: string | undefined;
  readonly route?: string | undefined;
  readonly status?: number | undefined;
  readonly ms?: number | undefined;
  readonly bytes?: number | undefined;
  readonly aborted?: boolean | undefined;
  readonly workspaceId?: string | undefined;
  readonly batchId?: string | undefined;
  readonly keyId?: string | undefined;
  readonly shard?: number | undefined;
  readonly epoch?: number | undefined;
  readonly node?: string | undefined;
  readonly upstream?: string | undefined;
  readonly answer?: string | undefined;
  readonly attempt?: number | undefined;
  readonly count?: number | undefined;
  readonly delayMs?: number | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly url?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly version?: string | undefined;
  readonly signal?: string | undefined;
  readonly reason?: string | undefined;
  readonly err?: unknown;
}

/** The same list for the running program: a field that is not named here is dropped, whatever its caller's types said. */
const PLAIN_FIELDS = [
  'requestId',
  'method',
  'route',
  'status',
  'ms',
  'bytes',
  'aborted',
  'workspaceId',
  'batchId',
  'keyId',
  'shard',
  'epoch',
  'node',
  'upstream',
  'answer',
  'attempt',
  'count',
  'delayMs',
  'host',
  'port',
  'url',
  'dataDir',
  'version',
  'signal',
  'reason',
] as const satisfies readonly Exclude<keyof LogFields, 'err'>[];

const TEXT_CHARACTERS = 500;
const STACK_FRAMES = 12;
const CAUSES = 4;

/** The fields of a line as they are written: allowed names, primitive values, bounded texts, no secrets. */
export function pickFields(fields: LogFields): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const name of PLAIN_FIELDS) {
    const value: unknown = fields[name];
    if (typeof value === 'number' || typeof value === 'boolean') picked[name] = value;
    else if (typeof value === 'string') picked[name] = boundedText(value);
  }
  if (fields.err !== undefined) picked['err'] = describeError(fields.err, CAUSES);
  return picked;
}

function describeError(error: unknown, causes: number): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: typeof error };
  const described: Record<string, unknown> = { name: error.name };
  const code: unknown = (error as { code?: unknown }).code;
  if (typeof code === 'string' || typeof code === 'number') described['code'] = code;
  // V8 quotes the offending text in a SyntaxError's message, and that text is a client's or an upstream's.
  if (!(error instanceof SyntaxError)) described['message'] = boundedText(error.message);
  described['stack'] = frames(error);
  if (error.cause !== undefined && causes > 0) described['cause'] = describeError(error.cause, causes - 1);
  return described;
}

function frames(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return lines.slice(0, STACK_FRAMES).map((line) => line.trim());
}

/**
 * Anything that looks like an API key or a bearer token is cut to its first characters. What a terminal would obey, or a
 * reader of lines take for the end of one, is a dot: JSON spells only some of it out, and people read logs with `less -R`.
 */
function boundedText(text: string): string {
  const short = text.length > TEXT_CHARACTERS ? `${text.slice(0, TEXT_CHARACTERS)}…` : text;
  return short
    .replace(/\bsk-[A-Za-z0-9_-]{4,}/g, 'sk-…')
    .replace(/\b(bearer)\s+\S+/gi, '$1 …')
    .replace(/[\p{Cc}\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu, '·');
}
