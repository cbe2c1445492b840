/**
 * The worked examples of what each way of sending a batch costs, in tokens, dollars and seconds: known from arithmetic,
 * and here played. 300 tokens an answer; `half` is the batch discount on everything but synchronous warm-up calls.
 */
import type { MarkerMode } from '@batchwright/core';
import { gridPrompts, gridWarmUps, type Grid } from '../prompts/grids.ts';
import { unmarked } from '../prompts/prompt-table.ts';
import { SONNET_4_5, SONNET_5_5 } from '../workloads/models.ts';
import {
  uniquePrompts,
  W1_GRID,
  W2_GRID,
  W3_GRID,
  W5_GRID,
  W6_GRID,
  W7_GRID,
  W8_GRID,
} from '../workloads/shared-documents.ts';
import { Strategies, type Spent } from './strategies.ts';

/** One line: what was expected, to the digits it is given in; null where nothing was. */
export interface WorkedRow {
  readonly strategy: string;
  readonly written: number;
  readonly read: number;
  readonly full: string;
  readonly half: string;
  readonly seconds: string | null;
  /** Ours: seconds may be fewer than those of the sketch that the examples were reckoned with. */
  readonly isOurs?: boolean;
  readonly play: () => Spent;
}

export interface WorkedTable {
  readonly id: string;
  readonly title: string;
  readonly rows: readonly WorkedRow[];
}

type Expected = readonly [written: number, read: number, full: string, half: string, seconds: string | null];

const row = (strategy: string, [written, read, full, half, seconds]: Expected, play: () => Spent): WorkedRow => ({
  strategy,
  written,
  read,
  full,
  half,
  seconds,
  play,
});

const ours = (strategy: string, expected: Expected, play: () => Spent): WorkedRow => ({
  ...row(strategy, expected, play),
  isOurs: true,
});

const OPTIMUM = 'leader first';

function onGrid(grid: Grid, concurrency: number, model: Strategies['model'] = SONNET_4_5): GridStrategies {
  const prompts = gridPrompts(grid, model.model);
  const warmUps = gridWarmUps(grid, model.model);
  const strategies = new Strategies(model, concurrency);
  const questionsFirst = gridPrompts({ ...grid, order: 'question_major' }, model.model);
  return {
    noMarkers: () => strategies.asSent(unmarked(prompts)),
    allAtOnce: () => strategies.allAtOnce(prompts),
    asSent: () => strategies.asSent(prompts),
    questionMajor: () => strategies.asSent(questionsFirst),
    warmedFirst: () => strategies.warmedFirst(warmUps, prompts),
    warmedQuestionMajor: () => strategies.warmedFirst(warmUps, questionsFirst),
    asIntended: () => strategies.asIntended(warmUps, prompts),
    asMeasured: () => strategies.asMeasured(warmUps, prompts),
    planned: (markers = 'respect') => strategies.planned(prompts, markers),
    gatedOnEnd: () => strategies.planned(prompts, 'respect', 'completion'),
  };
}

interface GridStrategies extends Readonly<
  Record<
    | 'noMarkers'
    | 'allAtOnce'
    | 'asSent'
    | 'questionMajor'
    | 'warmedFirst'
    | 'warmedQuestionMajor'
    | 'asIntended'
    | 'asMeasured'
    | 'gatedOnEnd',
    () => Spent
  >
> {
  readonly planned: (markers?: MarkerMode) => Spent;
}

/** Made when asked for, one after another: a table's prompts are let go of before the next one's are made. */
export const WORKED_TABLES: readonly (() => WorkedTable)[] = [
  () => {
    const at = onGrid(W1_GRID, 3);
    return {
      id: 'a',
      title: '3 questions × 1 document (1,248 + 12 tokens), 3 at a time',
      rows: [
        row('no markers', [0, 0, '0.0248', '0.0124', '20.3'], at.noMarkers),
        row('all at once', [3744, 0, '0.0276', '0.0138', '20.3'], at.allAtOnce),
        row('warm-up recipe, as intended', [1248, 3744, '0.0194', '0.0121', '21.3'], at.asIntended),
        row('warm-up recipe, as measured', [4992, 0, '0.0323', '0.0185', null], at.asMeasured),
        ours(OPTIMUM, [1248, 2496, '0.0190', '0.0095', '21.3'], at.planned),
      ],
    };
  },
  () => {
    const at = onGrid(W2_GRID, 50);
    return {
      id: 'b',
      title: '100 documents × 1,000 questions (20,000 + 50 tokens), 50 at a time',
      rows: [
        row('no markers', [0, 0, '6465.00', '3232.50', '50025'], at.noMarkers),
        row('all at once', [2e9, 0, '7965.00', '3982.50', null], at.allAtOnce),
        row('document-major', [100e6, 1900e6, '1410.00', '705.00', '40525'], at.asSent),
        row('question-major', [2e6, 1998e6, '1071.90', '535.95', '40035'], at.questionMajor),
        row('warm-ups, document-major', [101e6, 1901e6, '1414.05', '710.78', '40532'], at.warmedFirst),
        row('warm-up recipe, as intended', [2e6, 2000e6, '1072.50', '540.00', null], at.asIntended),
        row('warm-up recipe, as measured', [2002e6, 0, '7972.50', '3990.00', null], at.asMeasured),
        ours(OPTIMUM, [2e6, 1998e6, '1071.90', '535.95', '40050'], at.planned),
      ],
    };
  },
  () => {
    const at = onGrid(W3_GRID, 50);
    return {
      id: 'c',
      title: 'a system prompt (4,000) × 50 documents × 200 questions, 50 at a time; the client marks documents',
      rows: [
        row('no markers', [0, 0, '766.50', '383.25', '5203'], at.noMarkers),
        row('all at once', [240e6, 0, '946.50', '473.25', null], at.allAtOnce),
        row('document-major', [60e6, 180e6, '325.50', '162.75', '4303'], at.asSent),
        row('question-major', [1.2e6, 238.8e6, '122.64', '61.32', '4009'], at.questionMajor),
        row('warm-ups, document-major', [56.4e6, 184.8e6, '313.44', '158.97', '4286'], at.warmedFirst),
        row('warm-up recipe, as intended', [1.2e6, 240e6, '123.00', '63.75', null], at.asIntended),
        row('warm-up recipe, as measured', [241.2e6, 0, '951.00', '477.75', null], at.asMeasured),
        ours(`${OPTIMUM}, markers: auto`, [1_004_000, 238_996_000, '121.96', '60.98', '4030'], () =>
          at.planned('auto'),
        ),
        ours(`${OPTIMUM}, markers: auto, 1,000 at a time`, [1_004_000, 238_996_000, '121.96', '60.98', '213.1'], () =>
          onGrid(W3_GRID, 1000).planned('auto'),
        ),
      ],
    };
  },
  uniqueTable,
  () => thresholdTable(),
  () => {
    const at = onGrid(W6_GRID, 1);
    const documentMajor = onGrid({ ...W6_GRID, order: 'document_major' }, 1);
    return {
      id: 'f',
      title: '20 documents × 50 questions, one at a time',
      rows: [
        row('question-major', [20e6, 0, '79.65', '39.83', '25013'], at.asSent),
        row('warm-ups, question-major', [20_140_000, 260_000, '80.25', '40.88', '25068'], at.warmedFirst),
        row('warm-ups, document-major', [780_000, 19_620_000, '13.46', '7.48', '20228'], documentMajor.warmedFirst),
        ours(OPTIMUM, [400_000, 19_600_000, '12.03', '6.015', '20112.5'], at.planned),
      ],
    };
  },
  () => {
    const at = onGrid(W7_GRID, 1000);
    const many = onGrid(W8_GRID, 1000);
    return {
      id: 'g',
      title: '200 documents × 500 questions, 1,000 at a time',
      rows: [
        row('document-major', [2000e6, 0, '7965.00', '3982.50', '2501'], at.asSent),
        row('question-major', [20e6, 1980e6, '1134.00', '567.00', '2006'], at.questionMajor),
        row('warm-ups, document-major', [1704e6, 300e6, '6945.00', '3480.00', '2432'], at.warmedFirst),
        row('warm-ups, question-major', [4e6, 2000e6, '1080.00', '547.50', '2007'], at.warmedQuestionMajor),
        row('leader first, gated on the end', [4e6, 1996e6, '1078.80', '539.40', '2026'], at.gatedOnEnd),
        ours(OPTIMUM, [4e6, 1996e6, '1078.80', '539.40', '2007'], at.planned),
        row('20,000 documents × 5: document-major', [2000e6, 0, '7965.00', '3982.50', null], many.asSent),
        ours(`20,000 documents × 5: ${OPTIMUM}`, [400e6, 1600e6, '2445.00', '1222.50', '2107'], many.planned),
      ],
    };
  },
];

function uniqueTable(): WorkedTable {
  const { model } = SONNET_4_5;
  const strategies = new Strategies(SONNET_4_5, 50);
  const [plain, marked] = [uniquePrompts(model), uniquePrompts(model, { isMarked: true })];
  const warmUps = strategies.prefixes(marked, 1);
  return {
    id: 'd',
    title: '1,000 prompts of 5,000 + 50 tokens with nothing in common, 50 at a time',
    rows: [
      row('no markers', [0, 0, '19.65', '9.825', null], () => strategies.asSent(plain)),
      row('markers on unique text', [5e6, 0, '23.40', '11.70', null], () => strategies.asSent(marked)),
      row('warm-up recipe, as intended', [5e6, 5e6, '24.92', '21.84', null], () =>
        strategies.asIntended(warmUps, marked),
      ),
      row('warm-up recipe, as measured', [10e6, 0, '42.17', '30.47', null], () =>
        strategies.asMeasured(warmUps, marked),
      ),
      ours(OPTIMUM, [0, 0, '19.65', '9.825', null], () => strategies.planned(plain, 'auto')),
    ],
  };
}

function thresholdTable(): WorkedTable {
  const below = onGrid(W5_GRID, 50);
  const above = onGrid(W5_GRID, 50, SONNET_5_5);
  return {
    id: 'e',
    title: '500 questions on a prefix of 600 tokens, 50 at a time: below the minimum of Sonnet 4.5, above that of 5.5',
    rows: [
      row('4.5: no markers', [0, 0, '3.27', '1.635', null], below.noMarkers),
      row('4.5: as sent', [0, 0, '3.27', '1.635', null], below.asSent),
      ours(`4.5: ${OPTIMUM}`, [0, 0, '3.27', '1.635', null], below.planned),
      row('5.5: no markers', [0, 0, '2.18', '1.09', null], above.noMarkers),
      row('5.5: all at once', [300_000, 0, '2.33', '1.165', null], above.allAtOnce),
      row('5.5: as sent', [30_000, 270_000, '1.682', '0.841', null], above.asSent),
      ours(`5.5: ${OPTIMUM}`, [600, 299_400, '1.6114', '0.8057', null], above.planned),
    ],
  };
}
