import { expect, it } from 'vitest';
import { columns, dollars, seconds, whole } from './columns.ts';

it('figures read with their thousands apart', () => {
  expect([whole(0), whole(1234567), whole(-1000)]).toEqual(['0', '1,234,567', '-1,000']);
  expect([seconds(40_050_000), seconds(21_318), seconds(0)]).toEqual(['40,050.0', '21.3', '0.0']);
});

it('half a cent is rounded upwards, although a float has less', () => {
  expect((24.915).toFixed(2)).toBe('24.91');
  expect([dollars(24.915, 2), dollars(710.7765, 2), dollars(1.61144, 4)]).toEqual(['24.92', '710.78', '1.6114']);
});

it('columns are as wide as their widest cell, the first to the left', () => {
  expect(
    columns(
      ['', 'n'],
      [
        ['long', '1'],
        ['a', '1,000'],
      ],
      '  ',
    ),
  ).toEqual(['            n', '  long      1', '  a     1,000']);
});
