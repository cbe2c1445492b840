import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIG_ENV, CONFIG_FLAG, OPTION_KEYS, optionNames } from '@batchwright/server';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../packages/cli/src/program.ts';
import type { Host } from '../../packages/cli/src/host.ts';
import { ROOT, pages } from './pages.ts';

type Command = ReturnType<typeof createProgram>;

/** Switches of the test suites, which CONTRIBUTING explains and the server does not take. */
const TEST_SWITCHES = ['BATCHWRIGHT_FUZZ_RUNS', 'BATCHWRIGHT_SKIP_UNSURE'];
const names = OPTION_KEYS.map(optionNames);
const environment = new Set([...names.map((name) => name.env), CONFIG_ENV, ...TEST_SWITCHES]);
const serveFlags = new Set([...names.map((name) => name.flag), CONFIG_FLAG, '--help']);
const program = createProgram({} as Host, () => {});
const scripts = new Set(
  Object.keys((JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object }).scripts),
);

/** The command a line of words names, and its flags; null for a name that does not exist. */
function findCommand(words: readonly string[]): { readonly command: Command; readonly rest: readonly string[] } | null {
  let command = program;
  let rest = words;
  while (command.commands.length > 0 && rest[0] !== undefined && !rest[0].startsWith('-')) {
    const next = command.commands.find((one) => one.name() === rest[0]);
    if (next === undefined) return null;
    command = next;
    rest = rest.slice(1);
  }
  return { command, rest };
}

/** Every `batchwright …` in backquotes or at the start of a command in a block. */
function commandLines(text: string): readonly string[] {
  const inline = [...text.matchAll(/`(?:npx )?batchwright ([^`\n]+)`/g)];
  const block = [...text.matchAll(/^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:npx )?batchwright ([^#\n|>]+)/gm)];
  return [...inline, ...block].map((match) => match[1]?.trim() ?? '');
}

function unknownFlags(line: string): readonly string[] {
  const found = findCommand(line.split(/\s+/));
  if (found === null) return [line];
  const { command, rest } = found;
  const own = command.name() === 'serve' ? serveFlags : new Set(command.options.map((option) => option.long));
  const used = rest.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0] ?? word);
  return used.filter((flag) => flag !== '--help' && flag !== '--version' && !own.has(flag));
}

describe.each(pages())('$path', ({ text }) => {
  it('names only environment variables that exist', () => {
    const used = [...text.matchAll(/\bBATCHWRIGHT_[A-Z_]+[A-Z]\b/g)].map((match) => match[0]);
    expect(used.filter((name) => !environment.has(name))).toEqual([]);
  });

  it('names only commands and flags that exist', () => {
    expect(commandLines(text).flatMap(unknownFlags)).toEqual([]);
  });

  it('names only npm scripts that exist', () => {
    const used = [...text.matchAll(/\bnpm run ([a-z:-]+)/g)].map((match) => match[1] ?? '');
    expect(used.filter((name) => !scripts.has(name))).toEqual([]);
  });

  it('passes only commands and flags to npm start that exist', () => {
    const used = [...text.matchAll(/\bnpm start -- ([^`#\n|>]+)/g)].map((match) => match[1]?.trim() ?? '');
    const lines = used.map((line) => (line.startsWith('-') ? `serve ${line}` : line));
    expect(lines.flatMap(unknownFlags)).toEqual([]);
  });
});

describe('this check', () => {
  it('sees a command, a flag and a subcommand that do not exist', () => {
    expect(unknownFlags('serve --prot 1')).toEqual(['--prot']);
    expect(unknownFlags('keys create --workspace x')).toEqual([]);
    expect(unknownFlags('keys create --forever')).toEqual(['--forever']);
    expect(unknownFlags('keys burn')).toEqual(['keys burn']);
    expect(commandLines('Use `batchwright keys list` or\nbatchwright serve --port 1 # here')).toEqual([
      'keys list',
      'serve --port 1',
    ]);
  });
});
