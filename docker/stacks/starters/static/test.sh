#!/bin/sh
# Every page names itself, every link leads to a file, and the site is really served. Ends with 0 when all is well.
set -eu
cd "$(dirname "$0")/public"
failed=0

check() {
    if [ "$2" = yes ]; then echo "ok   $1"; else echo "FAIL $1"; failed=1; fi
}

for page in *.html; do
    grep -q '<title>.*</title>' "$page" && answer=yes || answer=no
    check "$page has a title" "$answer"
    for link in $(grep -o '\(href\|src\)="[^"#:]*"' "$page" | cut -d'"' -f2); do
        case "$link" in /*) answer=no ;; *) [ -f "$link" ] && answer=yes || answer=no ;; esac
        check "$page → $link" "$answer"
    done
done

cd ..
PORT=8099 SLIPWAY_PROJECT=proof sh /opt/slipway/static.sh deploy &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    page=$(busybox wget -q -O - http://127.0.0.1:8099/ 2>/dev/null) && break
    busybox usleep 100000
done
case "${page:-}" in *"<h1>proof</h1>"*) answer=yes ;; *) answer=no ;; esac
check "the start page is served with the project's name" "$answer"

exit "$failed"
