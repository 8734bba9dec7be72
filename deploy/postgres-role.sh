#!/bin/sh
# Run once by the image of PostgreSQL, when it has made its data: Ontem's role, which is not a
# superuser, and its database.
set -eu
password=$(cat "$ONTEM_POSTGRES_PASSWORD_FILE") # on a line of its own, so that a missing file ends this
[ -n "$password" ] || { echo "$ONTEM_POSTGRES_PASSWORD_FILE is empty: remove the volumes and begin again" >&2; exit 1; }
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --set=password="$password" \
    --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
CREATE ROLE ontem LOGIN CREATEDB PASSWORD :'password' IN ROLE pg_monitor, pg_signal_backend;
CREATE DATABASE ontem OWNER ontem;
SQL
