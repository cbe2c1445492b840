import { memoryStore } from './memory-store.ts';
import { runStoreSuite } from './run-store.suite.ts';

runStoreSuite('a store in memory', async () => {
  const store = memoryStore();
  return { store, close: () => store.close() };
});
