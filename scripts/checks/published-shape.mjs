import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** What is wrong with the packages as others would install them: entries that are not there, formats that do not fit. */
export async function findPublishedFaults(root) {
  // Not there before set-up has installed it.
  const [{ publint }, { formatMessage }] = await Promise.all([import('publint'), import('publint/utils')]);
  const faults = [];
  for (const name of readdirSync(join(root, 'packages'))) {
    const pkgDir = join(root, 'packages', name);
    const { messages, pkg } = await publint({ pkgDir, pack: false, strict: true });
    faults.push(...messages.map((message) => `packages/${name}: ${formatMessage(message, pkg)}`));
  }
  return faults.map((fault) => `${fault}\n`).join('');
}
