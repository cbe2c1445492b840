import { describe, expect, it } from 'vitest';
import { markdownTable } from './markdown-table.ts';
import { withSection } from './page-section.ts';

describe('a page with a measured section', () => {
  const page = '# Figures\n\nBy hand.\n\n<!-- figures -->\n\nold\n\n<!-- /figures -->\n\nBy hand, too.\n';

  it('keeps what people wrote before and after it', () => {
    expect(withSection(page, 'figures', ['new'])).toBe(page.replace('old', 'new'));
  });

  it('comes out the same when the same is written twice', () => {
    const once = withSection(page, 'figures', ['new']);
    expect(withSection(once, 'figures', ['new'])).toBe(once);
  });

  it('gets the section at its end when it has none of that name', () => {
    expect(withSection('# Figures\n', 'others', ['new'])).toBe(
      '# Figures\n\n<!-- others -->\n\nnew\n\n<!-- /others -->\n',
    );
  });
});

describe('a table in Markdown', () => {
  it('escapes what would end a cell', () => {
    expect(markdownTable(['a', 'b'], [['1|2', '3']])).toEqual(['| a | b |', '| --- | --- |', '| 1\\|2 | 3 |']);
  });
});
