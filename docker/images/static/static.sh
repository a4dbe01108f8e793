#!/bin/sh
# Serves ./public (or the folder itself without one) on $PORT until SIGTERM: `static.sh dev` without caching,
# `static.sh deploy` with. HTML may say <!--# echo var="project" -->, also namespace and environment.
set -eu
root=$PWD
[ -d "$root/public" ] && root=$root/public
state=$(mktemp -d /tmp/static.XXXXXX)
plain() { printf %s "$1" | tr -cd 'A-Za-z0-9._ -'; }

case "${1:-deploy}" in
    dev) caching='add_header Cache-Control "no-store";' ;;
    *) caching='add_header Cache-Control "no-cache"; gzip on; gzip_types text/css text/javascript application/javascript application/json image/svg+xml;' ;;
esac

cat > "$state/nginx.conf" <<END
daemon off;
worker_processes 1;
pid $state/pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    charset utf-8;
    server_tokens off;
    sendfile on;
    access_log off;
    absolute_redirect off;
    client_body_temp_path $state/body;
    proxy_temp_path $state/proxy;
    fastcgi_temp_path $state/fastcgi;
    uwsgi_temp_path $state/uwsgi;
    scgi_temp_path $state/scgi;
    server {
        listen ${PORT:-8080};
        root "$root";
        index index.html;
        set \$project "$(plain "${SLIPWAY_PROJECT:-My project}")";
        set \$namespace "$(plain "${SLIPWAY_NAMESPACE:--}")";
        set \$environment "$(plain "${SLIPWAY_ENVIRONMENT:-local}")";
        $caching
        location = /health { default_type text/plain; return 200 "ok\n"; }
        location / { ssi on; try_files \$uri \$uri/ \$uri.html =404; }
        location ~ /\.(?!well-known) { return 404; }
    }
}
END
exec nginx -e stderr -p "$state/" -c "$state/nginx.conf"
