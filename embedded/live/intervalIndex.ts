/**
 * Which owners have an interval that contains a key: a treap ordered by lower bound, each node knowing the greatest
 * upper bound below it. Adding, removing and each hit cost the logarithm of the number of distinct intervals.
 */
import type { Interval } from "./readSet.ts";

interface Node<T> {
  readonly lower: string;
  readonly upper: string;
  readonly owners: Set<T>;
  readonly priority: number;
  maxUpper: string;
  left: Node<T> | null;
  right: Node<T> | null;
}

function compare<T>(node: Node<T>, { lower, upper }: Interval): number {
  if (lower !== node.lower) return lower < node.lower ? -1 : 1;
  if (upper !== node.upper) return upper < node.upper ? -1 : 1;
  return 0;
}

function refresh<T>(node: Node<T>): Node<T> {
  let max = node.upper;
  if (node.left !== null && node.left.maxUpper > max) max = node.left.maxUpper;
  if (node.right !== null && node.right.maxUpper > max) max = node.right.maxUpper;
  node.maxUpper = max;
  return node;
}

function merge<T>(left: Node<T> | null, right: Node<T> | null): Node<T> | null {
  if (left === null) return right;
  if (right === null) return left;
  if (left.priority > right.priority) {
    left.right = merge(left.right, right);
    return refresh(left);
  }
  right.left = merge(left, right.left);
  return refresh(right);
}

/** Splits into the nodes before `at` and those after it; `at` itself must not be in the tree. */
function split<T>(node: Node<T> | null, at: Interval): [Node<T> | null, Node<T> | null] {
  if (node === null) return [null, null];
  if (compare(node, at) < 0) {
    const [left, right] = split(node.left, at);
    node.left = right;
    return [left, refresh(node)];
  }
  const [left, right] = split(node.right, at);
  node.right = left;
  return [refresh(node), right];
}

export class IntervalIndex<T> {
  #root: Node<T> | null = null;
  #size = 0;

  /** The number of distinct intervals. */
  get size(): number {
    return this.#size;
  }

  add(interval: Interval, owner: T): void {
    const known = this.#find(interval);
    if (known !== null) {
      known.owners.add(owner);
      return;
    }
    const [left, right] = split(this.#root, interval);
    const node: Node<T> = {
      ...{ lower: interval.lower, upper: interval.upper, maxUpper: interval.upper },
      owners: new Set([owner]),
      priority: Math.random(),
      left: null,
      right: null,
    };
    this.#root = merge(merge(left, node), right);
    this.#size++;
  }

  remove(interval: Interval, owner: T): void {
    const node = this.#find(interval);
    if (node === null || !node.owners.delete(owner) || node.owners.size > 0) return;
    this.#root = this.#without(this.#root, interval);
    this.#size--;
  }

  /** Calls `visit` for each owner of each interval that contains `key`; an owner may come more than once. */
  visit(key: string, visit: (owner: T) => void): void {
    const walk = (node: Node<T> | null): void => {
      if (node === null || node.maxUpper <= key) return;
      walk(node.left);
      if (node.lower > key) return;
      if (node.upper > key) for (const owner of node.owners) visit(owner);
      walk(node.right);
    };
    walk(this.#root);
  }

  #find(interval: Interval): Node<T> | null {
    let node = this.#root;
    while (node !== null) {
      const order = compare(node, interval);
      if (order === 0) return node;
      node = order < 0 ? node.left : node.right;
    }
    return null;
  }

  #without(node: Node<T> | null, interval: Interval): Node<T> | null {
    if (node === null) return null;
    const order = compare(node, interval);
    if (order === 0) return merge(node.left, node.right);
    if (order < 0) node.left = this.#without(node.left, interval);
    else node.right = this.#without(node.right, interval);
    return refresh(node);
  }
}
