using System.Runtime.InteropServices;

namespace MambaExt.Native;

/// <summary>
/// Gives an exported function of a loaded Linux library another address, for whoever looks it up by name from then on. What changes is
/// one number in the library's table of dynamic symbols: data, in this process's private copy of the page. No code is touched, nor the file,
/// nor anyone who holds the old address.
/// </summary>
internal static unsafe class ExportedFunction
{
    private const int SymbolEntry = 1;
    private const uint Load = 1, Executable = 1, Writable = 2;
    private const int Read = 1, ReadWrite = 3;

    /// <summary>Lets lookups of <paramref name="name"/> in <paramref name="library"/> find <paramref name="replacement"/>; false, and
    /// nothing changed, where the tables are not as expected.</summary>
    public static bool TryReplace(nint library, string name, nint replacement)
    {
        if (!OperatingSystem.IsLinux() || sizeof(nint) != 8
            || !NativeLibrary.TryGetExport(library, name, out nint original)
            || !NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "dladdr1", out nint dladdr1))
        {
            return false;
        }

        // Dl_info: file, base of the library, name of the symbol, its address.
        nint* origin = stackalloc nint[4];
        byte* symbol = null;
        int found = ((delegate* unmanaged<nint, nint*, byte**, int, int>)dladdr1)(original, origin, &symbol, SymbolEntry);

        // Two symbols of one address would make the answer ambiguous.
        if (found == 0 || symbol is null || Marshal.PtrToStringUTF8(origin[2]) != name || !IsReadOnlyData((byte*)origin[1], symbol))
        {
            return false;
        }

        // The loader adds the library's base to the value of a symbol; a difference needs no knowledge of the base.
        var value = (ulong*)(symbol + 8);
        ulong before = *value;
        if (!TryWrite(value, before + (ulong)(replacement - original)))
        {
            return false;
        }

        if (NativeLibrary.TryGetExport(library, name, out nint now) && now == replacement)
        {
            return true;
        }

        TryWrite(value, before);
        return false;
    }

    private static bool TryWrite(ulong* target, ulong value)
    {
        nint page = (nint)target & -Environment.SystemPageSize;
        if (mprotect(page, Environment.SystemPageSize, ReadWrite) != 0)
        {
            return false;
        }

        // A symbol is aligned, so another thread that looks it up reads the old address or the new one.
        Volatile.Write(ref *target, value);
        mprotect(page, Environment.SystemPageSize, Read);
        return true;
    }

    /// <summary>Linkers of old put the symbols beside the code; taking away execution there, even for a moment, would end the process.</summary>
    private static bool IsReadOnlyData(byte* library, byte* symbol)
    {
        if (!new ReadOnlySpan<byte>(library, 6).SequenceEqual((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1]))
        {
            return false;
        }

        byte* page = (byte*)((nint)symbol & -Environment.SystemPageSize);
        byte* header = library + *(ulong*)(library + 0x20);
        int size = *(ushort*)(library + 0x36), count = *(ushort*)(library + 0x38);
        bool inside = false;
        for (int i = 0; i < count; i++, header += size)
        {
            if (*(uint*)header != Load)
            {
                continue;
            }

            byte* start = library + *(ulong*)(header + 0x10), end = start + *(ulong*)(header + 0x28);
            if (start < page + Environment.SystemPageSize && end > page && (*(uint*)(header + 4) & (Executable | Writable)) != 0)
            {
                return false;
            }

            inside |= symbol >= start && symbol < end;
        }

        return inside;
    }

    [DllImport("libc")]
    private static extern int mprotect(nint address, nint length, int protection);
}
