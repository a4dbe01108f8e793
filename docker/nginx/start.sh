#!/bin/sh
# Starts nginx in the gateway's container: Debian's nginx with its Lua module, or OpenResty, whichever the image has.
set -eu
# What nginx writes (routes, keys of certificates) is its own to read.
umask 077

mkdir -p /tmp/gateway /state/log
: > /tmp/gateway/modules.conf
for module in ndk_http_module ngx_http_lua_module; do
    if [ -e "/usr/lib/nginx/modules/$module.so" ]; then
        echo "load_module /usr/lib/nginx/modules/$module.so;" >> /tmp/gateway/modules.conf
    fi
done

# nginx that was killed leaves its sockets behind, and would then refuse to start for ever.
rm -f /state/door/push.sock /state/door/front.sock

nginx=$(command -v openresty || command -v nginx)
exec "$nginx" -p /tmp/gateway/ -c /etc/slipway/nginx.conf -g "worker_processes ${SLIPWAY_GATEWAY_WORKERS:-auto};"
