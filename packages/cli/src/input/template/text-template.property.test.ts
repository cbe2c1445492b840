import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Row } from '../rows/row.ts';
import { jsonWriter } from './json-text.ts';
import { textJson } from './message-template.ts';
import { constantText, fillTemplate, parseTemplate } from './text-template.ts';

function rowOf(values: Readonly<Record<string, string>>): Row {
  return {
    origin: 'row',
    isRequest: false,
    columns: Object.keys(values),
    check: () => {},
    text: (column) => (Object.hasOwn(values, column) ? (values[column] ?? null) : null),
  };
}

const column = fc.string({ minLength: 1 }).filter((name) => !/[{}]/.test(name) && name.trim() === name);
const literal = fc.string({ unit: fc.constantFrom('a', '{', '}', ' ', '\n', '"', 'é') });

it('fills every place with its column, whatever the values hold', () => {
  const part = fc.oneof(
    fc.record({ column, value: fc.string({ unit: 'grapheme' }) }),
    fc.string({ unit: fc.constantFrom('a', '}', ' ', '\n', '"', '\\', 'é') }),
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const values: Record<string, string> = {};
      for (const one of parts) if (typeof one !== 'string') values[one.column] = one.value;
      const source = parts.map((one) => (typeof one === 'string' ? one : `{{${one.column}}}`)).join('');
      const expected = parts.map((one) => (typeof one === 'string' ? one : values[one.column])).join('');
      expect(fillTemplate(parseTemplate(source, '--prompt'), rowOf(values))).toBe(expected);
    }),
  );
});

it('takes any text literally once its opening braces are doubled', () => {
  fc.assert(
    fc.property(literal, (text) => {
      const escaped = text.replaceAll('{{', '{{{{');
      expect(constantText(parseTemplate(escaped, '--prompt'))).toBe(text);
    }),
  );
});

it('writes JSON that reads back as the text', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), async (value) => {
      const write = jsonWriter(textJson(parseTemplate('<{{a}}>', '--prompt')));
      const json = (await write(rowOf({ a: value }), 1)).toString();
      expect(JSON.parse(json)).toBe(`<${value}>`);
    }),
  );
});
