import type { PlayedTable } from '../tables/played-tables.ts';
import { columns, dollars, whole } from './columns.ts';

const HEADINGS = ['', 'written', 'read', 'input', 'full $', 'half $', 'seconds', 'as worked out'];

export function tableLines({ id, title, rows }: PlayedTable): string[] {
  return [
    `(${id})  ${title}`,
    ...columns(
      HEADINGS,
      rows.map(({ row, spent, differences }) => [
        row.strategy,
        whole(spent.written),
        whole(spent.read),
        whole(spent.input),
        dollars(spent.fullUsd, decimals(row.full)),
        dollars(spent.halfUsd, decimals(row.half)),
        spent.seconds.toFixed(row.seconds === null ? 1 : decimals(row.seconds)),
        differences.length === 0 ? 'yes' : `no: ${differences.join('; ')}`,
      ]),
      '    ',
    ),
    '',
  ];
}

function decimals(digits: string): number {
  return digits.split('.')[1]?.length ?? 0;
}
