import { type Attachment, type AttachmentKind, readAttachment } from './attachment.ts';

/** Characters of JSON kept; beyond it what was used longest ago is read again when it is needed. */
const MOST_CHARACTERS = 64 * 1024 * 1024;

/** Files that rows name, each read once as long as not too many others come between. */
export class AttachmentShelf {
  readonly #cwd: string;
  /** In the order of their last use. */
  readonly #kept = new Map<string, Attachment>();
  #characters = 0;

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  async get(place: string, kind: AttachmentKind): Promise<Attachment> {
    const key = `${kind} ${place}`;
    const attachment = this.#kept.get(key) ?? (await readAttachment(place, kind, this.#cwd));
    this.#characters += this.#kept.delete(key) ? 0 : attachment.json.length;
    this.#kept.set(key, attachment);
    this.#makeRoom();
    return attachment;
  }

  #makeRoom(): void {
    for (const [key, { json }] of this.#kept) {
      if (this.#characters <= MOST_CHARACTERS || this.#kept.size === 1) return;
      this.#kept.delete(key);
      this.#characters -= json.length;
    }
  }
}
