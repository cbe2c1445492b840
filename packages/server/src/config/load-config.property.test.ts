import { insteadOfRefusedPort } from '@batchwright/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './load-config.ts';
import { editDistance, nearestName } from './nearest-name.ts';
import { OPTION_KEYS, optionNames } from './options.ts';

const FLAGS = OPTION_KEYS.map((key) => optionNames(key).flag);
const argument = fc.oneof(fc.string(), fc.constantFrom(...FLAGS), fc.stringMatching(/^--[a-z-]{1,12}(=.{0,8})?$/));

describe('loadConfig', () => {
  it('answers every input with a configuration or with non-empty single lines', () => {
    const environment = fc.dictionary(
      fc.constantFrom('BATCHWRIGHT_X', ...OPTION_KEYS.map((key) => optionNames(key).env)),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(argument), environment, fc.option(fc.string()), (args, env, file) => {
        const result = loadConfig({ args, env, cwd: '/', readFile: () => file });
        if (result.type === 'loaded') return;
        expect(result.lines.length).toBeGreaterThan(0);
        for (const line of result.lines) expect(line).toMatch(/^[^\n]+$/);
      }),
    );
  });

  it('reads every number in bounds, and no other', () => {
    fc.assert(
      fc.property(fc.integer({ min: -10, max: 100_000 }), (port) => {
        const result = loadConfig({ args: [`--port=${port}`], env: {}, cwd: '/', readFile: () => null });
        const isFit = port >= 0 && port <= 65_535 && insteadOfRefusedPort(port) === null;
        expect(result.type === 'loaded' ? result.config.port : null).toBe(isFit ? port : null);
      }),
    );
  });
});

describe('nearestName', () => {
  it('finds the name behind any single mistyped letter', () => {
    const typo = fc.tuple(fc.constantFrom(...FLAGS), fc.nat(), fc.constantFrom('q', ''));
    fc.assert(
      fc.property(typo, ([flag, at, letters]) => {
        const i = 2 + (at % (flag.length - 2));
        const wrong = flag.slice(0, i) + letters + flag.slice(i + 1);
        const nearest = nearestName(wrong, FLAGS, '--');
        expect(nearest).not.toBeNull();
        expect(editDistance(wrong, nearest ?? '')).toBeLessThanOrEqual(editDistance(wrong, flag));
      }),
    );
  });

  it('measures a distance that is symmetric and zero only between equals', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
      }),
    );
  });
});
