#!/usr/bin/env node
// Loads the built command line. A checkout that was never built gets the remedy and not a stack trace.
import { existsSync } from 'node:fs';
import { BUNDLE, runBundle } from './bundle.js';

if (existsSync(BUNDLE)) runBundle();
else {
  process.stderr.write('batchwright: this checkout is not built. Run npm run build, or npm start, in its root.\n');
  process.exitCode = 1;
}
