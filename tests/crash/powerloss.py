"""What a power cut leaves of the ledger: no more than was synced.

The shim's log tells, in order, what a process wrote into which file, what it synced, and what it answered.  From it the
files are built as a disk may hold them at any moment: bytes of a file once that file was synced, its name once its directory
was.  What was written since may be there or not, in any order; the least is nothing of it.
"""

import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Container, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench import Effect  # noqa: E402

SUFFIXES = {"db": "", "wal": "-wal", "journal": "-journal"}

# A change of a file that is not yet sure: (offset, bytes), or (length, None) for one that cuts it there.
Change = tuple[int, bytes | None]


def apply(content: bytearray, changes: list[Change]) -> bytearray:
    for offset, data in changes:
        if data is None:
            del content[offset:]
            continue
        if len(content) < offset:
            content.extend(bytes(offset - len(content)))
        content[offset : offset + len(data)] = data
    return content


@dataclass
class File:
    sure: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)
    named: bool = False  # Its directory was synced since it was made.


@dataclass
class Answer:
    """The first bytes of an answer to the web server."""

    effect: Effect
    words: str
    unsynced: list[str]  # Files that were written and not synced before it.
    images: list[dict[str, bytes]]  # What the disk may hold at that moment, least first.


class Disk:
    def __init__(self) -> None:
        self.files: dict[str, File] = {}

    def follow(self, effect: Effect, data: bytes) -> None:
        if effect.place == "dir" and effect.what == "sync":
            for one in self.files.values():
                one.named = True
            return
        if effect.place not in SUFFIXES:
            return
        one = self.files.setdefault(effect.place, File())
        if effect.what == "write":
            one.pending.append((effect.offset, data))
        elif effect.what == "truncate":
            one.pending.append((effect.offset, None))
        elif effect.what == "sync":
            apply(one.sure, one.pending)
            one.pending.clear()
        elif effect.what == "sync-failed":
            raise AssertionError("a sync failed in a test that breaks no disk")
        elif effect.what == "unlink":
            del self.files[effect.place]  # Should the name come back with the power, it is the caller's to imagine.
        elif effect.what == "create":
            self.files[effect.place] = File()

    def unsynced(self) -> list[str]:
        return [place for place, one in self.files.items() if one.pending]

    def image(self, keep: random.Random | None = None) -> dict[str, bytes]:
        """The files after the power comes back; of what is not sure nothing, or what `keep` says."""
        image = {}
        for place, one in self.files.items():
            if not one.named and not (keep and keep.random() < 0.5):
                continue
            pending = [change for change in one.pending if keep and keep.random() < 0.5]
            image[place] = bytes(apply(bytearray(one.sure), pending))
        return image


def with_data(effects: list[Effect], data: bytes) -> Iterator[tuple[Effect, bytes]]:
    position = 0
    for effect in effects:
        size = effect.size if effect.what == "write" and effect.place in SUFFIXES else 0
        yield effect, data[position : position + size]
        position += size
    assert position == len(data), f"{len(data)} bytes were written, {position} were told of"


def answers(effects: list[Effect], data: bytes, pictured: Container[int] | None = None, variants: int = 3) -> list[Answer]:
    """Each answer that a process gave which began without a ledger, with what a power cut just before it would have left;
    `pictured` limits the latter to the answers of these numbers."""
    disk, found = Disk(), []
    for effect, written in with_data(effects, data):
        if effect.place == "peer" and effect.words.startswith("Status: "):
            images = []
            if pictured is None or len(found) in pictured:
                images = [disk.image(), *(disk.image(random.Random(seed)) for seed in range(variants))]
            found.append(Answer(effect, effect.words.removeprefix("Status: "), disk.unsynced(), images))
        disk.follow(effect, written)
    return found


def restore(image: dict[str, bytes], ledger: Path) -> None:
    for place, content in image.items():
        Path(f"{ledger}{SUFFIXES[place]}").write_bytes(content)
