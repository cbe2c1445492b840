import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineCutter, readResultLine } from './result-lines.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('lines', () => {
  it('are the same however their bytes are cut', () => {
    const lines = fc.array(fc.string({ minLength: 1, unit: fc.constantFrom('a', 'é', '😀', '"', ' ') }), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(
        lines,
        fc.boolean(),
        fc.boolean(),
        fc.array(fc.nat(40), { maxLength: 20 }),
        (texts, isCrlf, isEnded, cuts) => {
          const end = isCrlf ? '\r\n' : '\n';
          const whole = bytes(texts.join(end) + (isEnded && texts.length > 0 ? end : ''));
          const cutter = new LineCutter();
          const found: Uint8Array[] = [];
          const borders = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length];
          borders.slice(1).forEach((border, i) => found.push(...cutter.cut(whole.subarray(borders[i], border))));
          const last = cutter.end();
          if (last !== null) found.push(last);
          expect(found.map((line) => new TextDecoder().decode(line))).toEqual(texts);
        },
      ),
    );
  });

  it.each([
    ['{"custom_id":"a","result":{"type":"expired"}}', true],
    ['{"custom_id":"a","result":{"type":"strange"}}', false],
    ['{"custom_id":1,"result":{"type":"expired"}}', false],
    ['{"custom_id":"a"}', false],
    ['{"custom_id":"a","resu', false],
    ['null', false],
    ['', false],
  ])('%s says a result: %j', (line, isResult) => {
    expect(readResultLine(bytes(line)) !== null).toBe(isResult);
  });

  it('that are no UTF-8 say nothing', () => {
    const line = bytes('{"custom_id":"a","result":{"type":"expired"}}');
    line[14] = 0xff;
    expect(readResultLine(line)).toBeNull();
  });
});
