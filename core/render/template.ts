import Handlebars from "handlebars";
import { SlipwayError } from "../errors.ts";

/** The one helper that may write into a rendered file. */
const VALUE_HELPER = "v";
/** Block helpers that write nothing of their own. */
const BLOCKS = new Set(["each", "if", "unless"]);

/**
 * What YAML does not print as it is: control characters, line separators, the byte order mark, half a surrogate pair.
 * JSON leaves them, so they are written as escapes here.
 */
const UNPRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\p{Surrogate}/gu;

/** `value` as YAML in flow style on one line, safe wherever a YAML value or key may stand; `$` doubled for Compose. */
export function yamlValue(value: unknown): string {
  const json = JSON.stringify(value);
  if (json === undefined) throw new TypeError(`There is no YAML for ${typeof value}.`);
  return json
    .replaceAll("$", "$$$$")
    .replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const handlebars = Handlebars.create();
handlebars.registerHelper(
  VALUE_HELPER,
  (value: unknown, { loc }: Handlebars.HelperOptions & { loc: hbs.AST.SourceLocation }) => {
    if (value === undefined)
      throw new TypeError(`line ${loc.start.line} asks for a field that there is not.`);
    return yamlValue(value);
  },
);

/** Compiling takes longer than filling, and a process has one template. */
let compiled: { template: string; fill: (view: object) => string } | undefined;

/**
 * Fills a Handlebars template in which every output goes through `{{v …}}`.
 * Pure; a field that `view` lacks is an error, as is a template with any other way of writing.
 * @throws SlipwayError `bad_request` when the template is not of that kind
 */
export function fillTemplate(template: string, view: object): string {
  try {
    if (compiled?.template !== template) compiled = { template, fill: compile(template) };
    return compiled.fill(view);
  } catch (error) {
    if (error instanceof SlipwayError) throw error;
    throw new SlipwayError(
      {
        code: "bad_request",
        message: `The project template cannot be filled: ${error instanceof Error ? error.message : String(error)}`,
        hint: "Check docker/project-template.yml.",
      },
      { cause: error },
    );
  }
}

function compile(template: string): (view: object) => string {
  refuseOtherOutput(handlebars.parse(template));
  return handlebars.compile(template, {
    strict: true,
    noEscape: true,
    knownHelpersOnly: true,
    knownHelpers: { [VALUE_HELPER]: true },
  });
}

function refuseOtherOutput(program: hbs.AST.Program): void {
  for (const node of program.body) {
    switch (node.type) {
      case "ContentStatement":
      case "CommentStatement":
        break;
      case "MustacheStatement": {
        const { path, params } = node as hbs.AST.MustacheStatement;
        if (nameOf(path) !== VALUE_HELPER || params.length !== 1)
          refuse(node, "an output other than {{v value}}");
        break;
      }
      case "BlockStatement": {
        const block = node as hbs.AST.BlockStatement;
        if (!BLOCKS.has(nameOf(block.path))) refuse(node, "a block other than each, if and unless");
        refuseOtherOutput(block.program);
        if (block.inverse) refuseOtherOutput(block.inverse);
        break;
      }
      default:
        refuse(node, `a ${node.type}`);
    }
  }
}

function nameOf(path: hbs.AST.PathExpression | hbs.AST.Literal): string {
  return "original" in path ? String(path.original) : "";
}

function refuse(node: hbs.AST.Statement, what: string): never {
  throw new SlipwayError({
    code: "bad_request",
    message: `The project template has ${what} in line ${node.loc.start.line}.`,
    hint: "Write every value as {{v value}}.",
  });
}
