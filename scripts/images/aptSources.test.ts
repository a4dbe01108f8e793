import { describe, expect, test } from "vitest";
import { distributionSources, formatSources, parseDeb822Sources, parseOneLineSources } from "./aptSources.ts";

const DEB822 = `Types: deb deb-src
# a comment inside a stanza
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Enabled: no

Types: deb-src
URIs: http://mirror.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://vendor.example/node_20.x
Suites: nodistro
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----
`;

describe("reading", () => {
  test("deb822: a source for each URI and suite, without disabled and source-code stanzas", () => {
    const sources = parseDeb822Sources(DEB822);
    expect(sources.map(({ uri, suite }) => `${uri} ${suite}`)).toEqual([
      "http://mirror.example/debian bookworm",
      "http://mirror.example/debian bookworm-updates",
      "https://vendor.example/node_20.x nodistro",
    ]);
    expect(sources[0]).toMatchObject({
      components: ["main", "contrib"],
      options: { "signed-by": "/usr/share/keyrings/debian-archive-keyring.gpg" },
    });
  });

  test("one line each: options, comments, deb-src and rubbish", () => {
    const text = [
      "# deb http://old.example/debian bookworm main",
      "deb-src http://mirror.example/debian bookworm main",
      "deb [arch=amd64 signed-by=/etc/apt/keyrings/x.gpg trusted=yes] http://mirror.example/debian bookworm main contrib # why",
      "deb cdrom:[Debian]/ bookworm main",
      "nonsense",
      "deb http://flat.example/packages ./",
    ].join("\n");
    expect(parseOneLineSources(text)).toEqual([
      {
        uri: "http://mirror.example/debian",
        suite: "bookworm",
        components: ["main", "contrib"],
        options: { "signed-by": "/etc/apt/keyrings/x.gpg", trusted: "yes" },
      },
      { uri: "cdrom:[Debian]/", suite: "bookworm", components: ["main"], options: {} },
      { uri: "http://flat.example/packages", suite: "./", components: [], options: {} },
    ]);
  });
});

describe("the distribution's own", () => {
  const kept = (line: string, codename = "bookworm") =>
    distributionSources(parseOneLineSources(line), codename).length === 1;

  test.each([
    "deb http://any.mirror.example/path/of/its/own bookworm main contrib non-free-firmware",
    "deb https://mirror.example/debian-security bookworm-security main",
    "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian bookworm-updates main",
    "deb mirror+file:/etc/apt/mirrors/debian.list bookworm main",
  ])("keeps %s", (line) => expect(kept(line)).toBe(true));

  test("keeps Ubuntu's", () => {
    expect(kept("deb http://mirror.example/ubuntu noble main universe", "noble")).toBe(true);
  });

  test.each([
    ["another release", "deb http://mirror.example/debian trixie main"],
    ["a third party's suite", "deb https://vendor.example/cloud cloud-sdk-bookworm main"],
    ["a third party's component", "deb https://vendor.example/linux/debian bookworm stable"],
    [
      "a third party's key",
      "deb [signed-by=/etc/apt/keyrings/vendor.gpg] https://vendor.example/php bookworm main",
    ],
    ["backports", "deb http://mirror.example/debian bookworm-backports main"],
    ["a disc", "deb cdrom:[Debian]/ bookworm main"],
  ])("leaves out %s", (_what, line) => expect(kept(line)).toBe(false));
});

test("what is written reads as it was, a key inside included", () => {
  const sources = parseDeb822Sources(DEB822);
  expect(parseDeb822Sources(formatSources(sources))).toEqual(sources);
});
