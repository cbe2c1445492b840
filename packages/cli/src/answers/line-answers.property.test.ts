import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ANSWER_COLUMNS, fieldsOf } from './answer-fields.ts';
import { answerOf, erroredAnswer, memorySink, messageOf, textAnswer } from './answers.fixture.ts';
import type { Answer, AnswerWriter } from './answer-writer.ts';
import { apiLines, delimitedRows, flatLines } from './line-answers.ts';

const wellFormed = fc.string({ unit: 'binary', maxLength: 30 });
const awkward = fc.array(fc.constantFrom('"', ',', '\t', '\r', '\n', '\r\n', "'", '=', '-', ' ', '字', '😀', '\u0000'));
const text = fc.oneof(
  wellFormed,
  awkward.map((pieces) => pieces.join('')),
  fc.json(),
);
const answer: fc.Arbitrary<Answer> = fc.oneof(
  fc.tuple(text, fc.option(text)).map(([said, why]) => textAnswer('a', said, why)),
  fc.array(text).map((texts) => {
    const content = texts.map((said) => ({ type: 'text', text: said }));
    return answerOf('a', { type: 'succeeded', message: messageOf(content) });
  }),
  text.map((message) => erroredAnswer('a', 'api_error', message)),
  fc.constant(answerOf('a', { type: 'expired' })),
);
const answers = fc
  .array(answer, { maxLength: 8 })
  .map((list) => list.map((one, i) => ({ ...one, customId: `row-${i}` })));

async function writeAll(writer: AnswerWriter, list: readonly Answer[]): Promise<void> {
  for (const one of list) await writer.write(one);
  await writer.finish();
}

it('CSV and TSV read back what was written, whatever it is', async () => {
  await fc.assert(
    fc.asyncProperty(answers, fc.constantFrom(',' as const, '\t' as const), async (list, delimiter) => {
      const sink = memorySink();
      await writeAll(await delimitedRows(sink, true, { delimiter, escapesFormulas: false }), list);
      const rows = parse(Buffer.from(sink.bytes()), { delimiter, columns: true, record_delimiter: '\r\n' });
      expect(rows).toEqual(
        list.map((one) => {
          const fields = fieldsOf(one, true);
          return Object.fromEntries(ANSWER_COLUMNS.map(({ name }) => [name, String(fields[name] ?? '')]));
        }),
      );
    }),
  );
});

it('flat lines are JSON that says what the fields say', async () => {
  await fc.assert(
    fc.asyncProperty(answers, fc.boolean(), async (list, isStructured) => {
      const sink = memorySink();
      await writeAll(await flatLines(sink, isStructured), list);
      const lines = sink.text().split('\n').slice(0, -1);
      expect(lines).toHaveLength(list.length);
      for (const [i, line] of lines.entries()) {
        const { json, tool_calls: calls, ...plain } = fieldsOf(list[i]!, isStructured);
        const expected = {
          ...plain,
          ...(json === null ? {} : { json: JSON.parse(json) as unknown }),
          ...(calls === null ? {} : { tool_calls: JSON.parse(calls) as unknown }),
        };
        expect(JSON.parse(line)).toEqual(expected);
      }
    }),
  );
});

it('the API’s lines are what they were', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 })), async (lines) => {
      const sink = memorySink();
      await writeAll(
        await apiLines(sink),
        lines.map((line) => ({ customId: 'a', line, rejection: null })),
      );
      expect(Buffer.from(sink.bytes())).toEqual(Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));
    }),
  );
});

it('a value that a spreadsheet would compute is escaped where that is wanted', async () => {
  const written = async (escapesFormulas: boolean): Promise<string> => {
    const sink = memorySink();
    const writer = await delimitedRows(sink, false, { delimiter: ',', escapesFormulas });
    await writeAll(writer, [textAnswer('a', '=1+1')]);
    return sink.text().split('\r\n')[1] ?? '';
  };
  expect(await written(true)).toContain("a,succeeded,'=1+1,");
  expect(await written(false)).toContain('a,succeeded,=1+1,');
});
