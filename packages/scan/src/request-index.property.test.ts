import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CustomIds } from './request-index.ts';

it('finds every custom_id by the lengths of those before it', () => {
  const id = fc.stringMatching(/^[a-zA-Z0-9_-]{1,64}$/);
  fc.assert(
    fc.property(fc.array(id, { maxLength: 300, size: 'max' }), (ids) => {
      const lengths = Uint8Array.from(ids, ({ length }) => length);
      const customIds = new CustomIds(lengths, new TextEncoder().encode(ids.join('')));
      expect(ids.map((_, request) => new TextDecoder().decode(customIds.of(request)))).toEqual(ids);
    }),
  );
});
