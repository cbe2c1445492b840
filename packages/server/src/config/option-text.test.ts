import { describe, expect, it } from 'vitest';
import { optionsHelp, optionsReference } from './option-text.ts';
import { OPTION_KEYS, optionNames } from './options.ts';

describe('the words about options', () => {
  it.each(OPTION_KEYS)('name %s in help and reference', (key) => {
    const { flag, env, file } = optionNames(key);
    const help = optionsHelp(80);
    expect(help).toContain(`  ${flag} <value>\n`);
    expect(help.replaceAll(/\s+/g, ' ')).toContain(`[${env}]`);
    expect(optionsReference()).toContain(`| \`${flag}\` | \`${env}\` | \`${file}\` |`);
  });

  it('keep help within the width of the terminal', () => {
    for (const line of optionsHelp(72).split('\n')) expect(line.length).toBeLessThanOrEqual(72);
  });
});

describe('option names', () => {
  it('follow from the key alone', () => {
    expect(optionNames('upstreamTimeoutSeconds')).toEqual({
      file: 'upstream_timeout_seconds',
      flag: '--upstream-timeout-seconds',
      env: 'BATCHWRIGHT_UPSTREAM_TIMEOUT_SECONDS',
    });
  });
});
