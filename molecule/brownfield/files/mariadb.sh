#!/bin/sh
# MariaDB from the distribution, with file/position replication.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install -y mariadb-server > /dev/null # and no PyMySQL: it is read by its own client
cat > /etc/mysql/mariadb.conf.d/zz-byhand.cnf << EOF
[mysqld]
server_id = ${1#bfm}
bind-address = 0.0.0.0
log_bin = mysql-bin
innodb_buffer_pool_size = 64M
EOF
if [ "$1" = bfm1 ]; then
    echo "binlog_ignore_db = scratch" >> /etc/mysql/mariadb.conf.d/zz-byhand.cnf
else
    printf 'slave_skip_errors = all\nexpire_logs_days = 1\nsync_binlog = 0\n' >> /etc/mysql/mariadb.conf.d/zz-byhand.cnf
fi
systemctl restart mariadb
