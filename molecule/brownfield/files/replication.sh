#!/bin/sh
# Accounts, channels and data. Each host waits for what it needs of its source.
set -eu
host=$1

client=mysql
[ "${host#bfm}" = "$host" ] || client="mariadb --skip-ssl"
sql() { $client -e "$1"; }
from() { $client --host="$1" --user=repl --password=123456 --skip-column-names -e "SELECT 1" 2> /dev/null; }
wait_for() {
    for _ in $(seq 180); do
        from "$1" > /dev/null && return
        sleep 1
    done
    echo "no account at $1" >&2
    exit 1
}

case "$host" in
bfm*)
    # root first: whoever finds repl there logs in as root.
    sql "CREATE OR REPLACE USER 'root'@'%' IDENTIFIED BY 'root'; GRANT ALL ON *.* TO 'root'@'%'"
    sql "CREATE OR REPLACE USER 'repl'@'%' IDENTIFIED BY '123456'; GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%'"
    peer=10.77.0.152
    [ "$host" = bfm1 ] || peer=10.77.0.151
    wait_for "$peer"
    set -- $($client --host="$peer" --user=root --password=root --skip-column-names -e "SHOW MASTER STATUS")
    sql "CHANGE MASTER TO MASTER_HOST='$peer', MASTER_USER='repl', MASTER_PASSWORD='123456', MASTER_LOG_FILE='$1',
         MASTER_LOG_POS=$2, MASTER_USE_GTID=no, MASTER_SSL=0, MASTER_SSL_VERIFY_SERVER_CERT=0; START SLAVE"
    exit
    ;;
esac

# The same statements on both servers, as the tutorials have it; GTIDs start anew afterwards.
sql "CREATE USER IF NOT EXISTS 'repl'@'%' IDENTIFIED BY '123456'; GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%';
     CREATE USER IF NOT EXISTS 'root'@'%' IDENTIFIED BY '123456'; GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION"
case "$host" in
bfe*)
    sql "CREATE USER IF NOT EXISTS 'haproxy_check'@'10.77.0.145' IDENTIFIED BY '';
         CREATE USER IF NOT EXISTS 'app'@'10.77.0.50' IDENTIFIED BY 'Zq8-of-its-own'; GRANT SELECT ON *.* TO 'app'@'10.77.0.50'"
    ;;
esac
sql "RESET BINARY LOGS AND GTIDS"

channel() {
    wait_for "$1"
    sql "CHANGE REPLICATION SOURCE TO SOURCE_HOST='$1', SOURCE_USER='repl', SOURCE_PASSWORD='123456', SOURCE_SSL=0,
         GET_SOURCE_PUBLIC_KEY=1, $2; START REPLICA"
}
case "$host" in
bfa1)
    channel 10.77.0.142 SOURCE_AUTO_POSITION=1
    sql "CREATE DATABASE app" # nobody acknowledges it
    ;;
bfa2) channel 10.77.0.141 SOURCE_AUTO_POSITION=1 ;;
bfe2)
    channel 10.77.0.143 SOURCE_AUTO_POSITION=1
    # Somebody worked on the replica before it was read-only, and left an XA transaction behind.
    sql "CREATE DATABASE IF NOT EXISTS scratch; CREATE TABLE IF NOT EXISTS scratch.t (id INT PRIMARY KEY)"
    sql "XA START 'left'; INSERT INTO scratch.t VALUES (1); XA END 'left'; XA PREPARE 'left'"
    # Of a former source, which died before the present one had it.
    sql "SET GTID_NEXT='dead0000-0000-11ee-8000-000000000000:1'; BEGIN; COMMIT; SET GTID_NEXT=AUTOMATIC"
    sql "SET PERSIST_ONLY read_only = OFF; SET GLOBAL read_only = ON"
    ;;
esac
