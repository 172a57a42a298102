# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  login_unix_socket:
    description:
      - Socket of the instance on the target host. Used unless O(login_host) is given.
    type: path
    default: /run/mysqld/mysqld.sock
  login_file:
    description:
      - Option file on the target host, like C(/root/.my.cnf). What its group C(client) says of user, password, socket,
        host, port and CA wins over the other options.
    type: path
  login_user:
    description:
      - MySQL account to log in as. With C(auth_socket), which distributions set up for C(root), the module must run
        as the OS
        user of that name.
    type: str
    default: root
  login_password:
    description:
      - Password of that account. Leave it out with C(auth_socket).
    type: str
  login_host:
    description:
      - Address of the instance as seen from the target host. Given, the login goes over TCP, encrypted where the
        server can.
    type: str
  login_port:
    description:
      - TCP port, with O(login_host).
    type: int
    default: 3306
  login_ssl_ca:
    description:
      - PEM file on the target host, with O(login_host). The server must then show a certificate from this CA, made
        out for
        O(login_host).
    type: path
  connect_timeout:
    description:
      - Seconds that the whole login may take. An instance that hangs counts as unreachable after it.
    type: float
    default: 10
requirements:
  - PyMySQL on the target host (Debian C(python3-pymysql), EL C(python3-PyMySQL))
"""
