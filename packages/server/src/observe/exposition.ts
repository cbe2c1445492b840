import type { Histogram } from './histogram.ts';

/** The Prometheus text format, version 0.0.4. */
export const EXPOSITION_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** A counter or gauge with its samples. Counters' names end in `_total`. */
export function formatSamples(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly Sample[],
): string {
  const lines = samples.map((sample) => `${name}${formatLabels(sample.labels ?? {})} ${formatValue(sample.value)}\n`);
  return heading(name, type, help) + lines.join('');
}

/** A histogram per label set: cumulative buckets, sum and count. */
export function formatHistograms(
  name: string,
  help: string,
  series: readonly { readonly labels?: Labels; readonly histogram: Histogram }[],
): string {
  const parts = series.map(({ labels = {}, histogram }) => {
    let cumulative = 0;
    let text = '';
    histogram.counts.forEach((count, bucket) => {
      cumulative += count;
      const le = bucket < histogram.bounds.length ? formatValue(histogram.bounds[bucket] as number) : '+Inf';
      text += `${name}_bucket${formatLabels({ ...labels, le })} ${cumulative}\n`;
    });
    const suffix = formatLabels(labels);
    return `${text}${name}_sum${suffix} ${formatValue(histogram.sum)}\n${name}_count${suffix} ${cumulative}\n`;
  });
  return heading(name, 'histogram', help) + parts.join('');
}

function heading(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${name} ${type}\n`;
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(String(value))}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);
}
