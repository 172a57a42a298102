#!/usr/bin/python
# Copyright: (c) 2026, the opendba.mysql_ha authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: source_tree
short_description: Keep a directory of source files exactly as given
version_added: 1.0.0
description:
  - Writes many small text files in one step, where M(ansible.builtin.copy) needs one or two round trips for each.
  - A file that is not in O(files) is removed, so that code of an earlier version is not imported by mistake. So are
    compiled files.
  - Files are owned by root and readable by all, C(0644), directories C(0755).
author:
  - opendba authors (@opendba)
options:
  path:
    description:
      - The directory, absolute. It and the directories below it belong to this module alone.
    type: path
    required: true
  files:
    description:
      - Path below O(path) to the content of the file. UTF-8.
    type: dict
    required: true
extends_documentation_fragment:
  - opendba.mysql_ha.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = r"""
- name: Install a program of two files
  opendba.mysql_ha.source_tree:
    path: /usr/local/lib/greeter
    files:
      greeter/__init__.py: ""
      greeter/__main__.py: "{{ lookup('ansible.builtin.file', 'greeter.py', rstrip=false) }}"
"""

RETURN = r"""
written:
  description: Files that were made or changed, or would be in check mode, relative to O(path).
  returned: success
  type: list
  elements: str
removed:
  description: Files that were removed, or would be in check mode, relative to O(path).
  returned: success
  type: list
  elements: str
"""

import os
from pathlib import Path, PurePosixPath
from typing import Any

from ansible.module_utils.basic import AnsibleModule

FILE_MODE = 0o644
DIRECTORY_MODE = 0o755


def refused(names: list[str]) -> str:
    """Why these names can't be files below the directory; empty when they can."""
    for name in names:
        parts = PurePosixPath(name).parts
        if not parts or PurePosixPath(name).is_absolute() or ".." in parts:
            return f"files: {name!r} is not a path below the directory"
    return ""


def present(root: Path) -> dict[str, Path]:
    """The files below a directory by their relative names; links and compiled files included."""
    return {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_symlink() or not path.is_dir()}


def as_wanted(path: Path, content: str) -> bool:
    """Whether a file has this content, root as owner and the mode."""
    if path.is_symlink() or not path.is_file():
        return False
    status = path.stat()
    wanted = (FILE_MODE, 0, 0)
    return (status.st_mode & 0o7777, status.st_uid, status.st_gid) == wanted and path.read_bytes() == content.encode()


def text(path: Path) -> str:
    """A file's content for the diff."""
    return "" if path.is_symlink() or not path.is_file() else path.read_bytes().decode("utf-8", "replace")


def write(module: AnsibleModule, path: Path, content: str) -> None:
    missing = [parent for parent in path.parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir()
        parent.chmod(DIRECTORY_MODE)  # whatever the umask says
    temporary = path.with_name(f".{path.name}.ansible")
    temporary.write_bytes(content.encode())
    temporary.chmod(FILE_MODE)
    os.chown(temporary, 0, 0)
    module.atomic_move(str(temporary), str(path))


def main() -> None:
    module = AnsibleModule(
        argument_spec={"path": {"type": "path", "required": True}, "files": {"type": "dict", "required": True}},
        supports_check_mode=True,
    )
    root, files = Path(module.params["path"]), {name: str(text) for name, text in module.params["files"].items()}
    problem = refused(list(files))
    if problem:
        module.fail_json(msg=problem)
    found = present(root)
    written = sorted(name for name, content in files.items() if not as_wanted(root / name, content))
    removed = sorted(name for name in found if name not in files)
    shown = [name for name in [*written, *removed] if not name.endswith(".pyc")]
    diff: list[dict[str, Any]] = [
        {
            "before_header": str(root / name),
            "after_header": str(root / name),
            "before": text(root / name),
            "after": files.get(name, ""),
        }
        for name in shown
    ]
    if not module.check_mode:
        for name in removed:
            found[name].unlink()
        for name in written:
            write(module, root / name, files[name])
    # A compiled file that python left behind is tidied up silently: nobody asked for it.
    changed = bool(shown)
    module.exit_json(changed=changed, written=written, removed=removed, diff=diff)


if __name__ == "__main__":
    main()
