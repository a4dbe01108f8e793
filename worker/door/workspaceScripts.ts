/**
 * What runs in a file container (busybox). Every value comes as an argument or as input, never as part of a script.
 * Paths are relative to /workspace and begin with `./`. Exit codes of 40 and more say what was wrong.
 */

export const FAILED = { missing: 44, outside: 45, special: 46, inTheWay: 47, isFolder: 48 } as const;

/** Goes to $1, or to its folder: `p` is then where that really is. A link may lead there, but not out. */
const RESOLVE = `
cd /workspace || exit 40
resolve() {
  p=$(readlink -f -- "$1") || exit ${FAILED.missing}
  case "$p" in /workspace|/workspace/*) ;; *) exit ${FAILED.outside};; esac
  [ -e "$p" ] || exit ${FAILED.missing}
}
`;

/** Names, a record with nothing, then a line of \`stat\` for each: one process for many names. */
const BATCH = `
o=$(stat -c "%f %s %Y" -- "$@" 2>/dev/null)
if [ "$(printf "%s\\n" "$o" | wc -l)" -eq $# ]; then printf "%s\\0" "$@"; printf "\\0%s\\0" "$o"
else for f; do o=$(stat -c "%f %s %Y" -- "$f" 2>/dev/null) && printf "%s\\0\\0%s\\0" "$f" "$o"; done; fi
`;

/** $1: a path. $2: `all` for everything below it. Says \`d\` and lists, or \`f mode size mtime\` and gives the content. */
export const LOOK = `${RESOLVE}
resolve "$1"
if [ -d "$p" ]; then
  cd "$p" || exit ${FAILED.missing}
  printf "d\\0"
  if [ "$2" = all ]; then set -- find . -mindepth 1; else set -- find . -mindepth 1 -maxdepth 1; fi
  "$@" -print0 2>/dev/null | xargs -0 -r -n 300 sh -c '${BATCH}' sh
elif [ -f "$p" ]; then
  printf "f %s\\0" "$(stat -c "%f %s %Y" -- "$p")"
  exec cat -- "$p"
else exit ${FAILED.special}; fi
`;

/** Takes paths as input, each with a NUL. Says of each what the link there says. */
export const LINKS = `
cd /workspace || exit 40
exec xargs -0 -r -n 300 sh -c 'for f; do readlink -n -- "$f"; printf "\\0"; done' sh
`;

/** Takes paths as input, each with a NUL. Says of each the SHA-256 of the file there, or nothing, each with a NUL. */
export const HASHES = `
cd /workspace || exit 40
exec xargs -0 -r -n 200 sh -c '
o=$(sha256sum -- "$@" 2>/dev/null | cut -c 1-64)
if [ "$(printf "%s\\n" "$o" | grep -c "^[0-9a-f]\\{64\\}$")" -eq $# ] && [ "$(printf "%s\\n" "$o" | wc -l)" -eq $# ]
then printf "%s\\n" "$o" | tr "\\n" "\\0"
else for f; do h=; [ -f "$f" ] && h=$(sha256sum < "$f" 2>/dev/null); printf "%s\\0" "$(printf "%s" "$h" | cut -c 1-64)"; done; fi' sh
`;

/** $1: a folder, made where it is missing. $2: the name of a new file there, which the input goes into. */
export const RECEIVE = `${RESOLVE}
mkdir -p -- "$1" 2>/dev/null || exit ${FAILED.inTheWay}
resolve "$1"
cd "$p" && exec cat > "$2"
`;

/** $1, $2 as above. $3: the name that it gets. $4: its mode, or nothing: the mode of what it replaces. */
export const COMMIT = `${RESOLVE}
resolve "$1"
cd "$p" || exit ${FAILED.missing}
if [ -d "$3" ] && [ ! -L "$3" ]; then rm -f -- "$2"; exit ${FAILED.isFolder}; fi
m=\${4:-644}
if [ -z "$4" ] && [ -f "$3" ] && [ ! -L "$3" ]; then m=$(stat -c %a -- "$3"); fi
chmod "$m" -- "$2" && { [ ! -L "$3" ] || rm -f -- "$3"; } && exec mv -f -- "$2" "$3"
`;

/** $1, $2 as above: what was received does not count. */
export const DISCARD = `${RESOLVE}
resolve "$1"
cd "$p" && exec rm -f -- "$2"
`;

/** Takes paths as input, each with a NUL, and removes what is there. */
export const REMOVE = `
cd /workspace || exit 40
exec xargs -0 -r -n 300 rm -rf --
`;

/** $1: a path. Gives what is in that folder, or that file alone, as a tar. */
export const PACK = `${RESOLVE}
resolve "$1"
if [ -d "$p" ]; then cd "$p" && exec tar -c -f - .; fi
cd "\${p%/*}" && exec tar -c -f - -- "./\${p##*/}"
`;

/** $1: what the environment of a command and of all that it started says. $2: a signal. */
export const SIGNAL = `
for d in /proc/[0-9]*; do
  if [ "\${d#/proc/}" != $$ ] && grep -q -- "$1" "$d/environ" 2>/dev/null; then kill -s "$2" "\${d#/proc/}" 2>/dev/null; fi
done
true
`;
