import { sources } from '../catalog.fixture.ts';
import { catalogSuite } from '../catalog.suite.ts';
import { ledgerSuite } from '../ledger.suite.ts';
import { createMemoryCatalog } from './memory-catalog.ts';

for (const suite of [catalogSuite, ledgerSuite]) {
  suite('memory catalog', async () => {
    const catalog = createMemoryCatalog(sources());
    return { catalog, close: () => catalog.close() };
  });
}
