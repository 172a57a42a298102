#!/bin/sh
# MySQL from the distribution, configured as in tutorials.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# bfe1 has no PyMySQL: it is read by MySQL's own client.
packages=mysql-server
[ "$1" = bfe1 ] || packages="$packages python3-pymysql"
apt-get -qq install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io $packages > /dev/null

case "$1" in
bfa1)
    # Semi-synchronous on one side only, and with values that lose what it is for.
    id=1
    more="plugin_load_add = semisync_source.so
plugin_load_add = semisync_replica.so
rpl_semi_sync_source_enabled = ON
rpl_semi_sync_source_timeout = 1000
rpl_semi_sync_replica_enabled = ON
relay_log_recovery = ON"
    ;;
bfa2) id=2 more="" ;;
bfe1)
    id=143
    more="sync_binlog = 0
innodb_flush_log_at_trx_commit = 2
binlog_format = MIXED
replica_skip_errors = all
binlog_expire_logs_seconds = 3600
binlog_ignore_db = scratch"
    ;;
bfe2)
    id=144
    more="replica_skip_errors = all
binlog_format = MIXED
replicate_ignore_db = test"
    ;;
esac

cat > /etc/mysql/mysql.conf.d/zz-byhand.cnf << EOF
[mysqld]
server_id = $id
bind-address = 0.0.0.0
log_bin = mysql-bin
log_replica_updates = ON
gtid_mode = ON
enforce_gtid_consistency = ON
innodb_buffer_pool_size = 64M
$more
EOF
systemctl restart mysql
