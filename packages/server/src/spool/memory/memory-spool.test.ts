import { spoolSuite } from '../spool.suite.ts';
import { createMemorySpool } from './memory-spool.ts';

spoolSuite('memory spool', async () => ({ spool: createMemorySpool(), close: async () => undefined }));
