# Starts PostgreSQL as the official image does: POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB say what an empty data
# directory (PGDATA) is made with. It is made beside its place and moved there when it is complete, so that whatever
# happens meanwhile leaves either nothing or all of it. Arguments go to the server.
set -eu
umask 077
: "${PGDATA:=/var/lib/postgresql/data/pgdata}"
: "${POSTGRES_USER:=postgres}"
: "${POSTGRES_DB:=$POSTGRES_USER}"

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?is needed to make the database}"
  new="$PGDATA.new"
  rm -rf "$new"
  mkdir -p "$new"
  printf '%s\n' "$POSTGRES_PASSWORD" > /tmp/initial-password
  initdb -D "$new" -U "$POSTGRES_USER" --pwfile=/tmp/initial-password \
    --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-instructions
  rm /tmp/initial-password
  echo 'host all all all scram-sha-256' >> "$new/pg_hba.conf"
  if [ "$POSTGRES_DB" != postgres ]; then
    quoted=$(printf '%s' "$POSTGRES_DB" | sed 's/"/""/g')
    printf 'CREATE DATABASE "%s"\n' "$quoted" | postgres --single -j -D "$new" postgres > /dev/null
  fi
  mkdir -p "$PGDATA"
  rmdir "$PGDATA"
  mv "$new" "$PGDATA"
fi

exec postgres -D "$PGDATA" -c listen_addresses='*' "$@"
