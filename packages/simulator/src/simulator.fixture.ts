import { Buffer } from 'node:buffer';
import { VirtualClock } from '@batchwright/core';
import type { SimulatorOptions } from './options.ts';
import { createSimulator, type Simulator } from './simulator.ts';

/** For tests: what one call heard, with the virtual moment of each event. */
export interface Heard {
  status: number | null;
  headers: Readonly<Record<string, string>>;
  text: string;
  readonly chunksAtMs: number[];
  headAtMs: number | null;
  end: 'end' | 'failure' | 'timeout' | null;
  endAtMs: number | null;
  readonly cancel: () => void;
}

export interface Bench {
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  /** Starts a call; time does not move. */
  start(body: unknown, headers?: Record<string, string>, path?: string, method?: string): Heard;
  /** Starts a call and lets time run until nothing more is due: a day, unless the bench has shorter ones. */
  call(body: unknown, headers?: Record<string, string>, path?: string, method?: string): Promise<Heard>;
}

export const VERSION = { 'anthropic-version': '2023-06-01' };

export function createBench(options: Partial<SimulatorOptions> = {}, dayMs = 24 * 60 * 60 * 1000): Bench {
  const clock = new VirtualClock(1_800_000_000_000);
  const simulator = createSimulator({ clock, seed: 1, ...options });
  const start: Bench['start'] = (body, headers = VERSION, path = '/v1/messages', method = 'POST') => {
    const bytes = body === null ? null : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
    const heard = { status: null, headers: {}, text: '', chunksAtMs: [], headAtMs: null, end: null, endAtMs: null };
    return Object.assign<Omit<Heard, 'cancel'>, Pick<Heard, 'cancel'>>(heard, {
      cancel: simulator.handle({ method, path, headers, body: bytes }, eventsInto(heard, clock)),
    });
  };
  return {
    clock,
    simulator,
    start,
    async call(...args) {
      const heard = start(...args);
      await clock.advance(dayMs);
      return heard;
    },
  };
}

function eventsInto(heard: Omit<Heard, 'cancel'>, clock: VirtualClock) {
  return {
    onHead(status: number, headers: Readonly<Record<string, string>>) {
      heard.status = status;
      heard.headers = headers;
      heard.headAtMs = clock.now();
    },
    onData(chunk: Uint8Array) {
      heard.text += Buffer.from(chunk).toString('utf8');
      heard.chunksAtMs.push(clock.now());
    },
    onEnd() {
      heard.end = 'end';
      heard.endAtMs = clock.now();
    },
    onFailure(_reason: string, timeout: boolean) {
      heard.end = timeout ? 'timeout' : 'failure';
      heard.endAtMs = clock.now();
    },
  };
}

/** Params that run, with whatever a test changes. */
export function paramsOf(changes: object = {}): Record<string, unknown> {
  return {
    model: 'claude-haiku-4-5',
    max_tokens: 1000,
    messages: [{ role: 'user', content: 'What is the capital of France?' }],
    ...changes,
  };
}

/** A block of text that counts `tokens`, told from others by its name, with or without a marker. */
export function block(tokens: number, name: string, ttl?: '5m' | '1h'): object {
  return {
    type: 'text',
    text: `@@sim{"tokens":${tokens}}@@ ${name}`,
    ...(ttl !== undefined && { cache_control: { type: 'ephemeral', ttl } }),
  };
}

/** The bill in an answer: plain input, written for 5 minutes, for an hour, and read. */
export function billIn(heard: Heard): readonly [input: number, write5m: number, write1h: number, read: number] {
  const { usage } = heard.text.startsWith('event:') ? startOf(heard) : messageIn(heard);
  const created = usage['cache_creation'] as Record<string, number | undefined>;
  const total = Number(usage['cache_creation_input_tokens']);
  const [short = NaN, long = NaN] = [created['ephemeral_5m_input_tokens'], created['ephemeral_1h_input_tokens']];
  if (short + long !== total) throw new Error(`The parts ${short} and ${long} do not sum to ${total}.`);
  return [usage.input_tokens, short, long, Number(usage['cache_read_input_tokens'])];
}

function startOf(heard: Heard): AnyMessage {
  const [, data = ''] = /^event: message_start\ndata: (.+)$/m.exec(heard.text) ?? [];
  return (JSON.parse(data) as { message: AnyMessage }).message;
}

/** A message's JSON, loosely. */
export interface AnyMessage {
  readonly id: string;
  readonly model: string;
  readonly content: readonly { readonly type: string; readonly [key: string]: unknown }[];
  readonly stop_reason: string | null;
  readonly stop_sequence: string | null;
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number; readonly [key: string]: unknown };
}

export function messageIn(heard: Heard): AnyMessage {
  return JSON.parse(heard.text) as AnyMessage;
}

export function textIn(message: AnyMessage): string {
  return message.content.map((block) => (typeof block['text'] === 'string' ? block['text'] : '')).join('');
}

export function errorIn(heard: Heard): { readonly type: string; readonly message: string; readonly details?: unknown } {
  return (JSON.parse(heard.text) as { error: { type: string; message: string } }).error;
}
