import sys

import pytest

from napari_tide._napari.triton_guard import TritonGuard, install_triton_guard


def test_triton_is_kept_out_beside_another_llvm(tmp_path):
    loaded = tmp_path / "maps"
    loaded.write_text("7f00-7f01 r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libLLVM-15.so.1\n")
    with pytest.raises(ModuleNotFoundError, match="another LLVM"):
        TritonGuard(loaded).find_spec("triton", None)
    assert TritonGuard(loaded).find_spec("torch", None) is None


@pytest.mark.parametrize("content", ["7f00-7f01 r-xp 0 08:01 1 /usr/lib/libGL.so.1\n", None])
def test_triton_may_come_where_there_is_no_other(tmp_path, content):
    loaded = tmp_path / "maps"
    if content:
        loaded.write_text(content)
    assert TritonGuard(loaded).find_spec("triton", None) is None


def test_one_guard_is_enough():
    before = list(sys.meta_path)
    try:
        install_triton_guard()
        install_triton_guard()
        assert sum(isinstance(finder, TritonGuard) for finder in sys.meta_path) == 1
    finally:
        sys.meta_path[:] = before
