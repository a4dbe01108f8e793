/** Written so that a very old Node.js can still read it and say what is wrong. */
export const NEEDED = [20, 19];

/** One message for people, or undefined where `version` (like `20.19.0`) will do. */
export function nodeVersionProblem(version, path) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return undefined;
  return (
    `Slipway needs Node.js ${NEEDED.join(".")} or newer; ${path} is ${version}.\n` +
    "Install it from https://nodejs.org or with your version manager (nvm install 20), then try again."
  );
}
