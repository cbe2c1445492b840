import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './pages.ts';

/** SECURITY.md names a test for each bound: `path/of/a.test.ts`: words of its name. */
interface NamedTest {
  readonly path: string;
  readonly words: string;
}

const named: readonly NamedTest[] = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('.test.ts'))
  .flatMap((line) => [...line.matchAll(/`([\w/.-]+\.test\.ts)`: ([^;|]+)/g)])
  .map(([, path = '', words = '']) => ({ path, words: words.trim() }));

describe('SECURITY.md', () => {
  it('names a test for every bound', () => {
    const rows = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8').split('## Bounds')[1]?.split('\n## ')[0] ?? '';
    const bounds = rows.split('\n').filter((line) => line.startsWith('| ') && !/^\| (?:---|bound )/.test(line));
    expect(bounds.length).toBeGreaterThan(30);
    expect(bounds.filter((line) => !/`[\w/.-]+\.test\.ts`: /.test(line))).toEqual([]);
  });

  it.each(named)('names a test that there is: $path, $words', ({ path, words }) => {
    expect(existsSync(join(ROOT, path)), `${path} does not exist`).toBe(true);
    const source = readFileSync(join(ROOT, path), 'utf8');
    expect(source.includes(words), `${path} has no test named ${words}`).toBe(true);
  });
});
