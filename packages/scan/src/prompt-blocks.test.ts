import { BLOCK_TRAITS, type PromptBlocks } from '@batchwright/core';
import { describe, expect, it } from 'vitest';
import { notedBlocks, scanBody, sharedScanner, zeroBytes } from './body.fixture.ts';

const { marked5m, marked1h, markable } = BLOCK_TRAITS;
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

function notedBody(body: string): PromptBlocks {
  const verdict = scanBody(encode(body));
  if (verdict.type !== 'accepted') throw new Error(`The body was refused: ${verdict.problem.type}`);
  return notedBlocks();
}

function noted(...params: readonly string[]): PromptBlocks {
  return notedBody(`{"requests":[${params.map((p, i) => `{"custom_id":"r${i}","params":${p}}`).join(',')}]}`);
}

/** The hashes of each request's blocks. */
function hashes({ requestCount, firstBlock, hash }: PromptBlocks): readonly (readonly number[])[] {
  return Array.from({ length: requestCount }, (_, r) => [...hash.subarray(firstBlock[r], firstBlock[r + 1])]);
}

/** How many blocks the prompts of two params have in common at their start, and how many they have. */
function shared(a: string, b: string): { readonly common: number; readonly blocks: readonly [number, number] } {
  const [left = [], right = []] = hashes(noted(a, b));
  const differing = left.findIndex((hash, i) => hash !== right[i]);
  return { common: differing < 0 ? left.length : differing, blocks: [left.length, right.length] };
}

const TOOL = '{"name":"t","input_schema":{"type":"object","properties":{"type":{"const":"image"}}}}';
const MESSAGES = '[{"role":"user","content":[{"type":"text","text":"one"},{"type":"text","text":"two"}]}]';
const BASE = `{"model":"m","max_tokens":5,"tools":[${TOOL}],"system":"sys","messages":${MESSAGES}}`;
/** Tool, system prompt, and two blocks of a message. */
const BLOCKS = 4;

describe('the hash of a prompt stays', () => {
  it.each([
    ['when whitespace between tokens changes', JSON.stringify(JSON.parse(BASE), null, 3)],
    [
      'when the members of params change places',
      `{"messages":${MESSAGES},"system":"sys","tools":[${TOOL}],"max_tokens":5,"model":"m"}`,
    ],
    [
      'when what has no part in the prompt changes',
      BASE.replace(
        '"max_tokens":5',
        '"max_tokens":6,"temperature":1,"top_p":0.1,"top_k":3,"stop_sequences":["x"],"metadata":{"user_id":"u"},' +
          '"stream":false,"service_tier":"auto","diagnostics":{}',
      ),
    ],
    ['when a string becomes the text block it stands for', BASE.replace('"sys"', '[{"type":"text","text":"sys"}]')],
    [
      'when markers come, wherever among the members',
      BASE.replace('{"name"', '{"cache_control":{"type":"ephemeral"},"name"')
        .replace('"text":"one"', '"cache_control" : {"ttl":"1h", "type":"ephemeral"}, "text":"one"')
        .replace('"text":"two"', '"text":"two","cache_control":null')
        .replace('{"model"', '{"cache_control":{"type":"ephemeral"},"model"'),
    ],
    [
      'when the message names its content first',
      BASE.replace(/"role":"user",("content":.*)}]}$/, '$1,"role":"user"}]}'),
    ],
    [
      'when a key is spelled with escapes',
      BASE.replace('"messages"', '"mess\\u0061ges"').replace('"text":"two"', '"te\\u0078t":"two"'),
    ],
    ['when a key was given before, with another value', BASE.replace('{"model"', '{"model":"x","system":[{}],"model"')],
  ])('%s', (_, changed) => {
    expect(changed).not.toBe(BASE);
    expect(shared(BASE, changed)).toEqual({ common: BLOCKS, blocks: [BLOCKS, BLOCKS] });
  });
});

describe('the hash of a prompt changes', () => {
  it.each([
    ['nowhere before the block whose text changes', 3, BASE.replace('two', 'twO')],
    [
      'nowhere before a block that is added',
      4,
      BASE.replace('{"type":"text","text":"two"}', '$&,{"type":"text","text":"3"}'),
    ],
    ['from the system prompt on when that changes', 1, BASE.replace('"sys"', '"sy5"')],
    ['from the first tool on when tools change places', 0, BASE.replace(TOOL, `{"name":"s"},${TOOL}`)],
    ['where somebody else speaks', 2, BASE.replace('"user"', '"assistant"')],
    [
      'where a message is cut in two',
      3,
      BASE.replace(',{"type":"text","text":"two"}', ']},{"role":"user","content":[{"type":"text","text":"two"}'),
    ],
    ['altogether with the model', 0, BASE.replace('"m"', '"n"')],
    ['altogether with a field that might have a part in it', 0, BASE.replace('{"model"', '{"thinking":{},"model"')],
    ['from the system prompt on with speed', 1, BASE.replace('{"model"', '{"speed":"fast","model"')],
    [
      'from the system prompt on when citations are asked for anywhere',
      1,
      BASE.replace('{"type":"text","text":"two"}', '$&,{"type":"document","citations":{"enabled":true}}'),
    ],
    ['from the messages on with tool_choice', 2, BASE.replace('{"model"', '{"tool_choice":{"type":"any"},"model"')],
    [
      'from the messages on when there is an image anywhere',
      2,
      BASE.replace('{"type":"text","text":"two"}', '$&,{"type":"tool_result","content":[{"type":"image"}]}'),
    ],
    [
      'where a block says its members in another order',
      2,
      BASE.replace('{"type":"text","text":"one"}', '{"text":"one","type":"text"}'),
    ],
    ['where text is spelled with escapes', 2, BASE.replace('one', '\\u006fne')],
    ['where text has whitespace', 2, BASE.replace('"one"', '"one "')],
    [
      'where a block is a system prompt no more',
      1,
      BASE.replace('"system":"sys"', '"system":[]').replace(
        '[{"type":"text","text":"one"}',
        '[{"type":"text","text":"sys"},{"type":"text","text":"one"}',
      ),
    ],
  ])('%s', (_, common, changed) => {
    expect(changed).not.toBe(BASE);
    expect(shared(BASE, changed).common).toBe(common);
  });

  it('with the seed', () => {
    const scanner = sharedScanner();
    const body = encode(`{"requests":[{"custom_id":"a","params":${BASE}}]}`);
    const [block] = scanner.blocks;
    block?.set(body);
    const under = (seed: bigint): readonly number[] => {
      scanner.begin(zeroBytes, seed);
      if (block !== undefined) scanner.feed(block.subarray(0, body.length));
      scanner.finish();
      return [...scanner.promptBlocks().hash];
    };
    const [none, one] = [under(0n), under(2n ** 64n - 1n)];
    expect(none).toHaveLength(BLOCKS);
    expect(none.filter((hash) => one.includes(hash))).toEqual([]);
    expect(under(0n)).toEqual(none);
  });

  it('to a whole number that a float holds exactly', () => {
    const { hash } = noted(BASE);
    expect(hash.every((value) => Number.isSafeInteger(value) && value >= 0)).toBe(true);
  });
});

describe('the hash of a text', () => {
  /** More than two of the stripes that long texts are summed up by. */
  const LONGEST = 150;
  const asked = (content: string): string =>
    `{"model":"m","max_tokens":5,"messages":[{"role":"user","content":${JSON.stringify(content)}}]}`;
  const ofTexts = (texts: readonly string[]): readonly number[] => hashes(noted(...texts.map(asked))).flat();
  /** No two letters alike that are near one another. */
  const letters = (count: number): string =>
    Array.from({ length: count }, (_, at) => String.fromCharCode(0x61 + ((at * 7 + (at >> 5)) % 26))).join('');

  it('of any length is the same wherever the body is cut in three', () => {
    for (let length = 0; length <= LONGEST; length++) {
      const body = encode(`{"requests":[{"custom_id":"a","params":${asked(letters(length))}}]}`);
      scanBody(body);
      const whole = notedBlocks().hash;
      const end = body.length - '"}]}}]}'.length;
      for (let cut = 1; cut <= length; cut += 3) {
        scanBody(body, [end - length, end - length + cut]);
        expect(notedBlocks().hash).toEqual(whole);
      }
    }
  });

  it('is another with each length, if all its bytes are the same', () => {
    for (const letter of ['a', '\0']) {
      const texts = Array.from({ length: LONGEST }, (_, length) => letter.repeat(length));
      expect(new Set(ofTexts(texts)).size).toBe(texts.length);
    }
  });

  it('is another with each bit of it, and with each two of its parts that change places', () => {
    const text = letters(LONGEST * 2);
    const texts = [text];
    for (let at = 0; at < text.length; at++) {
      for (const bit of [1, 2, 4, 8, 0x10]) {
        const changed = String.fromCharCode(text.charCodeAt(at) ^ bit);
        texts.push(text.slice(0, at) + changed + text.slice(at + 1));
      }
    }
    for (const size of [1, 4, 8, 16, 32, 64]) {
      for (let at = 0; at + 3 * size <= text.length; at += size) {
        const [first, middle, last] = [0, 1, 2].map((part) => text.slice(at + part * size, at + (part + 1) * size));
        texts.push(`${text.slice(0, at)}${last}${middle}${first}${text.slice(at + 3 * size)}`);
      }
    }
    const different = new Set(texts);
    expect(different.size).toBeGreaterThan(1800);
    expect(new Set(ofTexts([...different])).size).toBe(different.size);
  });
});

describe('a key given twice', () => {
  it('counts as it was given last, and order of the two counts', () => {
    const twice = (a: string, b: string): string =>
      BASE.replace('{"model"', `{"thinking":${a},"think\\u0069ng":${b},"model"`);
    expect(shared(twice('1', '2'), twice('3', '2')).common).toBe(BLOCKS);
    expect(shared(twice('1', '2'), twice('2', '1')).common).toBe(0);
  });

  it('forgets the messages of the first, and the params', () => {
    const changed = BASE.replace('"messages"', '"messages":[{"role":"user","content":"gone"}],"messages"');
    expect(shared(BASE, changed)).toEqual({ common: BLOCKS, blocks: [BLOCKS, BLOCKS] });
    const { firstBlock } = notedBody(`{"requests":[{"custom_id":"a","params":${BASE},"params":{"messages":[]}}]}`);
    expect([...firstBlock]).toEqual([0, 0]);
  });

  it('forgets the requests of the first, although their blocks were handed over long ago', () => {
    const many = Array.from(
      { length: 2_000 },
      (_, i) => `{"custom_id":"${i}","params":{"model":"m${i % 7}","system":"s"}}`,
    );
    const last = `{"custom_id":"0","params":${BASE.replace('"m"', '"other"')}}`;
    const found = notedBody(`{"requests":[${many.join(',')}],"requests":[${last}]}`);
    expect(found).toEqual(notedBody(`{"requests":[${last}]}`));
    expect(found).toMatchObject({ requestCount: 1, models: ['other'] });
    expect([...found.firstBlock]).toEqual([0, BLOCKS]);
  });
});

const textWith = (marker: string): string => `{"type":"text","text":"a","cache_control":${marker}}`;
const traitsOf = (params: string): readonly number[] => [...noted(params).traits];
const system = (...blocks: readonly string[]): string => `{"system":[${blocks.join(',')}]}`;

describe('a marker', () => {
  it.each([
    ['{"type":"ephemeral"}', marked5m],
    ['{"type":"ephemeral","ttl":null}', marked5m],
    ['{"ttl":"5m","type":"ephemeral"}', marked5m],
    ['{"type":"ephemeral","ttl":"1h"}', marked1h],
    ['{"type":"ephemeral","ttl":"\\u0031h"}', marked1h],
    ['{"type":"ephemeral","ttl":"1h","ttl":"5m"}', marked5m],
    ['null', 0],
    ['{"type":"eternal","ttl":"1h"}', 0],
    ['{"ttl":"1h"}', 0],
    ['"ephemeral"', 0],
  ])('%s', (marker, trait) => {
    expect(traitsOf(system(textWith(marker)))).toEqual([trait | markable]);
    expect(traitsOf(`{"tools":[{"name":"t","cache_control":${marker}}]}`)).toEqual([trait | markable]);
    expect(traitsOf(`{"cache_control":${marker},"system":"s"}`)).toEqual([trait | markable]);
  });

  it('may be carried by anything but thinking, empty text, and what is no block', () => {
    const blocks = ['""', '"a"'].map((text) => `{"type":"text","text":${text}}`);
    const others = ['image', 'thinking', 'tool_use', 'redacted_thinking', 'anything'].map(
      (type) => `{"type":"${type}"}`,
    );
    const content = [...blocks, ...others, '7', '{}'].join(',');
    const expected = [0, markable, markable, 0, markable, 0, markable, 0, markable];
    expect(traitsOf(`{"messages":[{"role":"user","content":[${content}]}]}`)).toEqual(expected);
    expect(traitsOf('{"system":"","messages":[{"content":""}]}')).toEqual([0, 0]);
  });

  it('at the top stands for one on the last block that can carry one', () => {
    const top = (rest: string): readonly number[] =>
      traitsOf(`{"cache_control":{"type":"ephemeral","ttl":"1h"},${rest}}`);
    expect(top('"messages":[{"content":"a"},{"content":""}],"system":"s"')).toEqual([markable, markable | marked1h, 0]);
    expect(top(`"system":[${textWith('{"type":"ephemeral"}')}]`)).toEqual([markable | marked5m]);
    expect(top('"messages":[]')).toEqual([]);
  });

  it('on the last block nested in a tool result or a document counts as its parent’s', () => {
    const [plain, marked] = ['{"type":"text","text":"x"}', textWith('{"type":"ephemeral"}')];
    const found = traitsOf(
      `{"messages":[{"content":[${[
        `{"type":"tool_result","content":[${plain},${marked}]}`,
        `{"content":[${marked},${plain}],"type":"tool_result"}`,
        `{"type":"document","source":{"type":"content","content":[${marked}]}}`,
        `{"type":"tool_use","input":{"a":[${marked}]}}`,
        `{"type":"search_result","content":[${marked}]}`,
      ].join(',')}]}]}`,
    );
    expect(found).toEqual([markable | marked5m, markable, markable | marked5m, markable, markable]);
  });
});

describe('the size of a prompt', () => {
  const tokens = (params: string): readonly number[] => [...noted(params).tokens];
  const content = (...blocks: readonly string[]): string => `{"messages":[{"content":[${blocks.join(',')}]}]}`;

  it('is that of its text, escapes decoded, block by block and summed up', () => {
    expect(tokens(`{"system":"${'a'.repeat(400)}","messages":[{"content":"12345"}]}`)).toEqual([100, 102]);
    expect(tokens(`{"system":"${'\\n'.repeat(400)}"}`)).toEqual([100]);
    expect(tokens(`{"system":"${'\\u6f22'.repeat(400)}"}`)).toEqual([300]);
    expect(tokens(`{"system":"${'漢'.repeat(400)}"}`)).toEqual([300]);
    expect(tokens(`{"system":"${'\\ud83d\\ude00'.repeat(400)}"}`)).toEqual([400]);
    expect(tokens(`{"model":"claude-sonnet-5","system":"${'a'.repeat(400)}"}`)).toEqual([130]);
  });

  it('is that of the JSON of tools, without whitespace and markers', () => {
    const tool = { name: 'a tool', description: 'x'.repeat(100), input_schema: { type: 'object' } };
    const expected = Math.ceil(JSON.stringify(tool).length / 4);
    const spaced = JSON.stringify({ tools: [{ ...tool, cache_control: { type: 'ephemeral' } }] }, null, 2);
    expect(tokens(spaced)).toEqual([expected]);
  });

  it('takes pictures and pages for what they cost, not for their base64', () => {
    const data = 'QUJD'.repeat(50_000);
    const source = (type: string): string => `{"type":"base64","media_type":"${type}","data":"${data}"}`;
    const image = `{"type":"image","source":${source('image/png')}}`;
    const [picture = 0, both = 0, pdf = 0, elsewhere = 0, text = 0] = [
      image,
      `{"type":"tool_result","content":[${image},{"type":"image","source":{"type":"url","url":"u"}}]}`,
      `{"type":"document","source":${source('application/pdf')}}`,
      `{"type":"document","source":{"type":"file","file_id":"f"}}`,
      `{"type":"document","source":{"type":"text","media_type":"text/plain","data":"${data}"}}`,
    ].flatMap((block) => tokens(content(block)));
    const near = (tokensExpected: number): { min: number; max: number } => ({
      min: tokensExpected,
      max: tokensExpected + 50,
    });
    for (const [found, { min, max }] of [
      [picture, near(1_600)],
      [both, near(3_200)],
      [pdf, near(4 * 1_500)],
      [elsewhere, near(1_500)],
      [text, near(50_000)],
    ] as const) {
      expect(found).toBeGreaterThanOrEqual(min);
      expect(found).toBeLessThanOrEqual(max);
    }
  });
});

describe('the bounds of what is noted', () => {
  it('are 8,192 blocks of tools, of system, and of messages; what comes after is not noted, and not marked', () => {
    const list = (count: number): string => `[${'{},'.repeat(count - 1)}{}]`;
    const prompt = (tools: number, messages: number): PromptBlocks =>
      noted(
        `{"messages":[{"content":${list(messages)}}],"cache_control":{"type":"ephemeral"},"tools":${list(tools)},"system":"s"}`,
        '{"system":"s"}',
      );
    const isMarked = (trait: number): boolean => (trait & marked5m) !== 0;
    const whole = prompt(8_192, 8_192);
    expect([...whole.firstBlock]).toEqual([0, 16_385, 16_386]);
    expect(whole.traits.findIndex(isMarked)).toBe(16_384);
    const cut = prompt(8_193, 2);
    expect([...cut.firstBlock]).toEqual([0, 8_192, 8_193]);
    expect(cut.traits.some(isMarked)).toBe(false);
    expect([...cut.hash.subarray(0, 8_192)]).toEqual([...whole.hash.subarray(0, 8_192)]);
    expect([...prompt(1, 8_193).firstBlock]).toEqual([0, 8_194, 8_195]);
  });

  it('are 1,000,000 blocks of a batch', () => {
    const params = `{"tools":[${'{},'.repeat(7_999)}{}]}`;
    const { firstBlock, hash, requestCount } = noted(...Array.from({ length: 126 }, () => params), BASE);
    expect(requestCount).toBe(127);
    expect([...firstBlock.subarray(124)]).toEqual([992_000, 1_000_000, 1_000_000, 1_000_000]);
    expect(hash).toHaveLength(1_000_000);
    expect(hash[999_999]).toBe(hash[7_999]);
  });

  it('hold when one piece of the body completes more than any other could', () => {
    const list = `[${'0,'.repeat(8_191)}0]`;
    const head = `"tools":${list},"system":${list},"messages":[{"content":${list}}]`;
    const short = `{"custom_id":"b","params":{"tools":[${'0,'.repeat(8_000)}0]}}`;
    const body = `{"requests":[{"custom_id":"a","params":{${head}}},${short}]}`;
    expect([...notedBody(body).firstBlock]).toEqual([0, 24_576, 24_576 + 8_001]);
  });

  it('are 255 models of names up to 256 bytes; others have none', () => {
    const named = (name: string): string => `{"model":${name}}`;
    const names = Array.from({ length: 255 }, (_, i) => `model-${i}`);
    const full = noted(...[...names, 'one-more', 'model-3'].map((name) => named(`"${name}"`)));
    expect(full.models).toEqual([...names, '']);
    expect([...full.model.subarray(254)]).toEqual([254, 255, 3]);
    const odd = noted(
      named(`"${'x'.repeat(256)}"`),
      named(`"${'x'.repeat(257)}"`),
      named('7'),
      '{}',
      named('"\\u006d"'),
    );
    expect(odd.models).toEqual(['x'.repeat(256), 'm', '']);
    expect([...odd.model]).toEqual([0, 2, 2, 2, 1]);
  });
});
