import { describe, expect, it } from 'vitest';
import { createProgram } from '../program.ts';
import type { Host } from '../host.ts';
import { completion, type Shell } from '../commands/completion.ts';
import { commandWords } from './command-words.ts';
import { VALUE_WORDS } from './value-words.ts';

async function script(shell: Shell): Promise<string> {
  let text = '';
  const host = { out: (more: string) => (text += more) } as unknown as Host;
  const program = createProgram(host, () => undefined);
  await completion(shell, program, host);
  return text;
}

const all = commandWords(createProgram({} as Host, () => undefined));

describe.each(['bash', 'zsh', 'fish'] as const)('completion for %s', (shell) => {
  it('has every command and every option of the parser', async () => {
    const text = await script(shell);
    expect(all.length).toBeGreaterThan(20);
    for (const { path, options } of all) {
      expect(text, path.join(' ')).toContain(path.map((word) => ` ${word}`).join(''));
      for (const { flags } of options) {
        for (const flag of flags) expect(text, `${path.join(' ')} ${flag}`).toContain(spelled(flag));
      }
    }
  });

  it('has the options of serve, which the parser does not know', async () => {
    const text = await script(shell);
    for (const flag of ['--data-dir', '--upstream-api-key', '--config']) expect(text).toContain(spelled(flag));
  });

  function spelled(flag: string): string {
    if (shell !== 'fish') return flag;
    return flag.startsWith('--') ? ` -l ${flag.slice(2)} ` : ` -s ${flag.slice(1)} `;
  }
});

it('offers words for options there are, each of which their help names', () => {
  for (const [flag, words] of Object.entries(VALUE_WORDS)) {
    const options = all.flatMap((command) => command.options.filter(({ flags }) => flags.includes(flag)));
    expect(options.length, flag).toBeGreaterThan(0);
    for (const { summary, choices } of options) {
      expect(choices).toEqual(words);
      for (const word of words) expect(summary, flag).toContain(word);
    }
  }
});

it('an option belongs to the commands that take it, and to no other', () => {
  const flagsOf = (...path: readonly string[]): readonly string[] =>
    all.find((each) => each.path.join(' ') === path.join(' '))?.options.flatMap(({ flags }) => flags) ?? [];
  expect(flagsOf('results')).toContain('--partial');
  expect(flagsOf('list')).not.toContain('--partial');
  expect(flagsOf('keys', 'create')).toContain('--expires');
});
