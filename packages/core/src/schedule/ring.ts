/**
 * A circle of members with a place where the next turn begins. Adding, removing and turning are O(1); a member added is
 * the last to have its turn. Order depends on the calls made and on nothing else.
 */
export class Ring<Member> {
  readonly #nodes = new Map<Member, Node<Member>>();
  #head: Node<Member> | null = null;

  get size(): number {
    return this.#nodes.size;
  }

  has(member: Member): boolean {
    return this.#nodes.has(member);
  }

  /** Adds a member just before the head; one that is there already keeps its place. */
  add(member: Member): void {
    if (this.#nodes.has(member)) return;
    const node = new Node(member);
    this.#nodes.set(member, node);
    if (this.#head === null) this.#head = node;
    else node.insertBefore(this.#head);
  }

  remove(member: Member): void {
    const node = this.#nodes.get(member);
    if (node === undefined) return;
    this.#nodes.delete(member);
    if (this.#head === node) this.#head = node.next === node ? null : node.next;
    node.unlink();
  }

  /** The member whose turn it is; the turn passes on. */
  turn(): Member | null {
    const node = this.#head;
    if (node === null) return null;
    this.#head = node.next;
    return node.member;
  }
}

class Node<Member> {
  readonly member: Member;
  next: Node<Member> = this;
  #previous: Node<Member> = this;

  constructor(member: Member) {
    this.member = member;
  }

  insertBefore(other: Node<Member>): void {
    this.#previous = other.#previous;
    this.next = other;
    this.#previous.next = this;
    other.#previous = this;
  }

  unlink(): void {
    this.#previous.next = this.next;
    this.next.#previous = this.#previous;
  }
}
