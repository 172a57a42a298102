# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Samples of what people configure, and mutations of them with secrets planted."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

from unit.audit import builders
from unit.discover import built
from unit.model.inventories import balanced, pair, proxied
from unit.vrrp import practitioners

FIELD = Path(__file__).parents[1] / "unit" / "audit" / "field"
SECRET = "Zq8Never7391Shown"
# Whole lines, which no mutation touches: what they hold must come out nowhere, wherever they stand.
PLANTED = {
    "keepalived": (
        f"auth_pass {SECRET}", f'script "/opt/check --password={SECRET}"', f'notify_master "/opt/x -u a -p{SECRET}"',
        f'misc_path "/usr/bin/mysql -h 192.0.2.11 -u root --password {SECRET}"', f'script "MYSQL_PWD={SECRET} /opt/c"',
        f'notify "/usr/bin/curl http://me:{SECRET}@192.0.2.11/"',
        f'script "/usr/local/bin/clustercheck clustercheckuser {SECRET} 0"',
        f'script "/opt/ha/check.pl 127.0.0.1 3306 monitor {SECRET}"',
        f'misc_path "/usr/bin/curl -H \\"Authorization: Basic {SECRET}\\" http://192.0.2.1/"',
    ),
    "haproxy": (
        f"stats auth me:{SECRET}", f"user me insecure-password {SECRET}", f"user me password {SECRET}",
        f"setenv TOKEN {SECRET}", f'http-check send meth GET uri /x hdr Authorization "Basic {SECRET}"',
        f"option httpchk GET /x?password={SECRET} HTTP/1.1\\r\\nAuthorization:\\ Basic\\ {SECRET}",
        f"option httpchk GET http://me:{SECRET}@192.0.2.11/role", f"option httpchk /x?user=me&pass={SECRET}",
        f"command /usr/bin/curl -u me:{SECRET} http://192.0.2.1/", f'tcp-check send "AUTH {SECRET}\\r\\n"',
        f"server s 192.0.2.11:3306 check agent-check agent-send {SECRET} cookie {SECRET}",
        f"http-request auth realm {SECRET} unless {{ req.hdr(X-Key) {SECRET} }}",
    ),
    "options": (
        f"password = {SECRET}", f"report-password={SECRET}", f"wsrep_sst_auth = root:{SECRET}",
        f"authentication_ldap_simple_bind_root_pwd = '{SECRET}'", f"loose-master_password={SECRET} # {SECRET}",
        f"# {SECRET}", f"; password={SECRET}", f"password {SECRET}", SECRET, f"pass word = {SECRET}", f"! {SECRET}",
    ),
}  # fmt: skip
NOISE = (
    "\n", "{", "}", "{\n", "\n}", '"', "'", "\\", "#", "!", "[", "]", "=", "$", "${X}", "@", ":", "\t", " ", "\r",
    "\x00",
    "\ufeff", "\u00a0", "\u200b", "é", "%", "*", "/", "-1", "0", "999999999999999999999", "include /x", "!include /x\n",
    ".if 1\n", ".else\n", ".endif\n", "from", "defaults x from x\n", "listen x\n", "[mysqld]\n", "vrrp_instance x {\n",
    "track x/x", "server-template a 1-9 b:1\n", "~SEQ(x,1,9)", "$X=\\\n", "<>&\"'", "{{ lookup('env') }}", "\x1b[31m",
)  # fmt: skip


class Sample(NamedTuple):
    kind: str  # keepalived, haproxy or options
    text: str


@cache
def samples() -> tuple[Sample, ...]:
    found = [Sample("haproxy", path.read_text(encoding="utf-8")) for path in sorted(FIELD.rglob("*.cfg"))]
    found += [Sample("options", path.read_text(encoding="utf-8")) for path in sorted(FIELD.rglob("*.cnf"))]
    found += [Sample("keepalived", path.read_text(encoding="utf-8")) for path in sorted(FIELD.rglob("*.conf"))]
    texts = (practitioners.LOCAL_CHECK, practitioners.DIRECTOR, practitioners.PER_INSTANCE, practitioners.UNICAST,
             practitioners.MODERN, builders.DIRECTOR, builders.MEMBER.format(priority=101, own="192.0.2.11", peer="x"))
    found += [Sample("keepalived", text) for text in texts]
    found.append(Sample("haproxy", builders.PROXY))
    for inventory in (pair(), balanced(), proxied()):
        for files in built.all_files(inventory).values():
            for path, text in files.items():
                kind = {"cnf": "options", "cfg": "haproxy", "conf": "keepalived"}.get(path.rpartition(".")[2])
                if kind and "/systemd/" not in path:
                    found.append(Sample(kind, text))
    return tuple(dict.fromkeys(found))


def kinds() -> list[str]:
    return sorted(PLANTED)


@st.composite
def mutated(draw: st.DrawFn, kind: str) -> str:
    """A sample with pieces taken out, doubled, moved or replaced, and with whole lines that hold secrets."""
    known = [each.text for each in samples() if each.kind == kind]
    text = draw(st.sampled_from(known))
    for _round in range(draw(st.integers(0, 6))):
        start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        piece = draw(st.one_of(
            st.just(""), st.sampled_from(NOISE), st.just(text[start:end] * 2), st.just(text[start:end][::-1]),
            st.sampled_from(known), st.text(max_size=20), st.builds(lambda word, times: word * times,
                                                                   st.sampled_from(NOISE), st.integers(2, 500)),
        ))  # fmt: skip
        text = (text[:start] + piece + text[end if draw(st.booleans()) else start :])[:100_000]
    lines = text.split("\n")
    for line in draw(st.lists(st.sampled_from(PLANTED[kind]), min_size=1, max_size=4)):
        lines.insert(draw(st.integers(0, len(lines))), line)
    return "\n".join(lines)
