#!/bin/sh
# The VIPs of the database pairs.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get -qq install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io keepalived > /dev/null
mkdir -p /etc/keepalived/scripts
# The lab's kernel may have no ip_vs: VRRP only, the virtual_server stands in the configuration all the same.
echo 'DAEMON_ARGS="-P"' > /etc/default/keepalived

pair_a() { # own address, priority, nopreempt or nothing, an include or nothing
    printf '#!/bin/sh\nkillall keepalived\n' > /etc/keepalived/mysql_down.sh
    chmod 755 /etc/keepalived/mysql_down.sh
    cat > /etc/keepalived/keepalived.conf << EOF
$4
global_defs {
    notification_email {
        dba@example.com
    }
    router_id MYSQL_HA
}
vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority $2
    advert_int 1
    $3
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    virtual_ipaddress {
        10.77.0.148
    }
}
virtual_server 10.77.0.148 3306 {
    delay_loop 2
    lb_algo wrr
    lb_kind DR
    persistence_timeout 60
    protocol TCP
    real_server $1 3306 {
        weight 3
        notify_down /etc/keepalived/mysql_down.sh
        TCP_CHECK {
            connect_timeout 10
            retry 3
            delay_before_retry 3
            connect_port 3306
        }
    }
}
EOF
}

pair_f() { # own address, state, priority
    printf '#!/bin/sh\npkill keepalived\n' > /etc/keepalived/mysql_down.sh
    chmod 755 /etc/keepalived/mysql_down.sh
    cat > /etc/keepalived/keepalived.conf << EOF
global_defs {
    router_id MYSQL_F
}
vrrp_instance VI_1 {
    state $2
    interface eth0
    virtual_router_id 90
    priority $3
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    virtual_ipaddress {
        10.77.0.157
    }
}
virtual_server 10.77.0.157 3306 {
    delay_loop 2
    # With these the standby did not reach the active one through the VIP.
    #lb_algo wrr
    #lb_kind DR
    protocol TCP
    real_server $1 3306 {
        weight 3
        notify_down /etc/keepalived/mysql_down.sh
        TCP_CHECK {
            connect_timeout 10
            connect_port 3306
        }
    }
}
EOF
}

pair_e() { # own address, peer, priority, interval
    cat > /etc/keepalived/scripts/check_mysql.sh << 'EOF'
#!/bin/bash
if ! mysqladmin ping > /dev/null 2>&1; then
    systemctl stop keepalived
fi
EOF
    printf '#!/bin/sh\nmysql -e "STOP REPLICA; SET GLOBAL read_only = OFF"\n' > /etc/keepalived/scripts/master.sh
    chmod 755 /etc/keepalived/scripts/*
    cat > /etc/keepalived/keepalived.conf << EOF
global_defs {
    router_id $1
}
vrrp_script check_mysql {
    script "/etc/keepalived/scripts/check_mysql.sh"
    interval $4
    weight 2
}
vrrp_instance VI_META {
    state BACKUP
    interface eth0
    virtual_router_id 80
    priority $3
    advert_int 1
    nopreempt
    unicast_src_ip $1
    unicast_peer {
        $2
    }
    authentication {
        auth_type PASS
        auth_pass metadata2022
    }
    virtual_ipaddress {
        10.77.0.149/24 dev eth0
    }
    track_script {
        check_mysql
    }
    notify_stop /etc/keepalived/scripts/stop.sh
}
EOF
}

case "$1" in
bfa1) pair_a 10.77.0.141 100 nopreempt "" ;;
bfa2) pair_a 10.77.0.142 90 "" "include /etc/keepalived/mail.conf" ;; # which was never copied here
bfm1) pair_f 10.77.0.151 MASTER 100 ;;
bfm2) pair_f 10.77.0.152 BACKUP 90 ;;
bfe1)
    pair_e 10.77.0.143 10.77.0.144 150 10
    chmod 777 /etc/keepalived/scripts/check_mysql.sh
    # Realserver by hand, with the prefix of a (small) network; nothing of it survives a reboot.
    ip address add 10.77.0.139/31 dev lo label lo:0 2> /dev/null || true
    ;;
bfe2) pair_e 10.77.0.144 10.77.0.140 100 120 ;; # the peer is mistyped
esac
systemctl daemon-reload
systemctl restart keepalived
[ "$1" != bfe2 ] || systemctl --quiet disable keepalived
