#!/bin/sh
# MariaDB from the distribution, as a dual source with file/position replication.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# No PyMySQL: it is read by its own client.
apt-get -qq install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io mariadb-server > /dev/null
cat > /etc/mysql/mariadb.conf.d/zz-byhand.cnf << EOF
[mysqld]
server_id = ${1#bfm}
bind-address = 0.0.0.0
log_bin = mysql-bin
binlog_ignore_db = mysql
slave_skip_errors = all
auto_increment_increment = 2
auto_increment_offset = ${1#bfm}
innodb_buffer_pool_size = 64M
EOF
[ "$1" = bfm1 ] || echo "expire_logs_days = 1" >> /etc/mysql/mariadb.conf.d/zz-byhand.cnf
systemctl restart mariadb
