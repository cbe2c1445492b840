/** Moments between two effects of a run. A process may end at any of them; whoever takes the run up loses and repeats nothing. */
export const RUN_POINTS = [
  'begun',
  'requests_read',
  'prepared',
  'planned',
  'before_create',
  'after_create',
  'sent',
  'before_poll',
  'ended',
  'downloading',
  'downloaded',
  'round_planned',
  'settled',
  'before_output',
  'output_written',
  'finished',
] as const;

export type RunPoint = (typeof RUN_POINTS)[number];
