# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""keepalived configurations as people write them by hand, mistakes and all. Written for these tests."""

from __future__ import annotations

# Dual source; the local server's health check is a virtual_server that stops keepalived (1.4).
LOCAL_CHECK = """\
! Configuration File for keepalived
global_defs {
   notification_email {
     dba@example.org
   }
   notification_email_from keepalived@example.org
   smtp_server 127.0.0.1
   smtp_connect_timeout 30
   router_id MYSQL_PAIR
}

vrrp_instance VI_1 {
    state BACKUP        # both are
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 1
    nopreempt
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    virtual_ipaddress {
        192.0.2.100
    }
}

virtual_server 192.0.2.100 3306 {
    delay_loop 2
    lb_algo wrr
    lb_kind DR
    persistence_timeout 60
    protocol TCP
    real_server 192.0.2.11 3306 {
        weight 3
        notify_down /etc/keepalived/mysql_down.sh
        TCP_CHECK {
            connect_timeout 10
            nb_get_retry 3
            delay_before_retry 3
            connect_port 3306
        }
    }
}
"""
LOCAL_CHECK_SCRIPT = "#!/bin/bash\n# stops keepalived when mysqld is gone\nkillall keepalived\n"

# An LVS director of 1.2: braces on lines of their own, lvs_sched for lb_algo, tabs.
DIRECTOR = """\
global_defs
{
\trouter_id lvs_a
}
vrrp_instance reads
{
\tstate BACKUP
\tnopreempt
\tinterface bond0.20
\tvirtual_router_id 60
\tpriority 100
\tadvert_int 5
\tvirtual_ipaddress
\t{
\t\t192.0.2.200/24 dev bond0.20 label bond0.20:0
\t}
}
virtual_server 192.0.2.200 3306
{
\tdelay_loop 6
\tlvs_sched rr
\tlvs_method DR
\tpersistence_timeout 0
\tprotocol TCP
\treal_server 192.0.2.21 3306
\t{
\t\tweight 3
\t\tTCP_CHECK { connect_timeout 3
\t\t}
\t}
\treal_server 192.0.2.22 3306
\t{
\t\tweight 1
\t\tMISC_CHECK
\t\t{
\t\t\tmisc_path "/opt/check/query.sh 192.0.2.22 3306"
\t\t\tmisc_timeout 5
\t\t}
\t}
}
"""

# Several instances on a machine; a slow check; equal priorities; the password is too long.
PER_INSTANCE = """\
vrrp_script chk_mysql_3306 {
    script "/usr/bin/python /opt/ha/check_mysql.py -h 127.0.0.1 -P 3306 -u monitor -pMonitor01"
    interval 60
}
vrrp_script chk_mysql_3307 { script "/usr/bin/python /opt/ha/check_mysql.py -h 127.0.0.1 -P 3307"
    interval 60 }
vrrp_instance mysql_3306 {
    state BACKUP
    interface ens192
    virtual_router_id 36
    priority 100
    advert_int 5
    nopreempt
    authentication {
        auth_type PASS
        auth_pass mysql_3306_orders
    }
    track_script {
        chk_mysql_3306
    }
    virtual_ipaddress {
        192.0.2.136
    }
    notify_master "/opt/ha/to_master.py 3306"
    notify_backup "/opt/ha/to_backup.py 3306"
}
vrrp_instance mysql_3307 {
    state MASTER
    interface ens192
    virtual_router_id 37
    priority 100
    advert_int 5
    nopreempt
    track_script { chk_mysql_3307 }
    virtual_ipaddress { 192.0.2.137 }
}
"""

# Source and replica by unicast, with a weighted check.
UNICAST = """\
global_defs {
    router_id meta1
    script_user root
    enable_script_security
}
vrrp_script check_meta {
    script "/etc/keepalived/scripts/check.sh"
    interval 10
    weight 2
    rise 1
    fall 2
}
vrrp_instance VI_META {
    state MASTER
    interface ens3
    virtual_router_id 80
    priority 150
    nopreempt
    unicast_src_ip 192.0.2.31
    unicast_peer {
        192.0.2.32
    }
    authentication { auth_type PASS
        auth_pass meta#80
    }
    virtual_ipaddress { 192.0.2.180/24 dev ens3 }
    track_script {
        check_meta weight -20
    }
    notify_master /etc/keepalived/scripts/master.sh
    notify_backup /etc/keepalived/scripts/backup.sh
    notify_stop   /etc/keepalived/scripts/stop.sh
}
"""

# 2.x: parameters, conditions, sequences, quotes, continued lines, includes in every place.
MODERN = r"""
$VIP=192.0.2.150/24
$DEV=eth0
@main $PRIO=200
@^main $PRIO=100
~SEQ(N, 1, 3)  include "part$N.conf"
global_defs { router_id "with \"quotes\" and # no comment" }
vrrp_instance orders { version 3
    state BACKUP
    interface ${DEV}
    virtual_router_id 51
    priority $PRIO
    @main advert_int 0.2
    @other advert_int 5
    virtual_ipaddress {
        ${VIP} dev ${DEV} label eth0:9
        fd00::150/64
    }
    include conf.d/{tracks,missing}.conf
}
include conf.d/*.conf
"""
