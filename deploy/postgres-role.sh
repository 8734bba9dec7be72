#!/bin/sh
# Run once by the image of PostgreSQL, when it has made its data: Ontem's role, which is not a
# superuser, and its database.
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
    --set=password="$(cat "$ONTEM_POSTGRES_PASSWORD_FILE")" \
    --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
CREATE ROLE ontem LOGIN CREATEDB PASSWORD :'password' IN ROLE pg_monitor, pg_signal_backend;
CREATE DATABASE ontem OWNER ontem;
SQL
