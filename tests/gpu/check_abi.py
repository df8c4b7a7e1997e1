"""Says whether a libtorch has what TorchSharp's native library wants of it.

Usage: check_abi.py libLibTorchSharp.so FOLDER_OF_LIBTORCH
Prints one line; exit code 0 where no symbol is missing, 1 where some are, 2 where the libraries cannot be opened."""
import ctypes
import os
import struct
import sys

# GCC 13's <iostream> names it to ask for a libstdc++ as new; nothing calls it, and the loader of MambaExt does without.
UNUSED = {"_ZSt21ios_base_library_initv"}


def undefined(path):
    """Names of the strong undefined dynamic symbols of an ELF file."""
    with open(path, "rb") as file:
        data = file.read()
    offset, = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    heads = [struct.unpack_from("<IIQQQQIIQQ", data, offset + i * size) for i in range(count)]
    symbols = next(head for head in heads if head[1] == 11)  # SHT_DYNSYM
    text = heads[symbols[6]][4]
    for at in range(symbols[4], symbols[4] + symbols[5], 24):
        name, info, _, section = struct.unpack_from("<IBBH", data, at)
        if section == 0 and name and info >> 4 == 1:
            yield data[text + name:data.index(0, text + name)].decode()


def main():
    shim, folder = sys.argv[1:3]
    try:
        wanted = list(undefined(shim))
        opened = []
        for name in ("libtorch_global_deps.so", "libc10.so", "libtorch_cpu.so", "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so"):
            path = os.path.join(folder, name)
            if os.path.exists(path):
                opened.append(ctypes.CDLL(path, ctypes.RTLD_GLOBAL))
        opened += [ctypes.CDLL(name) for name in ("libstdc++.so.6", "libc.so.6", "libm.so.6", "libgcc_s.so.1")]
    except (OSError, StopIteration, struct.error, IndexError) as error:
        print(f"not to be opened: {error}")
        return 2
    missing = [name for name in wanted if name not in UNUSED and not any(hasattr(library, name) for library in opened)]
    print(f"{len(wanted)} symbols wanted, {len(missing)} missing" + "".join(" " + name for name in missing[:5]) + (" ..." if len(missing) > 5 else ""))
    return 1 if missing else 0


sys.exit(main())
