import { sources } from '../catalog.fixture.ts';
import { catalogSuite } from '../catalog.suite.ts';
import { createMemoryCatalog } from './memory-catalog.ts';

catalogSuite('memory catalog', async () => {
  const catalog = createMemoryCatalog(sources());
  return { catalog, close: () => catalog.close() };
});
