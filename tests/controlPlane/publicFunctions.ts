/** The public functions that `convex/` exports, found by looking at its modules and not by any list. */

type Registered = { isPublic?: boolean; isQuery?: boolean; isMutation?: boolean; isAction?: boolean };
export type PublicFunction = { name: string; type: "query" | "mutation" | "action" };

const modules = import.meta.glob<Record<string, Registered>>(
  ["../../convex/**/*.ts", "!../../convex/**/*.test.ts", "!../../convex/_generated/**"],
  { eager: true },
);

export function publicFunctions(): PublicFunction[] {
  return Object.entries(modules).flatMap(([path, exports]) => {
    const file = path.replace(/^.*\/convex\//, "").replace(/\.ts$/, "");
    return Object.entries(exports).flatMap(([name, value]): PublicFunction[] => {
      // A registered function is itself callable, and says on it what it is.
      if (typeof value !== "function" || !(value as Registered).isPublic) return [];
      const { isQuery, isMutation } = value as Registered;
      const type = isQuery ? "query" : isMutation ? "mutation" : "action";
      return [{ name: `${file}:${name}`, type }];
    });
  });
}
