#!/usr/bin/env node
'use strict';

// Loads the built command line. A checkout that was never built gets the remedy and not a stack trace.
const { existsSync } = require('node:fs');
const { BUNDLE, runBundle } = require('./bundle.js');

if (existsSync(BUNDLE)) runBundle();
else {
  process.stderr.write('batchwright: this checkout is not built. Run npm run build, or npm start, in its root.\n');
  process.exitCode = 1;
}
