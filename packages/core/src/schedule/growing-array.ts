type NumberArray = Uint8Array | Uint16Array | Int32Array | Uint32Array | Float64Array;

/** A copy with room for more behind; what is new is zero. */
export function widened<Numbers extends NumberArray>(numbers: Numbers, length: number): Numbers {
  const wider = new (numbers.constructor as new (length: number) => Numbers)(length);
  wider.set(numbers);
  return wider;
}
