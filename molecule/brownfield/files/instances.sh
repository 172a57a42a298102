#!/bin/sh
# Two mysqld on each machine, and for each of them a VIP with a check by a script.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io \
    mysql-server-core mysql-client python3-pymysql keepalived passwd > /dev/null
case "$1" in
bfd1a) number=1 peer=10.77.0.154 ;;
bfd2a) number=2 peer=10.77.0.153 ;;
esac

sql() { mysql --no-defaults --socket="/data/$1/mysql.sock" --user=root -e "$2"; }

# ---- mysqld: one database made, the other one copied from it ---------------------------------------------------------
id mysql > /dev/null 2>&1 || useradd --system --shell /usr/sbin/nologin mysql
mkdir -p /data/3306 /data/3307
chown mysql: /data/3306 /data/3307
mysqld --no-defaults --initialize-insecure --user=mysql --datadir=/data/3306/data 2> /dev/null
cp -a /data/3306/data /data/3307/data
# Copied on from the first machine: the second has the same.
printf '[auto]\nserver-uuid=5ca1ab1e-0000-11ee-8000-00000000000d\n' > /data/3307/data/auto.cnf

options() { # port, then settings
    port=$1
    shift
    {
        printf '[mysqld]\nuser = mysql\nport = %s\ndatadir = /data/%s/data\n' "$port" "$port"
        printf 'socket = /data/%s/mysql.sock\nlog_error = /data/%s/error.log\n' "$port" "$port"
        printf 'mysqlx = OFF\nsecure_file_priv = NULL\nlog_bin = mysql-bin\ninnodb_buffer_pool_size = 32M\n'
        printf '%s\n' "$@"
    } > "/data/$port/my.cnf"
    cat > "/etc/systemd/system/mysqld-$port.service" << EOF
[Service]
ExecStart=/usr/sbin/mysqld --defaults-file=/data/$port/my.cnf
[Install]
WantedBy=multi-user.target
EOF
}
reading=OFF
[ "$number" = 1 ] || reading=ON
options 3306 "server_id = $number" "gtid_mode = ON" "enforce_gtid_consistency = ON" "auto_increment_increment = 2" \
    "auto_increment_offset = $number" "read_only = $reading"
options 3307 "server_id = 100" "gtid_mode = OFF" "enforce_gtid_consistency = OFF" "performance_schema = OFF"
systemctl daemon-reload
systemctl --quiet enable --now mysqld-3306 mysqld-3307
for port in 3306 3307; do
    for _ in $(seq 60); do
        sql "$port" "SELECT 1" > /dev/null 2>&1 && break
        sleep 1
    done
    sql "$port" "CREATE USER 'repl'@'10.77.0.%' IDENTIFIED BY 'repl'; GRANT REPLICATION SLAVE ON *.* TO 'repl'@'10.77.0.%'"
done
# The second instance never got the account of the check.
sql 3306 "CREATE USER 'check'@'127.0.0.1' IDENTIFIED BY '123456';
          CREATE USER 'app'@'10.77.0.%' IDENTIFIED BY 'Zq8-of-its-own'; GRANT SELECT, CONNECTION_ADMIN ON *.* TO 'app'@'10.77.0.%'"
for port in 3306 3307; do
    sql "$port" "RESET BINARY LOGS AND GTIDS"
done
follow() { # port, how
    for _ in $(seq 180); do
        mysql --no-defaults --host="$peer" --port="$1" --user=repl --password=repl -e "SELECT 1" > /dev/null 2>&1 && break
        sleep 1
    done
    sql "$1" "CHANGE REPLICATION SOURCE TO SOURCE_HOST='$peer', SOURCE_PORT=$1, SOURCE_USER='repl', SOURCE_PASSWORD='repl',
              SOURCE_SSL=0, GET_SOURCE_PUBLIC_KEY=1, $2; START REPLICA"
}
follow 3306 SOURCE_AUTO_POSITION=1
follow 3307 "SOURCE_LOG_FILE='mysql-bin.000001', SOURCE_LOG_POS=4"

# ---- keepalived: what is meant to be alike differs -------------------------------------------------------------------
mkdir -p /usr/local/keepalived
cat > /usr/local/keepalived/check_mysql.py << 'EOF'
#!/usr/bin/python3
import argparse
import sys

import pymysql

parser = argparse.ArgumentParser()
for name in ("port", "user", "password"):
    parser.add_argument(f"--{name}")
given = parser.parse_args()
try:
    pymysql.connect(host="127.0.0.1", port=int(given.port), user=given.user, password=given.password).close()
except pymysql.MySQLError:
    sys.exit(1)
EOF
printf '#!/bin/sh\nmysql --socket=/data/$1/mysql.sock -e "SHOW BINARY LOG STATUS" > /data/$1/takeover\n' > /usr/local/keepalived/note.sh
chmod 755 /usr/local/keepalived/*

instance() { # port, state, router id, advert_int, address
    cat << EOF
vrrp_script check_$1 {
    script "/usr/local/keepalived/check_mysql.py --port=$1 --user=check --password=123456"
    interval 60
}
vrrp_instance MYSQL_$1 {
    state $2
    interface eth0
    virtual_router_id $3
    priority 100
    advert_int $4
    nopreempt
    authentication {
        auth_type PASS
        auth_pass mysql$1
    }
    virtual_ipaddress {
        $5
    }
    track_script {
        check_$1
    }
    notify_master "/usr/local/keepalived/note.sh $1"
}
EOF
}
if [ "$number" = 1 ]; then
    instance 3306 BACKUP 61 5 10.77.0.155
    instance 3307 MASTER 62 5 10.77.0.156
else
    instance 3306 BACKUP 62 5 10.77.0.155
    instance 3307 BACKUP 61 1 10.77.0.156
fi > /etc/keepalived/keepalived.conf
# The second one was killed as a master: its VIP stays behind.
if [ "$number" = 1 ]; then
    systemctl restart keepalived
else
    systemctl stop keepalived
    ip address add 10.77.0.155/32 dev eth0
fi
