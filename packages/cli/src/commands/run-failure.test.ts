import { BatchFaultError, ServiceError } from '@batchwright/client';
import { describe, expect, it } from 'vitest';
import { explainFailure } from './run-failure.ts';

describe('a failure in words', () => {
  it('of a batch that is gone names the options that forget it', () => {
    const error = new BatchFaultError('clear the store', 'gone', 'msgbatch_1');
    expect(explainFailure(error)).toEqual({
      lines: [expect.stringMatching(/knows no batch msgbatch_1 .* add --restart --cancel-old to forget the run/)],
      exitCode: 1,
    });
    expect(explainFailure(new BatchFaultError('other results', 'wrong_results', 'msgbatch_1'))).toEqual({
      lines: ['other results'],
      exitCode: 1,
    });
  });

  it('is a command asked wrongly where there is no key, and not where a key was refused', () => {
    const type = 'authentication_error';
    expect(explainFailure(new ServiceError('no key', { status: null, type }))?.exitCode).toBe(2);
    expect(explainFailure(new ServiceError('refused', { status: 401, type }))?.exitCode).toBe(1);
  });
});
