# Starts MariaDB as the official image does: MYSQL_ROOT_PASSWORD, MYSQL_DATABASE, MYSQL_USER and MYSQL_PASSWORD say what
# it is made with. The data directory is made beside its place and moved there when it is complete; database and user
# are made by an init file that the server reads before it listens, and that changes nothing where they are there.
# Arguments go to the server.
set -eu
umask 077
: "${MYSQL_ROOT_PASSWORD:?is needed to make the database}"
data=/var/lib/mysql/data

if [ ! -d "$data/mysql" ]; then
  rm -rf "$data" "$data.new"
  mariadb-install-db --no-defaults --datadir="$data.new" --auth-root-authentication-method=normal \
    --skip-test-db --skip-name-resolve > /tmp/install.log 2>&1 || { cat /tmp/install.log >&2; exit 1; }
  mv "$data.new" "$data"
fi

text() { printf '%s' "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g"; }
name() { printf '%s' "$1" | sed 's/`/``/g'; }
{
  echo "ALTER USER 'root'@'localhost' IDENTIFIED BY '$(text "$MYSQL_ROOT_PASSWORD")';"
  if [ -n "${MYSQL_DATABASE:-}" ]; then
    echo "CREATE DATABASE IF NOT EXISTS \`$(name "$MYSQL_DATABASE")\` CHARACTER SET utf8mb4;"
  fi
  if [ -n "${MYSQL_USER:-}" ]; then
    user="'$(text "$MYSQL_USER")'@'%'"
    echo "CREATE USER IF NOT EXISTS $user IDENTIFIED BY '$(text "$MYSQL_PASSWORD")';"
    if [ -n "${MYSQL_DATABASE:-}" ]; then
      echo "GRANT ALL ON \`$(name "$MYSQL_DATABASE")\`.* TO $user;"
    fi
  fi
} > /tmp/init.sql

exec mariadbd --no-defaults --datadir="$data" --socket=/run/mysqld/mysqld.sock --pid-file=/run/mysqld/mysqld.pid \
  --tmpdir=/tmp --bind-address=0.0.0.0 --skip-name-resolve --character-set-server=utf8mb4 \
  --init-file=/tmp/init.sql "$@"
