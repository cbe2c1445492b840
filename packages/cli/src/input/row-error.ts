import { BadRequestsError } from '@batchwright/client';

/** One row that no request can be made of, while others may be sound. */
export class RowError extends BadRequestsError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RowError';
  }
}
