/** Leaves half a batch in the directory it is given, by a server from the bundle. */
import process from 'node:process';
import { BUNDLE } from '../../packages/cli/bin/bundle.js';
import { leaveHalfDone } from '../../scripts/half-done-batch.mjs';

await leaveHalfDone(BUNDLE, process.argv[2]);
