/** Turns the data of `spec.ts` into calls of Convex's query builder and database writer. */
import type { GenericDatabaseReader } from "convex/server";
import type { Value } from "convex/values";
import type { DataModel } from "./_generated/dataModel";
import type { MutationCtx } from "./_generated/server";
import type { Expression, Operand, QuerySpec, RangeStep, Terminal, WriteSpec } from "./spec";

/** The builders without their types: a spec may ask for what the types would refuse. */
type Loose = Record<string, (...args: unknown[]) => unknown>;
type Iterable = AsyncIterable<Value>;

const operand = (given: Operand): Value | undefined => ("missing" in given ? undefined : given.value);

function build(q: Loose, expression: Expression): unknown {
  switch (expression.op) {
    case "field":
      return q["field"]!(expression.path);
    case "literal":
      return operand(expression);
    case "and":
    case "or":
      return q[expression.op]!(...expression.all.map((each) => build(q, each)));
    case "not":
    case "neg":
      return q[expression.op]!(build(q, expression.of));
    default:
      return q[expression.op]!(build(q, expression.left), build(q, expression.right));
  }
}

function buildRange(q: Loose, range: readonly RangeStep[]): Loose {
  return range.reduce((built, step) => built[step.op]!(step.field, operand(step)) as Loose, q);
}

async function iterate(query: Iterable, stopAfter: number): Promise<Value[]> {
  const seen: Value[] = [];
  for await (const document of query) {
    seen.push(document);
    if (seen.length === stopAfter) break;
  }
  return seen;
}

async function finish(query: Loose, terminal: Terminal): Promise<unknown> {
  const end = async (name: string, ...args: unknown[]): Promise<unknown> =>
    await (query[name]!(...args) as Promise<unknown>);
  switch (terminal.kind) {
    case "take":
      return await end("take", terminal.n);
    case "iterate":
      return await iterate(query as unknown as Iterable, terminal.stopAfter);
    case "paginate": {
      const { kind: _kind, ...options } = terminal;
      return await end("paginate", options);
    }
    case "count":
      return ((await end("collect")) as unknown[]).length;
    default:
      return await end(terminal.kind);
  }
}

export async function runQuery(db: GenericDatabaseReader<DataModel>, spec: QuerySpec): Promise<unknown> {
  let query = db.query(spec.table) as unknown as Loose;
  if (spec.index !== undefined) {
    query = query["withIndex"]!(spec.index, (q: Loose) => buildRange(q, spec.range ?? [])) as Loose;
  }
  if (spec.order !== undefined) query = query["order"]!(spec.order) as Loose;
  const { filter } = spec;
  if (filter !== undefined) query = query["filter"]!((q: Loose) => build(q, filter)) as Loose;
  return await finish(query, spec.terminal);
}

/** Makes one write; answers with the id of the document, or null when no document has the label. */
export async function runWrite({ db }: MutationCtx, write: WriteSpec): Promise<string | null> {
  if (write.op === "insert") return await db.insert(write.table, write.document as never);
  const found = await db
    .query(write.table)
    .withIndex("by_label", (q) => q.eq("label", write.label))
    .first();
  if (found === null) return null;
  const fields = Object.fromEntries(
    ("unset" in write ? (write.unset ?? []) : []).map((name) => [name, undefined]),
  );
  if (write.op === "delete") await db.delete(found._id);
  else if (write.op === "patch") await db.patch(found._id, { ...write.document, ...fields } as never);
  else await db.replace(found._id, write.document as never);
  return found._id;
}
