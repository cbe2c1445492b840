/** The contract of the Message Batches API: wire types, ids, limits, and the one table of errors. Imports nothing. */
export * from './batch.ts';
export * from './betas.ts';
export * from './brand.ts';
export * from './errors.ts';
export * from './ids.ts';
export * from './limits.ts';
export * from './messages.ts';
export * from './models.ts';
export * from './prices.ts';
export * from './problems.ts';
export * from './results.ts';
export * from './timestamps.ts';
export * from './versions.ts';
