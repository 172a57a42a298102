#!/bin/sh
# Two directors for reading, with different router ids for one VIP.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io keepalived > /dev/null
# The lab's kernel may have no ip_vs: VRRP only, the virtual_server stands in the configuration all the same.
echo 'DAEMON_ARGS="-P"' > /etc/default/keepalived
case "$1" in
bfb1)
    id=60 priority=100 weight=1 check=""
    global=""
    tracked="track_script {
        check_ipvs
    }" # which nobody has defined
    ;;
bfb2)
    id=70 priority=98 weight=5 check='MISC_CHECK {
            misc_path "/etc/keepalived/check_mysql.py 10.77.0.144"
        }'
    global="global_defs {
    vrrp_version 3
}"
    tracked=""
    ;;
esac
cat > /etc/keepalived/keepalived.conf << EOF
$global
vrrp_instance READS {
    state BACKUP
    nopreempt
    interface eth0
    virtual_router_id $id
    priority $priority
    advert_int 5
    virtual_ipaddress {
        10.77.0.139
    }
    $tracked
}
virtual_server 10.77.0.139 3306 {
    delay_loop 6
    lb_algo rr
    lb_kind DR
    persistence_timeout 0
    protocol TCP
    real_server 10.77.0.143 3306 {
        weight 1
        TCP_CHECK {
            connect_timeout 3
        }
    }
    real_server 10.77.0.144 3306 {
        weight $weight
        $check
    }
}
EOF
systemctl restart keepalived
