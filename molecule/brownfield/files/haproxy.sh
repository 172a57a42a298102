#!/bin/sh
# One proxy for reading.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io haproxy > /dev/null
cat > /etc/haproxy/haproxy.cfg << EOF
global
    log 127.0.0.1 local2
    stats socket /run/haproxy/admin.sock mode 660 level admin
    maxconn 4000
defaults
    mode tcp
    retries 3
    option redispatch
    timeout connect 3s
    timeout client 5s
    timeout server 5s
    maxconn 2000
listen mysql
    bind 0.0.0.0:3306
    balance roundrobin
    option mysql-check user haproxy_check
    server db1 10.77.0.143:3306 weight 1 check inter 2000
    server db2 10.77.0.144:3306 weight 1 check inter 2000
listen stats
    mode http
    bind *:8888
    stats enable
    stats uri /dbs
    stats auth myadmin:myadmin
EOF
systemctl restart haproxy
