import sys
from typing import Any, Callable, Dict, Iterable, List, Literal, NamedTuple, Optional, Protocol, Sequence, SupportsIndex, Tuple, Union, final

if sys.version_info >= (3, 12):
    from collections.abc import Buffer as Buffer
else:
    from typing_extensions import Buffer as Buffer

__all__ = [
    "tobytes", "copyto", "contiguous", "view", "is_contiguous", "layout", "Layout",
    "parse", "itemsize", "equivalent", "Field", "Format", "FormatError",
    "check", "Report", "Finding", "holders", "Holder", "Holders", "to_dlpack", "from_dlpack",
    "get_include", "get_library_dir", "get_pkgconfig_dir", "get_cmake_dir",
]

__version__: str

_Order = Literal["C", "F", "A"]

def tobytes(obj: Buffer, order: Optional[_Order] = "C", *, threads: SupportsIndex = 1) -> bytes: ...
def copyto(dst: Buffer, src: Buffer, *, threads: SupportsIndex = 1) -> None: ...
def contiguous(obj: Buffer, order: Optional[_Order] = "C") -> memoryview: ...
def is_contiguous(obj: Buffer, order: Optional[_Order]) -> bool: ...
def view(
    obj: Buffer,
    shape: Sequence[SupportsIndex],
    strides: Optional[Sequence[SupportsIndex]] = None,
    offset: SupportsIndex = 0,
    format: Optional[Union[str, bytes]] = None,
) -> memoryview: ...
def itemsize(format: Union[str, bytes]) -> int: ...
def equivalent(a: Union[str, bytes], b: Union[str, bytes]) -> bool: ...
def parse(format: Union[str, bytes]) -> Format: ...
def check(
    obj: Buffer,
    threads: SupportsIndex = 1,
    *,
    seconds: float = 2.0,
    probe: Optional[Callable[[], Any]] = None,
) -> Report: ...
def layout(obj: Buffer) -> Layout: ...
def to_dlpack(obj: Buffer) -> _Tensor: ...
def from_dlpack(x: _Producer) -> memoryview: ...
def get_include() -> str: ...
def get_library_dir() -> str: ...
def get_pkgconfig_dir() -> str: ...
def get_cmake_dir() -> str: ...

class _Producer(Protocol):
    def __dlpack__(self) -> Any: ...
    def __dlpack_device__(self) -> Tuple[Any, int]: ...

@final
class _Tensor:
    def __dlpack__(
        self,
        *,
        stream: None = None,
        max_version: Optional[Tuple[int, int]] = None,
        dl_device: Optional[Tuple[int, int]] = None,
        copy: Optional[bool] = None,
    ) -> Any: ...
    def __dlpack_device__(self) -> Tuple[int, int]: ...

class FormatError(ValueError):
    text: str
    format: str
    position: int
    def __init__(self, text: str, format: str, position: int) -> None: ...

class Field(NamedTuple):
    name: Optional[str]
    shape: Tuple[int, ...]
    count: int  # type: ignore[assignment]
    offset: int
    itemsize: int
    size: int
    kind: str
    code: str
    byte_order: Literal["<", ">"]
    mode: str
    alignment: int
    bit: int
    position: int
    length: int
    fields: Tuple["Field", ...] = ()

class Format(Tuple[Field, ...]):
    format: str
    itemsize: int
    alignment: int
    def __new__(cls, fields: Sequence[Field], format: str, itemsize: int, alignment: int) -> Format: ...

class Finding(NamedTuple):
    rule: int
    name: str
    severity: Literal["MUST", "advice"]
    request: str
    field: str
    axis: int
    found: str
    expected: str
    fix: str
    sentence: str
    source: str
    n_requests: int

class Report:
    exporter: str
    n_requests: int
    n_granted: int
    n_violations: int
    n_dropped: int
    has_references: bool
    is_python: bool
    raised: str
    note: str
    findings: Tuple[Finding, ...]
    def __bool__(self) -> bool: ...
    def to_dict(self) -> Dict[str, Any]: ...
    def _repr_html_(self) -> str: ...

class Layout:
    shape: Tuple[int, ...]
    strides: Tuple[int, ...]
    suboffsets: Tuple[int, ...]
    ndim: int
    itemsize: int
    nbytes: int
    format: str
    readonly: bool
    type_name: str
    def __init__(
        self,
        shape: Sequence[int],
        strides: Optional[Sequence[int]] = None,
        suboffsets: Sequence[int] = (),
        itemsize: int = 1,
        format: str = "B",
        *,
        nbytes: Optional[int] = None,
        readonly: bool = False,
        type_name: str = "",
        fields: Sequence[Any] = (),
    ) -> None: ...
    def is_contiguous(self, order: str) -> bool: ...
    @property
    def contiguity(self) -> str: ...
    def formula(self) -> str: ...
    def text(self, width: Optional[int] = None, ascii: Optional[bool] = None) -> str: ...
    def svg(self, brief: bool = False) -> str: ...
    def _repr_svg_(self) -> str: ...

class Holder:
    kind: str
    type: str
    request: str
    length: Optional[int]
    count: int
    held_by: Tuple[str, ...]
    file: Optional[str]
    line: Optional[int]
    function: Optional[str]
    frames: Tuple[Tuple[str, int, str], ...]
    thread: Optional[str]
    age: Optional[float]
    caller: Optional[str]
    def __init__(self, kind: str, type: str, request: str, length: Optional[int], **known: Any) -> None: ...

class Holders(List[Holder]):
    sources: Tuple[str, ...]
    note: str
    def __init__(self, entries: Iterable[Holder], sources: Iterable[str], note: str) -> None: ...

def holders(obj: Any) -> Holders: ...
