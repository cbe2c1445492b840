/** Told how a command ended. */
export type Done = (exitCode: number) => void;
