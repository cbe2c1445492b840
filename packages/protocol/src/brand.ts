/** A nominal type over a primitive, so that two kinds of id cannot be swapped by accident. */
export type Brand<Base, Name extends string> = Base & { readonly __brand: Name };
