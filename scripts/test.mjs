import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { ROOT, setUp } from './setup.mjs';

/**
 * `npm test`: sets up what is missing, then everything that must pass. Each check counts as one test. Arguments after
 * `--` go to vitest, and checks are left out then. The last line is always `N passed, N failed`.
 */
setUp();
const filters = process.argv.slice(2);
const checks = filters.length > 0 ? { passed: 0, failed: 0 } : await check();
const tests = runTests(filters);
const passed = checks.passed + tests.passed;
const failed = checks.failed + tests.failed;
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
process.stdout.write(`${passed} passed, ${failed} failed\n`);

async function check() {
  const { runChecks } = await import('./check.mjs');
  return runChecks();
}

function runTests(args) {
  const directory = mkdtempSync(join(tmpdir(), 'batchwright-test-'));
  const report = join(directory, 'report.json');
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  try {
    const { status } = spawnSync(
      process.execPath,
      [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args],
      { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] },
    );
    return tally(report, status);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A file that did not even load, and an error outside any test, are failures that no test reports: each counts one. */
function tally(report, status) {
  let results;
  try {
    results = JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { passed: 0, failed: 1 };
  }
  const unloaded = results.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = results.numFailedTests + unloaded;
  return { passed: results.numPassedTests, failed: failed === 0 && status !== 0 ? 1 : failed };
}
