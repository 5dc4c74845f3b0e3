#!/bin/bash
# Run once by the image, on an empty volume: two databases, each with an owner and an application role.
set -eu
export secrets=${CENCOMM_SECRETS:-/run/secrets}
make() { # make DATABASE OWNER OWNER-SECRET APPLICATION APPLICATION-SECRET
    # psql reads the passwords itself: on its command line other processes could see them.
    psql -v ON_ERROR_STOP=1 --username postgres --dbname postgres \
        -v database="$1" -v owner="$2" -v application="$4" <<SQL
\\set owner_password \`cat "$secrets/$3"\`
\\set application_password \`cat "$secrets/$5"\`
CREATE ROLE :"owner" LOGIN NOINHERIT PASSWORD :'owner_password';
CREATE ROLE :"application" LOGIN NOINHERIT PASSWORD :'application_password';
CREATE DATABASE :"database" OWNER :"owner";
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"application";
SQL
}
make cencomm cencomm_owner owner-password cencomm_app application-password
make cen cen_owner cen-owner-password cen_app cen-application-password
