import { describe, expect, it } from 'vitest';
import type { PlacedMarker } from '@batchwright/core';
import { editParams } from './params-edit.ts';
import { withMarkers, withoutMarkers, withStream } from './raw-params.fixture.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const shown = (edited: Uint8Array): string => Buffer.from(edited).toString();
const streamed = (text: string): string => shown(withStream(bytes(text)));
const marked = (text: string, ...markers: readonly PlacedMarker[]): string => shown(withMarkers(bytes(text), markers));
const unmarked = (text: string): string => shown(withoutMarkers(bytes(text)));

const SHORT = '"cache_control":{"type":"ephemeral"}';
const LONG = '"cache_control":{"type":"ephemeral","ttl":"1h"}';
const at = (block: number, ttl: PlacedMarker['ttl'] = '5m'): PlacedMarker => ({ block, ttl });

describe('withStream', () => {
  it('asks for a stream behind all else', () => {
    expect(streamed('{"model":"m","max_tokens":1.0}')).toBe('{"model":"m","max_tokens":1.0,"stream":true}');
    expect(streamed(' { } ')).toBe(' { "stream":true} ');
  });

  it('writes over what the client said, where it counts', () => {
    expect(streamed('{"stream" : false ,"a":1}')).toBe('{"stream" : true ,"a":1}');
    expect(streamed('{"stream":false,"str\\u0065am":null}')).toBe('{"stream":false,"str\\u0065am":true}');
  });

  it('leaves a stream alone that is none of the call’s own', () => {
    expect(streamed('{"metadata":{"stream":false}}')).toBe('{"metadata":{"stream":false},"stream":true}');
  });
});

describe('withMarkers', () => {
  it('counts blocks over tools, system and messages, whatever the order of the keys', () => {
    const text = '{"messages":[{"content":[{"a":1},{"b":2}],"role":"user"}],"system":[{"c":3}],"tools":[{"d":4}]}';
    expect(marked(text, at(0, '1h'), at(1), at(3))).toBe(
      `{"messages":[{"content":[{"a":1},{"b":2,${SHORT}}],"role":"user"}],"system":[{"c":3,${SHORT}}],"tools":[{"d":4,${LONG}}]}`,
    );
  });

  it('makes a text one block, its bytes as they are', () => {
    expect(marked('{"system":"a\\u0041\\/","messages":[{"role":"user","content":"b"}]}', at(0), at(1, '1h'))).toBe(
      `{"system":[{"type":"text","text":"a\\u0041\\/",${SHORT}}],"messages":[{"role":"user","content":[{"type":"text","text":"b",${LONG}}]}]}`,
    );
  });

  it('writes over a marker that the block has, which may be null', () => {
    expect(marked('{"tools":[{"cache_control":null,"name":"t"}]}', at(0, '1h'))).toBe(
      `{"tools":[{${LONG},"name":"t"}]}`,
    );
  });

  it('goes by the last of a key given twice', () => {
    const text = '{"messages":[{"content":"a","content":[{"x":1}]}],"tools":[{"t":1},{"t":2}],"tools":[{"t":3}]}';
    expect(marked(text, at(0), at(1))).toBe(
      `{"messages":[{"content":"a","content":[{"x":1,${SHORT}}]}],"tools":[{"t":1},{"t":2}],"tools":[{"t":3,${SHORT}}]}`,
    );
  });

  it('passes over positions that the prompt does not have', () => {
    const text = bytes('{"messages":[{"content":[]},{"role":"user"},7],"system":null}');
    expect(withMarkers(text, [at(0), at(5)])).toBe(text);
  });
});

describe('withoutMarkers', () => {
  it.each([
    ['at the top', `{"a":1,${LONG}}`, '{"a":1}'],
    ['before all else', `{ ${LONG} , "a":1}`, '{ "a":1}'],
    ['alone', `{"tools":[{ ${LONG} }]}`, '{"tools":[{  }]}'],
    ['given twice', `{"tools":[{${LONG},${SHORT},"a":1,${SHORT},${LONG},"b":2}]}`, '{"tools":[{"a":1,"b":2}]}'],
    ['spelled with an escape', '{"system":[{"a":1,"cache\\u005fcontrol":null}]}', '{"system":[{"a":1}]}'],
    [
      'on blocks in results and documents',
      `{"messages":[{"content":[{"content":[{"a":1,${SHORT}},{"source":{"content":[{"b":2,${LONG}}]}}]}]}]}`,
      '{"messages":[{"content":[{"content":[{"a":1},{"source":{"content":[{"b":2}]}}]}]}]}',
    ],
  ])('takes one out that stands %s', (_, text, left) => {
    expect(unmarked(text)).toBe(left);
  });

  it('is not brought down by nesting of any depth', () => {
    const nested = `{"messages":[{"content":${'[{"content":'.repeat(4000)}[]${'}]'.repeat(4000)}}],${LONG}}`;
    expect(unmarked(nested)).toBe(nested.replace(`,${LONG}`, ''));
  });

  it('touches nothing that only bears the name', () => {
    const tools = '[{"input_schema":{"properties":{"cache_control":{}}}}]';
    const content = '[{"input":{"cache_control":1}},{"source":{"cache_control":2}}]';
    const text = bytes(`{"tools":${tools},"messages":[{"cache_control":3,"content":${content}}]}`);
    expect(withoutMarkers(text)).toBe(text);
  });
});

describe('editParams', () => {
  it('makes all edits in one go', () => {
    const edits = { stream: true, dropMarkers: true, markers: [at(0)] };
    expect(shown(editParams(bytes(`{"system":[{${LONG},"text":"s"}],${LONG}}`), edits))).toBe(
      `{"system":[{"text":"s",${SHORT}}],"stream":true}`,
    );
  });

  it('gives back the very bytes when it has nothing to do', () => {
    const text = bytes('{"a":1}');
    expect(editParams(text, {})).toBe(text);
    expect(editParams(text, { dropMarkers: true, markers: [] })).toBe(text);
  });

  it('refuses what intake never lets in', () => {
    expect(() => withStream(bytes('[]'))).toThrow('no JSON object');
  });
});
