import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { findForbiddenImports } from './checks/boundaries.mjs';
import { findForbiddenNames, findRegistryHosts } from './checks/house-rules.mjs';
import { findUnpinnedVersions } from './checks/pinned-versions.mjs';
import { findPublishedFaults } from './checks/published-shape.mjs';
import { findStaleReference } from './checks/reference.mjs';
import { ROOT, setUp } from './setup.mjs';

/** `npm run check`: everything about the code that needs no run of it. Each check answers what it found, or nothing. */
const CHECKS = [
  ['types', () => tool('typescript/bin/tsc', '-b', 'tsconfig.json', 'examples')],
  ['types of tests', () => tool('typescript/bin/tsc', '-p', 'tsconfig.tests.json')],
  ['lint', () => tool('oxlint/bin/oxlint', '--type-aware', '--deny-warnings')],
  ['format', () => tool('oxfmt/bin/oxfmt', '--check', '.')],
  ['nothing unused', () => tool('knip/bin/knip.js')],
  ['import boundaries', () => findForbiddenImports(ROOT)],
  ['file names', () => findForbiddenNames(ROOT)],
  ['lock file', () => findRegistryHosts(ROOT)],
  ['pinned versions', () => findUnpinnedVersions(ROOT)],
  ['published shape', () => findPublishedFaults(ROOT)],
  ['generated reference', () => findStaleReference()],
];

/** Runs all checks, tells of each, and counts. */
export async function runChecks() {
  let failed = 0;
  for (const [name, find] of CHECKS) {
    const found = await find();
    process.stdout.write(found === '' ? `✓ ${name}\n` : `✗ ${name}\n${found.trimEnd()}\n`);
    if (found !== '') failed += 1;
  }
  return { passed: CHECKS.length - failed, failed };
}

/** Runs an installed tool; its output when it fails. */
function tool(script, ...args) {
  const path = join(ROOT, 'node_modules', script);
  if (!existsSync(path)) return `${path} is missing`;
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return status === 0 ? '' : `${stdout}${stderr}` || `exit code ${status}`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  setUp();
  const { failed } = await runChecks();
  process.exitCode = failed === 0 ? 0 : 1;
}
