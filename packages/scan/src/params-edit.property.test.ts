import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_TRAITS, type PlacedMarker } from '@batchwright/core';
import { Identities, notedPrompts, type NotedPrompt } from './prompt-blocks.oracle.fixture.ts';
import { editParams, type ParamsEdits } from './params-edit.ts';
import { prompt, rawParams, rawTree } from './raw-params.fixture.ts';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const items = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : []);
const parsed = (text: string): Json => JSON.parse(text) as Json;

/** The same edits on the parsed params. */
function reference(params: Json, edits: ParamsEdits): Json {
  if (edits.dropMarkers === true) drop(params);
  const places = placesOf(params);
  for (const { block, ttl } of edits.markers ?? []) places[block]?.(markerOf(ttl));
  if (edits.stream === true) params['stream'] = true;
  return params;
}

function markerOf(ttl: PlacedMarker['ttl']): Json {
  return ttl === '1h' ? { type: 'ephemeral', ttl } : { type: 'ephemeral' };
}

/** For each block in the order a prompt is rendered, what sets a marker on it. */
function placesOf(params: Json): ((marker: Json) => void)[] {
  const own =
    (block: unknown) =>
    (marker: Json): void =>
      void (isObject(block) && (block['cache_control'] = marker));
  const content = (holder: Json, key: string): ((marker: Json) => void)[] => {
    const value = holder[key];
    if (typeof value !== 'string') return items(value).map(own);
    return [(marker) => void (holder[key] = [{ type: 'text', text: value, cache_control: marker }])];
  };
  const messages = items(params['messages']).filter(isObject);
  return [
    ...items(params['tools']).map(own),
    ...content(params, 'system'),
    ...messages.flatMap((one) => content(one, 'content')),
  ];
}

function drop(params: Json): void {
  const content = (value: unknown): void => {
    for (const block of items(value).filter(isObject)) {
      delete block['cache_control'];
      content(block['content']);
      if (isObject(block['source'])) content(block['source']['content']);
    }
  };
  delete params['cache_control'];
  for (const tool of items(params['tools']).filter(isObject)) delete tool['cache_control'];
  content(params['system']);
  for (const message of items(params['messages']).filter(isObject)) content(message['content']);
}

const markers = fc.uniqueArray(fc.record({ block: fc.nat(8), ttl: fc.constantFrom('5m' as const, '1h' as const) }), {
  maxLength: 4,
  selector: (marker) => marker.block,
});
const edits = fc.record({ stream: fc.boolean(), dropMarkers: fc.boolean(), markers });

function edit(text: string, wanted: ParamsEdits): string {
  // Somewhere in a larger buffer, as params lie in a window of the request log.
  const window = Buffer.from(`[${text},{"cache_control":"\\u0041"}]`);
  const bytes = window.subarray(1, 1 + Buffer.byteLength(text));
  return Buffer.from(editParams(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), wanted)).toString();
}

const unescaped = (text: string): string =>
  text.replaceAll(/\\u([0-9a-f]{4})/g, (_, unit: string) => String.fromCharCode(parseInt(unit, 16)));

describe('editParams', () => {
  it('does to the bytes what the same edits do to the parsed params', () => {
    fc.assert(
      fc.property(rawParams, edits, (text, wanted) => {
        expect(parsed(edit(text, wanted))).toEqual(reference(parsed(text), wanted));
      }),
      { numRuns: 800 },
    );
  });

  it('leaves every key, number, escape and text of the prompt as the client spelled it', () => {
    fc.assert(
      fc.property(rawParams, edits, (text, wanted) => {
        expect(prompt(rawTree(edit(text, wanted)))).toEqual(prompt(rawTree(text)));
      }),
      { numRuns: 800 },
    );
  });

  it('counts blocks as intake does, and leaves the prompt that intake saw', () => {
    const noted = (text: string, identities: Identities): NotedPrompt =>
      notedPrompts(`{"requests":[{"params":${text}}]}`, identities)[0] as NotedPrompt;
    fc.assert(
      fc.property(rawParams, fc.nat(8), (text, block) => {
        const identities = new Identities();
        const before = noted(edit(text, { dropMarkers: true }), identities).blocks;
        const edited = edit(text, { dropMarkers: true, markers: [{ block, ttl: '1h' }] });
        const after = noted(edited, identities).blocks;
        expect(after.map(({ identity }) => identity)).toEqual(before.map(({ identity }) => identity));
        const marked = after.flatMap(({ traits }, i) => ((traits & BLOCK_TRAITS.marked1h) === 0 ? [] : [i]));
        expect(marked).toEqual(edited === edit(text, { dropMarkers: true }) ? [] : [block]);
        if (block >= before.length) expect(marked).toEqual([]);
      }),
      { numRuns: 800 },
    );
  });

  it('gives back the very bytes, whitespace included, once what was inserted is cut out again', () => {
    const plain = rawParams.filter((text) => !/cache_control|stream|\[{"type":"text","text":/.test(unescaped(text)));
    const cutOut = (text: string): string =>
      text
        .replaceAll(/\[{"type":"text","text":("(?:[^"\\]|\\.)*"),"cache_control":{"type":"ephemeral"}}\]/g, '$1')
        .replaceAll(/,?"cache_control":{"type":"ephemeral"}/g, '')
        .replace(/,?"stream":true/, '');
    fc.assert(
      fc.property(plain, markers, (text, list) => {
        const wanted = { stream: true, markers: list.map(({ block }) => ({ block, ttl: '5m' as const })) };
        expect(cutOut(edit(text, wanted))).toBe(text);
      }),
      { numRuns: 800 },
    );
  });

  it('takes markers out as if they had never been there, and twice is once', () => {
    fc.assert(
      fc.property(rawParams, (text) => {
        const dropped = edit(text, { dropMarkers: true });
        expect(edit(dropped, { dropMarkers: true })).toBe(dropped);
        const again = edit(edit(dropped, { markers: [{ block: 0, ttl: '1h' }] }), { dropMarkers: true });
        expect(prompt(rawTree(again))).toEqual(prompt(rawTree(dropped)));
      }),
      { numRuns: 800 },
    );
  });

  it('ends on bytes that are no JSON, by an answer or an error', () => {
    const ends = (text: string, wanted: ParamsEdits): void => {
      try {
        edit(text, wanted);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    };
    fc.assert(
      fc.property(rawParams, fc.nat(), fc.string({ maxLength: 3 }), edits, (text, at, noise, wanted) => {
        const cut = at % (text.length + 1);
        ends(text.slice(0, cut) + noise, wanted);
        ends(text.slice(0, cut) + noise + text.slice(cut + 1), wanted);
      }),
      { numRuns: 800 },
    );
  });
});
