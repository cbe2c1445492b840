/** Why a document is not JSON, and where. The first fault stands. */
export const enum Fault {
  None,
  /** A byte that cannot stand where it stands. */
  Unexpected,
  ControlCharacter,
  BadEscape,
  BadNumber,
  BadLiteral,
  TooDeep,
}

let kind: Fault = Fault.None;
let address: usize = 0;

export function clearFault(): void {
  kind = Fault.None;
}

export function fail(reason: Fault, at: usize): void {
  kind = reason;
  address = at;
}

export function faultKind(): Fault {
  return kind;
}

/** Where the faulty byte lies in memory; it is in the chunk being fed. */
export function faultAddress(): usize {
  return address;
}
