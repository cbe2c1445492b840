/** Lets everything else have its turn: long work at hand would keep signals and timers waiting until it is done. */
export async function eventTurn(): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve);
  });
}
