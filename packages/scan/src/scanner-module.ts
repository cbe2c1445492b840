import { SCANNER_BINARY } from './scanner-binary.generated.ts';

/** The part of the WebAssembly API used here; Node's types leave it to the DOM's. */
declare const WebAssembly: {
  readonly Module: new (binary: Uint8Array) => { readonly __module: never };
  readonly Memory: new (descriptor: { initial: number }) => {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  };
  readonly Instance: new (module: { readonly __module: never }, imports: object) => { readonly exports: unknown };
};

/** An address that the module lays a table out at; see `assembly/layout.ts`. */
interface Address {
  readonly value: number;
}
/** A truth value as WebAssembly passes it. */
type Flag = 0 | 1;

/** What the compiled scanner exports; see `assembly/index.ts`. */
export interface ScannerExports {
  /** `promptSeed` is 64 bits that go into the hash of every prompt; `notesRequests`: also what an estimate needs. */
  readonly beginBody: (promptSeed: bigint, notesRequests: boolean) => void;
  readonly beginOutline: () => void;
  /** Answers the fault found, as the number of its kind, or 0. */
  readonly feed: (start: number, length: number) => number;
  readonly faultOffset: (start: number) => number;
  readonly isDocumentComplete: () => Flag;
  readonly hasNewlines: () => Flag;

  readonly bodyFirstByte: () => number;
  readonly requestsFirstByte: () => number;
  readonly itemCount: () => number;
  readonly recordedCount: () => number;
  readonly itemFault: () => number;
  readonly faultItemIndex: () => number;
  readonly refusedIdBytes: () => number;
  readonly refusedIdOverflowed: () => Flag;
  readonly itemExtraKeyBytes: () => number;
  readonly bodyExtraKeyBytes: () => number;
  /** Looks for a custom_id that is there twice. */
  readonly findDuplicateId: () => number;
  readonly duplicateIdOffset: () => number;
  readonly storedIdBytes: () => number;

  readonly modelCount: () => number;
  readonly takeBlocks: () => number;
  readonly takeForgotten: () => Flag;

  readonly isObject: () => Flag;
  readonly objectBegin: () => number;
  readonly objectEnd: () => number;
  readonly takeEntries: () => number;

  readonly BODY_EXTRA_CAPTURE: Address;
  readonly CUSTOM_ID_BYTES: Address;
  readonly CUSTOM_ID_CAPTURE: Address;
  readonly CUSTOM_IDS: Address;
  readonly FIRST_BLOCKS: Address;
  readonly HASH_SEED: Address;
  readonly ITEM_EXTRA_CAPTURE: Address;
  /** Blocks that are noted of a body at most. */
  readonly MAXIMUM_BLOCKS: Address;
  readonly MODEL_NAME_BYTES: Address;
  readonly MODEL_NAME_LENGTHS: Address;
  readonly MODEL_NAMES: Address;
  readonly OUTLINE_ENTRIES: Address;
  readonly OUTLINE_MEMORY_BYTES: Address;
  readonly OUTLINE_WINDOW: Address;
  readonly OUTLINE_WINDOW_BYTES: Address;
  readonly PARAMS_BYTES: Address;
  readonly PARAMS_OFFSETS: Address;
  readonly PROMPT_BLOCK_BYTES: Address;
  readonly PROMPT_PIECE_BYTES: Address;
  readonly PROMPT_WINDOW: Address;
  readonly REQUEST_MAX_TOKENS: Address;
  readonly REQUEST_MODELS: Address;
  readonly REQUEST_TRAITS: Address;
  readonly RING: Address;
  readonly RING_SLACK_BYTES: Address;
  readonly TOOL_COUNTS: Address;
  readonly TOOL_SETS: Address;
}

/** A scanner with memory of its own, as large as it will ever be: growing would detach blocks that are being written. */
export interface ScannerInstance {
  readonly exports: ScannerExports;
  readonly memory: Uint8Array<ArrayBuffer>;
}

const PAGE_BYTES = 65_536;

let compiled: ReturnType<typeof compileScanner> | null = null;

/** Makes a scanner; `memoryBytes` is told the layout and answers how much memory this use of it needs. */
export function instantiateScanner(memoryBytes: (exports: ScannerExports) => number): ScannerInstance {
  compiled ??= compileScanner();
  const memory = new WebAssembly.Memory({ initial: 1 });
  const instance = new WebAssembly.Instance(compiled, { env: { memory } });
  const exports = instance.exports as ScannerExports;
  memory.grow(Math.ceil(memoryBytes(exports) / PAGE_BYTES) - 1);
  return { exports, memory: new Uint8Array(memory.buffer) };
}

function compileScanner(): InstanceType<typeof WebAssembly.Module> {
  return new WebAssembly.Module(Uint8Array.from(atob(SCANNER_BINARY), (character) => character.charCodeAt(0)));
}
