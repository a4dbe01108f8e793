import * as z from "zod";
import { OPERATIONS, type Operation } from "./operations.ts";
import { vProblem } from "./problem.ts";

/** The OpenAPI 3.1 document of the agents' door, written from the very schemas that requests are checked with. */
export function openApiDocument(origin: string) {
  const named: Named = {};
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of Object.values<Operation>(OPERATIONS)) {
    const path = (paths[`/v1${operation.path}`] ??= {});
    path[operation.method.toLowerCase()] = describe(operation, named);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Slipway, for agents",
      version: "1.0.0",
      description:
        "What a token may do with its project: look, move it along its lifecycle, report, read events and logs. " +
        "Every error is a problem as of RFC 9457, with a `code`, and where there is one a `hint` on what to do.",
    },
    servers: [{ url: origin }],
    security: [{ token: [] }],
    paths,
    components: {
      schemas: named,
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "slipway token create --role agent --project <project>",
        },
      },
    },
  };
}

type Named = Record<string, unknown>;

function describe(operation: Operation, named: Named) {
  return {
    operationId: operation.id,
    summary: operation.summary,
    parameters: [
      ...parameters("path", operation.params, named),
      ...(operation.query ? parameters("query", operation.query, named) : []),
    ],
    ...(operation.body && { requestBody: { required: true, content: json(operation.body, "input", named) } }),
    responses: {
      "200": { description: "Done.", content: json(operation.response, "output", named) },
      default: {
        description: "It was refused, and why.",
        content: { "application/problem+json": { schema: schemaOf(vProblem, "output", named) } },
      },
    },
  };
}

function parameters(where: "path" | "query", schema: z.ZodObject, named: Named) {
  return Object.entries(schema.shape).map(([name, value]) => ({
    name,
    in: where,
    required: where === "path",
    schema: schemaOf(value as z.ZodType, "input", named),
  }));
}

function json(schema: z.ZodType, io: "input" | "output", named: Named) {
  return { "application/json": { schema: schemaOf(schema, io, named) } };
}

/** `schema` as JSON Schema; those with a name of their own go to `named` and are referred to. */
function schemaOf(schema: z.ZodType, io: "input" | "output", named: Named): unknown {
  const { $schema: _dialect, $defs = {}, ...rest } = z.toJSONSchema(schema, { io });
  for (const [name, definition] of Object.entries($defs)) named[name] = pointToComponents(definition);
  return pointToComponents(rest);
}

function pointToComponents(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/')) as unknown;
}
