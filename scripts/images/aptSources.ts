/** One line of an apt source, as `sources.list(5)` has it. */
export interface AptSource {
  uri: string;
  suite: string;
  components: string[];
  /** Options as in `[signed-by=… trusted=yes]`, names in lower case. */
  options: Record<string, string>;
}

const OFFICIAL_COMPONENTS = new Set([
  "main",
  "contrib",
  "non-free",
  "non-free-firmware",
  "restricted",
  "universe",
  "multiverse",
]);
const KEPT_OPTIONS = new Set(["signed-by", "trusted", "check-valid-until"]);
const OFFICIAL_POCKETS = ["", "-updates", "-security", "/updates"];
const RELEASE_ALIASES = ["stable", "oldstable"];
const OFFICIAL_KEYRING = /(debian|ubuntu|raspbian)-archive|(debian|ubuntu)-keyring/;
const USABLE_METHOD = /^(https?|file|mirror|mirror\+[a-z+]+|copy|tor\+https?):/;

/** Reads a `sources.list` in its one-line format; disabled and source-code lines are left out. */
export function parseOneLineSources(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (!match) return [];
    const [, options = "", uri = "", suite = "", components = ""] = match;
    return [{ uri, suite, components: words(components), options: parseOptions(options) }];
  });
}

/** Reads a deb822 `.sources` file; each URI and suite of a stanza becomes a source of its own. */
export function parseDeb822Sources(text: string): AptSource[] {
  return text
    .split(/\n[ \t]*(?:\n|$)/)
    .map(parseStanza)
    .filter((stanza) => words(stanza.get("types") ?? "").includes("deb"))
    .filter((stanza) => !/^(no|false|0|off)$/i.test(stanza.get("enabled") ?? "yes"))
    .flatMap((stanza) => {
      const options = Object.fromEntries([...stanza].filter(([name]) => KEPT_OPTIONS.has(name)));
      const components = words(stanza.get("components") ?? "");
      return words(stanza.get("uris") ?? "").flatMap((uri) =>
        words(stanza.get("suites") ?? "").map((suite) => ({ uri, suite, components, options })),
      );
    });
}

/**
 * Those sources that are the distribution's own release `codename`: its suites, its components, and, where a key is
 * named, its archive key. Third parties' lists would mix their builds into the images.
 */
export function distributionSources(sources: readonly AptSource[], codename: string): AptSource[] {
  return sources.filter((source) => {
    const releases = [codename, ...RELEASE_ALIASES];
    const officialSuite = releases.some((name) =>
      OFFICIAL_POCKETS.some((pocket) => source.suite === name + pocket),
    );
    const official = source.components.filter((component) => OFFICIAL_COMPONENTS.has(component));
    const key = source.options["signed-by"];
    return (
      officialSuite &&
      official.length > 0 &&
      official.length === source.components.length &&
      (key === undefined || OFFICIAL_KEYRING.test(key) || key.includes("BEGIN PGP")) &&
      USABLE_METHOD.test(source.uri)
    );
  });
}

/** Writes sources as deb822 stanzas, which alone can carry a key inline. */
export function formatSources(sources: readonly AptSource[]): string {
  return sources
    .map((source) => {
      const options = Object.entries(source.options).map(([name, value]) => `${name}: ${value}`);
      return [
        "Types: deb",
        `URIs: ${source.uri}`,
        `Suites: ${source.suite}`,
        `Components: ${source.components.join(" ")}`,
        ...options,
        "",
      ].join("\n");
    })
    .join("\n");
}

function parseStanza(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  let current: string | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const field = /^([A-Za-z][A-Za-z0-9-]*):[ \t]*(.*)$/.exec(line);
    if (field?.[1] !== undefined) {
      current = field[1].toLowerCase();
      fields.set(current, field[2]?.trimEnd() ?? "");
    } else if (current !== undefined && /^[ \t]/.test(line)) {
      fields.set(current, `${fields.get(current) ?? ""}\n${line.trimEnd()}`);
    }
  }
  return fields;
}

function parseOptions(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/([A-Za-z-]+)=(\S+)/g)]
      .map(([, name = "", value = ""]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => KEPT_OPTIONS.has(name)),
  );
}

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");
