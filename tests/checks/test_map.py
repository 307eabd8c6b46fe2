"""tests/checks/map passes a house in order, and names what is wrong with one that is not."""

import subprocess
from pathlib import Path

import pytest

CHECK = Path(__file__).resolve().parent / "map"

README = "<!-- map -->\n| room | |\n|---|---|\n| [`lib/low/`](lib/low) | below |\n| [`lib/high/`](lib/high) | above |\n<!-- /map -->\n"

HOUSE = {
    "README.md": README,
    "lib/low/README.md": "low\n",
    "lib/high/README.md": "high\n",
    "cgi/README.md": "programs\n",
    "lib/low/stone.h": "int stone(void);\n",
    "lib/low/stone.c": '#include "low/stone.h"\nint stone(void) { return 1; }\n',
    "lib/low/sand.h": "int sand(void);\n",
    "lib/low/sand.c": '#include "low/sand.h"\n#include "low/stone.h"\nint sand(void) { return stone(); }\n',
    "lib/high/roof.h": "int roof(void);\n",
    "lib/high/roof.c": '#include "high/roof.h"\n#include "low/sand.h"\nint roof(void) { return sand(); }\n',
    "cgi/log.h": "int log_line(void);\n",
    "cgi/log.c": '#include "log.h"\nint log_line(void) { return 2; }\n',
    "cgi/main.c": '#include "high/roof.h"\n#include "log.h"\nint main(void) { return roof() + log_line(); }\n',
}


def check(root: Path, **changed: str | None) -> tuple[int, str]:
    """Build a house with some files other than in HOUSE (None: without it), and what the check says of it."""
    for name, text in (HOUSE | {name.replace("__", "/").replace("_dot_", "."): text for name, text in changed.items()}).items():
        if text is not None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
    for source in sorted(root.glob("**/*.c")):
        object_file = root / "build" / source.relative_to(root).with_suffix(".o")
        object_file.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["gcc", f"-I{root / 'lib'}", "-c", source, "-o", object_file], check=True)
    done = subprocess.run([CHECK, root, root / "build"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def test_a_house_in_order(tmp_path: Path) -> None:
    assert check(tmp_path) == (0, "  ok    map: 2 rooms, 5 units\n")


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        # Upward by an include, though nothing is called; and by a call that no include shows.
        ({"lib__low__stone_dot_c": '#include "high/roof.h"\nint stone(void) { return 1; }\n'},
         "lib/low/stone includes lib/high/roof, whose room stands below its own"),
        ({"lib__low__stone_dot_c": "int roof(void);\nint stone(void) { return roof(); }\n"},
         "lib/low/stone calls lib/high/roof, whose room stands below its own"),
        ({"lib__low__stone_dot_c": "int log_line(void);\nint stone(void) { return log_line(); }\n"},
         "lib/low/stone calls cgi/log, whose room stands below its own"),
        # A circle inside one room, seen by symbols alone, and one by way of a third file.
        ({"lib__low__stone_dot_c": "int sand(void);\nint stone(void) { return sand(); }\n"},
         "these use each other: lib/low/sand, lib/low/stone"),
        ({"lib__low__stone_dot_c": "int clay(void);\nint stone(void) { return clay(); }\n",
          "lib__low__clay_dot_c": "int sand(void);\nint clay(void) { return sand(); }\n"},
         "these use each other: lib/low/clay, lib/low/sand, lib/low/stone"),
        # A variable counts like a function.
        ({"lib__low__stone_dot_c": "extern int pebbles;\nint stone(void) { return pebbles; }\n",
          "lib__high__roof_dot_c": '#include "low/sand.h"\nint pebbles;\nint roof(void) { return sand(); }\n'},
         "lib/low/stone calls lib/high/roof, whose room stands below its own"),
        ({"lib__attic__box_dot_c": "int box(void) { return 3; }\n", "lib__attic__README_dot_md": "attic\n"},
         "lib/attic/ is not on the README's map"),
        ({"lib__high__README_dot_md": None}, "lib/high/ has no README"),
        ({"cgi__README_dot_md": None}, "cgi/ has no README"),
        ({"cgi__ctl__list_dot_c": "int list(void) { return 4; }\n"}, "cgi/ctl/ has no README"),
        ({"README_dot_md": README.replace("<!-- /map -->", "| `lib/cellar/` | gone |\n<!-- /map -->")},
         "lib/cellar/ is on the README's map, but there is no such room"),
        ({"README_dot_md": "no map\n"}, "the README has none"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, changed: dict[str, str | None], complaint: str) -> None:
    status, said = check(tmp_path, **changed)
    assert status == 1 and f"map: {complaint}" in said
