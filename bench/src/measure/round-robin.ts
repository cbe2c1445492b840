/** One variant of a figure: measures itself once. `round` counts from 0. */
export type Variant<Sample> = (round: number) => Promise<Sample>;

/**
 * Runs each variant once per round, in turn and with a different one first each time, so that a slow minute of the
 * machine falls on all alike and no variant always follows the same other.
 */
export async function roundRobin<Name extends string, Sample>(
  rounds: number,
  variants: Readonly<Record<Name, Variant<Sample>>>,
): Promise<Record<Name, Sample[]>> {
  const names = Object.keys(variants) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as Sample[]])) as Record<Name, Sample[]>;
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length] as Name;
      samples[name].push(await variants[name](round));
    }
  }
  return samples;
}
