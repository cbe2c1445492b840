import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { commandsPage } from './commands-page.mjs';

/** Generated pages and what they are generated from. */
const PAGES = [
  {
    path: fileURLToPath(new URL('../../docs/reference/options.md', import.meta.url)),
    generate: async () => {
      const { optionsReference } = await import('../../packages/server/dist/config/option-text.js');
      return optionsReference();
    },
  },
  {
    path: fileURLToPath(new URL('../../docs/reference/commands.md', import.meta.url)),
    generate: async () => {
      const { createProgram } = await import('../../packages/cli/dist/program.js');
      return commandsPage(createProgram({ out: () => {}, err: () => {} }, () => {}));
    },
  },
];

/** The pages as they should be: path and content. */
export async function referencePages() {
  return Promise.all(PAGES.map(async ({ path, generate }) => ({ path, content: await generate() })));
}

/** Names the pages that differ from what the code generates. */
export async function findStaleReference() {
  const pages = await referencePages();
  return pages
    .filter(({ path, content }) => read(path) !== content)
    .map(({ path }) => `${path} is stale: run node scripts/generate-reference.mjs\n`)
    .join('');
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A page that is missing is as stale as can be.
    return null;
  }
}
