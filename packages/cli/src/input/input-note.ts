/** What is worth knowing of an input that can be run all the same: what was done with it, or what is probably not meant. */
export interface InputNote {
  readonly type: 'note' | 'warning';
  /** One line. */
  readonly text: string;
}

/** Told of each, while an input is read. */
export type Tell = (note: InputNote) => void;
