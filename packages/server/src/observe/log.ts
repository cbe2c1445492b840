import { pickFields, type LogFields } from './log-fields.ts';

/**
 * The log: one JSON object per line, for machines first. What may appear in a line is a closed list of fields
 * (`log-fields.ts`), so that no prompt, body, key or query string can reach it through a careless call.
 *
 * pino is loaded on the first line that will be written and not at start-up, which is counted in milliseconds; lines
 * wait in order until it is there.
 */
export interface Log {
  trace(fields: LogFields, message: string): void;
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  fatal(fields: LogFields, message: string): void;
  /** Resolves when every line so far is written; await it before the process exits. */
  flush(): Promise<void>;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Receives whole lines, newline included. */
export interface LogTarget {
  write(line: string): void;
}

export interface LogSettings {
  readonly level: LogLevel | 'silent';
  /** `stderr` leaves stdout to what a command prints for people. */
  readonly target: 'stdout' | 'stderr' | LogTarget;
}

type Line = { readonly level: LogLevel; readonly fields: LogFields; readonly message: string };
type WriteLine = (line: Line) => void;

/** Lines held while pino loads, which takes some 50 ms. More is a flood, and what it says is in the first of them. */
const WAITING_LINES = 10_000;

/** Makes a log. Writing never throws and never waits. */
export function createLog(settings: LogSettings): Log {
  const threshold = settings.level === 'silent' ? LOG_LEVELS.length : LOG_LEVELS.indexOf(settings.level);
  let write: WriteLine | null = null;
  let loading: Promise<void> | null = null;
  let waiting: Line[] = [];

  const load = async (): Promise<void> => {
    const loaded = await openPino(settings);
    write = loaded;
    for (const line of waiting) loaded(line);
    waiting = [];
  };
  const at = (level: LogLevel) => {
    if (LOG_LEVELS.indexOf(level) < threshold) return () => {};
    return (fields: LogFields, message: string): void => {
      if (write !== null) return write({ level, fields, message });
      if (waiting.length < WAITING_LINES) waiting.push({ level, fields, message });
      // A log that cannot be loaded must not end the process; the next line tries again.
      loading ??= load().catch(() => void (loading = null));
    };
  };
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
    async flush() {
      await loading;
    },
  };
}

/** A log that writes nothing, for tests and for embedding. */
export const silentLog: Log = createLog({ level: 'silent', target: 'stderr' });

async function openPino(settings: LogSettings): Promise<WriteLine> {
  const { pino } = await import('pino');
  const target =
    typeof settings.target === 'object'
      ? settings.target
      : // Written at once and not collected: the line before a crash is the one that matters.
        pino.destination({ fd: settings.target === 'stdout' ? 1 : 2, sync: true });
  const logger = pino(
    {
      level: settings.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Errors arrive described already; pino's own serializer would add what was left out of them on purpose.
      serializers: { err: (described: unknown) => described },
      formatters: { level: (label) => ({ level: label }) },
    },
    target,
  );
  return ({ level, fields, message }) => logger[level](pickFields(fields), message);
}
