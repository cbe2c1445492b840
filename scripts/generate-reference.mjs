import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { referencePages } from './checks/reference.mjs';
import { setUp } from './setup.mjs';

/** Writes the reference pages that derive from the code. */
setUp();
for (const { path, content } of await referencePages()) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
