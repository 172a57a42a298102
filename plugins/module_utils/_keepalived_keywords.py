# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keepalived ignores in its configuration: words that it does not know, invisible signs, second names. Pure."""

from __future__ import annotations

import unicodedata
from typing import Any

from ._keepalived_conf import Statement, walk

Facts = dict[str, Any]
# The keywords of 2.2.7, as `keepalived -t` knows them, and those of other versions between 1.2 and 2.3.
_WORDS = """
accept advert_int alpha auth_pass auth_type authentication BFD_CHECK bfd_cpu_affinity bfd_instance bfd_no_swap
bfd_priority bfd_process_name bfd_rlimit_rtime bfd_rlimit_rttime bfd_rt_priority bind_if bind_port bindto
check_unicast_src checker checker_cpu_affinity checker_log_all_failures checker_no_swap checker_priority
checker_process_name checker_rlimit_rtime checker_rlimit_rttime checker_rt_priority child_wait_time config_save_dir
connect_ip connect_port connect_timeout data_use_instance dbus_service_name debug default_interface delay
delay_before_retry delay_loop digest disable_local_igmp DNS_CHECK dont_track_primary down_timer_adverts
dynamic_interfaces enable_dbus enable_script_security enable_sni enable_snmp enable_snmp_checker
enable_snmp_keepalived enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3 enable_snmp_vrrp enable_traps est_timeout
fall fast_recovery fifo_write_vrrp_states_on_reload file FILE_CHECK fork_delay full_command fwmark garp_extra_if
garp_group garp_interval garp_lower_prio_delay garp_lower_prio_repeat garp_master_delay garp_master_refresh
garp_master_refresh_repeat garp_master_repeat global_defs global_tracking gna_interval group ha_suspend hashed
helo_name higher_prio_send_advert hoplimit host HTTP_GET http_protocol hysteresis idle_tx include_check
inhibit_on_failure init_fail init_file instance interface interface_up_down_delays interfaces interval ip_address
ip_family iproute_etc_dir iproute_usr_dir json_dump_file json_version kernel_rx_buf_size lb_algo lb_kind
linkbeat_interfaces linkbeat_use_polling log_all_failures log_unknown_vrids lower_prio_no_advert lthreshold
lvs_flush lvs_flush_on_stop lvs_flush_onstop lvs_id lvs_method lvs_netlink_cmd_rcv_bufs
lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs lvs_netlink_monitor_rcv_bufs_force lvs_notify_fifo
lvs_notify_fifo_script lvs_process_name lvs_sched lvs_sync_daemon lvs_sync_daemon_interface lvs_timeouts
max_auto_priority max_hops max_open_files max_reply_length mcast_dst_ip mcast_src_ip min_auto_priority_delay
min_reply_length min_rx min_tx MISC_CHECK misc_dynamic misc_path misc_timeout multiplier name namespace_with_ipsets
native_ipv6 nb_get_retry neighbor_ip neighbour_ip net_namespace net_namespace_ipvs nftables nftables_counters
nftables_ifindex nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark nftables_priority no_accept
no_checker_emails no_email_faults no_virtual_ipaddress nopreempt notification_email notification_email_from notify
notify_backup notify_deleted notify_down notify_fault notify_fifo notify_fifo_script notify_master
notify_master_rx_lower_pri notify_priority_changes notify_stop notify_up old_unicast_checksum omega ops
owner_ignore_adverts param_match passive path payload persistence_engine persistence_granularity persistence_timeout
PING_CHECK preempt preempt_delay priority process process_monitor_rcv_bufs process_monitor_rcv_bufs_force
process_name process_names promote_secondaries protocol quorum quorum_down quorum_max quorum_up random_seed
real_server regex regex_max_offset regex_min_offset regex_no_match regex_options regex_stack reload_check_config
reload_file reload_repeat reload_time_file require_reply retry rise router_id rs_init_notifies script script_user
shutdown_script shutdown_script_timeout skip_check_adv_addr smtp_alert smtp_alert_checker smtp_alert_vrrp SMTP_CHECK
smtp_connect_timeout smtp_helo_name smtp_server snmp_name snmp_socket sorry_server sorry_server_inhibit
sorry_server_lvs_method source_ip SSL SSL_GET startup_script startup_script_timeout state state_dump_file
static_ipaddress static_routes static_rules stats_dump_file status_code strict_mode sync_group_tracking_weight
TCP_CHECK terminate_delay timeout timestamp_type tls_compliant tmp_config_directory track_bfd track_file track_group
track_interface track_process track_script track_src_ip ttl type UDP_CHECK umask unicast_fault_no_peer unicast_peer
unicast_src_ip unicast_ttl use_ipvlan use_pid_dir use_symlink_paths use_vmac use_vmac_addr user uthreshold
v3_checksum_type version virtual_ipaddress virtual_ipaddress_excluded virtual_router_id virtual_routes virtual_rules
virtual_server virtual_server_group virtualhost vmac_addr_prefix vmac_prefix vmac_xmit_base vrf vrrp
vrrp_check_unicast_src vrrp_cpu_affinity vrrp_down_timer_adverts vrrp_garp_extra_if vrrp_garp_interval
vrrp_garp_lower_prio_delay vrrp_garp_lower_prio_repeat vrrp_garp_master_delay vrrp_garp_master_refresh
vrrp_garp_master_refresh_repeat vrrp_garp_master_repeat vrrp_gna_interval vrrp_higher_prio_send_advert vrrp_instance
vrrp_ipsets vrrp_iptables vrrp_lower_prio_no_advert vrrp_mcast_group4 vrrp_mcast_group6 vrrp_min_garp
vrrp_netlink_cmd_rcv_bufs vrrp_netlink_cmd_rcv_bufs_force vrrp_netlink_monitor_rcv_bufs
vrrp_netlink_monitor_rcv_bufs_force vrrp_no_swap vrrp_notify_fifo vrrp_notify_fifo_script
vrrp_notify_priority_changes vrrp_owner_ignore_adverts vrrp_priority vrrp_process_name vrrp_rlimit_rtime
vrrp_rlimit_rttime vrrp_rt_priority vrrp_rx_bufs_multiplier vrrp_rx_bufs_policy vrrp_script vrrp_skip_check_adv_addr
vrrp_startup_delay vrrp_strict vrrp_sync_group vrrp_track_bfd vrrp_track_file vrrp_track_process vrrp_version
vrrp_vmac_garp_intvl warmup weight
"""
KEYWORDS = frozenset(_WORDS.split())
# Blocks in which each statement begins with a keyword; others hold addresses, names or routes.
_OF_KEYWORDS = frozenset({
    "global_defs", "vrrp_instance", "vrrp_sync_group", "vrrp_script", "vrrp_track_process", "vrrp_track_file",
    "bfd_instance", "virtual_server", "real_server", "authentication", "url", "host", "TCP_CHECK", "HTTP_GET",
    "SSL_GET", "MISC_CHECK", "SMTP_CHECK", "DNS_CHECK", "BFD_CHECK", "UDP_CHECK", "PING_CHECK", "FILE_CHECK",
})  # fmt: skip
_NAMED = frozenset({
    "vrrp_instance", "vrrp_sync_group", "vrrp_script", "vrrp_track_file", "track_file", "vrrp_track_process",
    "virtual_server_group",
})  # fmt: skip
_MOST = 200  # entries


def ignored(statements: list[Statement]) -> list[Facts]:
    """{"kind" (sign, keyword or name), "at", "text"}: what keepalived drops."""
    return [*_signs(statements), *_unknown(statements), *_again(statements)][:_MOST]


def _signs(statements: list[Statement]) -> list[Facts]:
    """By file and sign, with all lines: a page from the web has one in every line."""
    found: dict[tuple[str, str], list[int]] = {}
    for statement in walk(statements):
        for sign in {sign for word in statement["words"] for sign in _odd_signs(word)}:
            path, _colon, line = statement["at"].rpartition(":")
            found.setdefault((path, sign), []).append(int(line))
    return [
        {
            "kind": "sign", "at": f"{path}:{lines[0]}",
            "text": f"U+{ord(sign):04X} ({unicodedata.name(sign, 'a control sign').lower()}) in {_lines(lines)}:"
            " keepalived takes it for a part of the word, and drops the line where it does not know that",
        }
        for (path, sign), lines in found.items()
    ]  # fmt: skip


def _odd_signs(word: str) -> set[str]:
    """White space that is not ASCII's, what has no width, and quotes and dashes of typography at the ends of a word."""
    if word.isascii():
        return set()
    unseen = {sign for sign in word if sign > "\x7f" and unicodedata.category(sign) in ("Zs", "Zl", "Zp", "Cf", "Cc")}
    ends = {sign for sign in (word[0], word[-1]) if sign > "\x7f"}
    return unseen | {sign for sign in ends if unicodedata.category(sign) in ("Pi", "Pf", "Pd", "Ps")}


def _lines(numbers: list[int]) -> str:
    """As ranges: 2-4, 7."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    shown = [f"{first}-{last}" if last > first else str(first) for first, last in ranges]
    return f"line{'s' if len(set(numbers)) > 1 else ''} {', '.join(shown)}"


def _unknown(statements: list[Statement]) -> list[Facts]:
    found: list[Facts] = []
    levels: list[tuple[list[Statement], bool]] = [(statements, True)]
    while levels:
        block, of_keywords = levels.pop()
        for statement in block:
            word = statement["words"][0]
            if of_keywords and not _known(word):
                text = f"unknown keyword {word}"
                if statement["block"] is not None:
                    text += " {: its lines count one level above, and its brace ends the block around it"
                found.append({"kind": "keyword", "at": statement["at"], "text": text})
            elif statement["block"]:
                top = block is statements
                levels.append((statement["block"], word in _OF_KEYWORDS or (top and word.startswith("track_"))))
    return sorted(found, key=lambda each: _place(each["at"]))


def _known(word: str) -> bool:
    """Also what another entry names, and a backslash that a comment ends in."""
    return word in KEYWORDS or bool(_odd_signs(word)) or word.startswith(("$", "include")) or not word.strip("\\")


def _place(at: str) -> tuple[str, int]:
    path, _colon, line = at.rpartition(":")
    return path, int(line)


def _again(statements: list[Statement]) -> list[Facts]:
    """Of equal names keepalived keeps the first."""
    first: dict[tuple[str, str], str] = {}
    found: list[Facts] = []
    for statement in statements:
        words = statement["words"]
        if words[0] not in _NAMED or len(words) < 2 or statement["block"] is None:
            continue
        at = first.setdefault((words[0], words[1]), statement["at"])
        if at is not statement["at"]:
            text = f"{words[0]} {words[1]} stands at {at} already: this second one does not count"
            found.append({"kind": "name", "at": statement["at"], "text": text})
    return found
