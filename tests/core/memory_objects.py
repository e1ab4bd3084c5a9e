"""An object store in a dictionary, with the rules of the real one."""

from __future__ import annotations

import threading

from pipeline.base.errors import NoSuchObject


class MemoryObjects:
    """What pipeline.lake.objects.Objects does, in this process."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes:
        with self._lock:
            if key not in self._objects:
                raise NoSuchObject(f"reading {key}: there is none")
            return self._objects[key]

    def put(self, key: str, body: bytes) -> None:
        with self._lock:
            self._objects[key] = body

    def put_if_absent(self, key: str, body: bytes) -> bool:
        with self._lock:
            return self._objects.setdefault(key, body) is body

    def copy(self, key: str, to_key: str) -> None:
        self.put(to_key, self.get(key))

    def list(self, prefix: str) -> tuple[str, ...]:
        with self._lock:
            return tuple(sorted(key for key in self._objects if key.startswith(prefix)))

    def size(self, key: str) -> int:
        return len(self.get(key))

    def delete(self, key: str) -> None:
        with self._lock:
            self._objects.pop(key, None)
