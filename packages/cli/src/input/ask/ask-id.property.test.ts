import fc from 'fast-check';
import { CUSTOM_ID_PATTERN } from '@batchwright/protocol';
import { expect, it } from 'vitest';
import { type Asked, askIds } from './ask-id.ts';

const words = fc.string({
  unit: fc.constantFrom('a', 'B', '1', ' ', '-', '.', '/', '?', 'é', 'ж', '😀'),
  maxLength: 70,
});
const asked = fc.record({ document: words, question: words });
const sets = fc.uniqueArray(asked, { selector: ({ document, question }) => `${document}\0${question}` });

it('gives every question of every document a custom_id of its own', () => {
  fc.assert(
    fc.property(sets, (set) => {
      const ids = askIds(set);
      expect(new Set(ids).size).toBe(set.length);
      for (const id of ids) expect(id).toMatch(new RegExp(CUSTOM_ID_PATTERN));
    }),
  );
});

it('depends on no order', () => {
  fc.assert(
    fc.property(sets, fc.infiniteStream(fc.nat()), (set, ranks) => {
      const ranked = set.map((one) => ({ one, rank: ranks.next().value ?? 0 }));
      const shuffled = ranked.sort((a, b) => a.rank - b.rank).map(({ one }) => one);
      const byKey = (list: readonly Asked[], ids: readonly string[]): Map<Asked, string> =>
        new Map(list.map((one, at) => [one, ids[at] ?? '']));
      const ids = byKey(set, askIds(set));
      const other = byKey(shuffled, askIds(shuffled));
      for (const one of set) expect(other.get(one)).toBe(ids.get(one));
    }),
  );
});

it('can be read', () => {
  const set = [
    { document: 'docs/Über uns.md', question: 'Who’s mentioned?' },
    {
      document: 'report.pdf',
      question: 'What are the key takeaways of this very long report, in five short sentences?',
    },
    { document: 'a/notes.md', question: 'Why?' },
    { document: 'b/notes.md', question: 'Why?' },
    { document: 'notes.md', question: 'Почему?' },
  ];
  expect(askIds(set)).toEqual([
    'uber-uns-whos-mentioned',
    expect.stringMatching(/^report-what-are-the-key-takeaways-of-[0-9a-f]{12}$/),
    expect.stringMatching(/^notes-why-[0-9a-f]{12}$/),
    expect.stringMatching(/^notes-why-[0-9a-f]{12}$/),
    expect.stringMatching(/^notes-[0-9a-f]{12}$/),
  ]);
});
