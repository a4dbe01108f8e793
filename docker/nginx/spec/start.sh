#!/bin/sh
# Runs the specs: in a container of the gateway's image with docker/nginx at /src and a tmpfs at /tmp.
set -eu
mkdir -p /tmp/gateway
: > /tmp/gateway/modules.conf
for module in ndk_http_module ngx_http_lua_module; do
    if [ -e "/usr/lib/nginx/modules/$module.so" ]; then
        echo "load_module /usr/lib/nginx/modules/$module.so;" >> /tmp/gateway/modules.conf
    fi
done
nginx=$(command -v openresty || command -v nginx)
exec "$nginx" -p /tmp/gateway/ -c /src/spec/nginx.conf
