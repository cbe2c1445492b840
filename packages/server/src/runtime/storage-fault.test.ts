import { expect, test } from 'vitest';
import { SpoolFullError } from '../spool/spool.ts';
import { storageFault } from './storage-fault.ts';

const failure = (fields: object, cause?: unknown): Error => Object.assign(new Error('failed', { cause }), fields);

test.each([
  ['a full disk', { code: 'ENOSPC' }, 'full'],
  ['a quota, as Node names it', { code: 'Unknown system error -122', errno: -122 }, 'full'],
  ['a limit on the size of files', { code: 'EFBIG' }, 'full'],
  ['a catalog that is full', { code: 'ERR_SQLITE_ERROR', errcode: 13 }, 'full'],
  ['a read-only disk', { code: 'EROFS' }, 'unwritable'],
  ['a catalog on a disk that fails its syncs, an extended code', { errcode: 1034 }, 'unwritable'],
  ['no file descriptors left', { code: 'EMFILE' }, 'no_descriptors'],
  ['a file that is not there', { code: 'ENOENT' }, null],
  ['a broken rule of the catalog', { code: 'ERR_SQLITE_ERROR', errcode: 19 }, null],
  ['a code that is the name of something else', { code: 'constructor' }, null],
])('of %s tells what it is', (_, fields, fault) => {
  expect(storageFault(failure(fields))).toBe(fault);
});

test('looks through what wraps the fault, and is not led in a circle', () => {
  expect(storageFault(new Error('outer', { cause: failure({}, failure({ code: 'EROFS' })) }))).toBe('unwritable');
  expect(storageFault(failure({}, new SpoolFullError('no space')))).toBe('full');
  const circle = failure({});
  circle.cause = circle;
  expect(storageFault(circle)).toBeNull();
  expect(storageFault('a string')).toBeNull();
});
