#!/usr/bin/env node
// Loads the built command line. A checkout that was never built gets the remedy and not a stack trace.
try {
  await import('../dist/main.js');
} catch (error) {
  const unbuilt = error?.code === 'ERR_MODULE_NOT_FOUND' && /[\\/]dist[\\/]/.test(error.message);
  if (!unbuilt) throw error;
  process.stderr.write('batchwright: this checkout is not built. Run npm run build, or npm start, in its root.\n');
  process.exitCode = 1;
}
